"""The history that a room writes: where it goes, and that it ends with the server."""

from __future__ import annotations

import asyncio
import os
from pathlib import Path

from jmcp_lab.rooms.history.history_folder import history_folder

from ...support.robots import Robot, write_notebook
from ...support.room_page import OpenPage


async def test_the_history_of_a_document_is_only_in_the_data_folder(
    robot: Robot, root: Path, tmp_path: Path
) -> None:
    write_notebook(root, "a.ipynb", "x")
    await robot.say("insert_cell", notebook="a.ipynb", source="y")
    (history,) = history_folder().glob("*.db")
    assert history.stat().st_mode & 0o077 == 0
    assert not (tmp_path / "ystore.db").exists()
    assert os.listdir(root) == ["a.ipynb"]


async def test_no_room_holds_a_history_when_the_server_stops(
    robot: Robot, root: Path, open_page: OpenPage
) -> None:
    write_notebook(root, "a.ipynb", "x")
    await open_page("a.ipynb")
    upstream = robot.app.rooms._upstream
    (room,) = [room for room in upstream.rooms() if getattr(room, "store", None) is not None]
    # A page opens the room at this moment: what it reads from the store it reads to its end.
    lock = upstream.extension._room_locks.setdefault(room.room_id, asyncio.Lock())
    async with lock:
        ending = asyncio.create_task(upstream.end_histories(30))
        for _ in range(20):
            await asyncio.sleep(0)
        assert room.store.is_open
    await ending
    assert not room.store.is_open
