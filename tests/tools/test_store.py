"""The history that a room writes: where it goes, and that it ends with the server."""

from __future__ import annotations

import asyncio
from pathlib import Path

from .conftest import Robot, write_notebook
from .page import OpenPage


async def test_the_history_of_a_room_that_an_agent_opens_goes_where_it_is_configured(
    robot: Robot, root: Path, tmp_path: Path
) -> None:
    write_notebook(root, "a.ipynb", "x")
    await robot.say("insert_cell", notebook="a.ipynb", source="y")
    assert (tmp_path / "ystore.db").exists()


async def test_no_room_keeps_a_history_when_the_server_ends(
    robot: Robot, root: Path, open_page: OpenPage
) -> None:
    """A task of one that is left would hold the process for as long as it likes."""
    write_notebook(root, "a.ipynb", "x")
    await open_page("a.ipynb")
    upstream = robot.app.rooms._upstream
    (room,) = [room for room in upstream.rooms() if getattr(room, "ystore", None) is not None]
    store = room.ystore
    # A page opens the room at this moment: what it reads from the store it reads to its end.
    lock = upstream.extension._room_locks.setdefault(room.room_id, asyncio.Lock())
    async with lock:
        ending = asyncio.create_task(upstream.end_histories(30))
        for _ in range(20):
            await asyncio.sleep(0)
        assert room.ystore is store
        assert not store.stopped.is_set()
    await ending
    assert room.ystore is None
    assert store.stopped.is_set()
