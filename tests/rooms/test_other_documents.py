"""Beside jupyter-server-documents, agents' changes go into its documents.

It cannot be installed beside jupyter-server-ydoc's version of jupyter-server-fileid, so what is
used of it stands here; `scripts/check_other_documents.py` plays the same with the real one.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from pathlib import Path
from typing import Any

import nbformat
import pytest
from jupyter_ydoc import YNotebook

from jmcp_lab.extension import JmcpLab
from jmcp_lab.rooms.backend import open_backend
from jmcp_lab.rooms.liveness import NotLive

from ..support.robots import Robot, write_notebook


class Room:
    """A document that pages share; it is saved when a test says so."""

    def __init__(self, content: dict[str, Any]) -> None:
        self.document = YNotebook()
        self.document.set(content)
        self.file_api = self
        self.content_loaded = True
        self.stops: list[Callable[[], object]] = []

    has_unsaved_changes = False

    async def get_jupyter_ydoc(self) -> YNotebook:
        return self.document

    def add_stop_callback(self, callback: Callable[[], object]) -> None:
        self.stops.append(callback)

    @property
    def texts(self) -> list[str]:
        return [str(cell["source"]) for cell in self.document.ycells]


class RoomManager:
    """The rooms of jupyter-server-documents."""

    def __init__(self) -> None:
        self.rooms: dict[str, Room] = {}

    def has_room(self, name: str) -> bool:
        return name in self.rooms

    def get_room(self, name: str) -> Room:
        return self.rooms[name]


@pytest.fixture
def others(app: JmcpLab) -> RoomManager:
    """Return the rooms of the other package, which keeps the documents of this server."""
    server = app.serverapp
    assert server is not None
    manager = RoomManager()
    server.web_app.settings["yroom_manager"] = manager
    app.rooms = app.services.rooms = open_backend(
        server,
        app.services.contents,
        app.log,
        why=NotLive.OTHERS,
        pages=app.pages,
        idle_seconds=60,
    )
    return manager


def open_live(app: JmcpLab, others: RoomManager, root: Path, path: str) -> Room:
    """Open a notebook as a page does."""
    file_id = app.serverapp.web_app.settings["file_id_manager"].index(path)
    room = Room(nbformat.read(root / path, 4))
    others.rooms[f"json:notebook:{file_id}"] = room
    return room


async def test_changes_go_into_the_open_document_and_not_directly_into_the_file(
    robot: Robot, root: Path, app: JmcpLab, others: RoomManager
) -> None:
    one, _ = write_notebook(root, "a.ipynb", "one", "two")
    room = open_live(app, others, root, "a.ipynb")
    before = (root / "a.ipynb").read_bytes()
    said = await robot.say("read_cells", notebook="a.ipynb")
    assert "jupyter-server-documents manages the live documents" in said
    room.document.ycells[1]["source"].insert(0, "typed ")
    assert "typed two" in await robot.say("read_cells", notebook="a.ipynb")
    kept = room.document.ycells[1]
    await robot.say("overwrite_cell_source", notebook="a.ipynb", cell=one, source="agent")
    await robot.say("insert_cell", notebook="a.ipynb", source="new", after=one)
    kept["source"].insert(0, "on ")
    assert room.texts == ["agent", "new", "on typed two"]
    await robot.say("undo_changes", notebook="a.ipynb")
    assert room.texts == ["agent", "on typed two"]
    assert (root / "a.ipynb").read_bytes() == before


async def test_outputs_of_a_run_go_into_the_open_document(
    robot: Robot, root: Path, app: JmcpLab, others: RoomManager
) -> None:
    (cell,) = write_notebook(root, "a.ipynb", "print(6 * 7)")
    room = open_live(app, others, root, "a.ipynb")
    await robot.run("execute_cell", notebook="a.ipynb", cells=cell)
    assert room.document.get_cell(0)["outputs"][0]["text"] == "42\n"


async def test_unsaved_changes_in_the_open_document_delay_no_edit(
    robot: Robot, root: Path, app: JmcpLab, others: RoomManager
) -> None:
    write_notebook(root, "a.ipynb", "one")
    room = open_live(app, others, root, "a.ipynb")
    opened = {"path": "a.ipynb", "dirty": True, "saves": False}
    app.pages.tell("page", {"open": [opened]})
    await robot.say("insert_cell", notebook="a.ipynb", source="new")
    assert room.texts == ["one", "new"]


async def test_a_notebook_closed_by_all_pages_is_edited_through_its_file(
    robot: Robot, root: Path, app: JmcpLab, others: RoomManager
) -> None:
    write_notebook(root, "a.ipynb", "one")
    room = open_live(app, others, root, "a.ipynb")
    await robot.say("insert_cell", notebook="a.ipynb", source="live")
    nbformat.write(nbformat.from_dict(room.document.get()), root / "a.ipynb")
    others.rooms.clear()
    for stop in room.stops:
        stop()
    # What its end puts there is no cell.
    room.document.ycells.append(None)
    await robot.say("insert_cell", notebook="a.ipynb", source="file")
    saved = [cell.source for cell in nbformat.read(root / "a.ipynb", 4).cells]
    assert saved == ["one", "live", "file"]


async def test_an_unknown_version_of_the_package_is_left_alone(
    robot: Robot, root: Path, app: JmcpLab, others: RoomManager
) -> None:
    write_notebook(root, "a.ipynb", "one")
    room = open_live(app, others, root, "a.ipynb")
    del room.file_api
    await asyncio.gather(
        robot.say("insert_cell", notebook="a.ipynb", source="file"),
        robot.say("insert_cell", notebook="a.ipynb", source="again"),
    )
    assert len(nbformat.read(root / "a.ipynb", 4).cells) == 3
