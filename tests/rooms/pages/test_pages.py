"""Rooms with pages in them: what a person types while an agent arranges cells is never lost."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from traitlets.config import Config

from jmcp_lab.agents.modes import ASK
from jmcp_lab.extension import JmcpLab
from jmcp_lab.rooms.live_room import LiveRoom
from jmcp_lab.rooms.upstream.ydoc_server import room_id

from ...support.robots import MakeRobot, Robot, write_notebook
from ...support.room_page import OpenPage, Page, until


@pytest.fixture
def jp_server_config(jp_server_config: Config) -> Config:
    # A room is cleaned up as soon as the last page left.
    return jp_server_config | Config({"YDocExtension": {"document_cleanup_delay": 0.05}})


@pytest.mark.parametrize("place", [{"index": 3}, {"index": 0}], ids=["down", "up"])
async def test_a_moved_cell_keeps_what_was_typed_while_it_moved(
    robot: Robot, root: Path, open_page: OpenPage, place: dict[str, int]
) -> None:
    ids = write_notebook(root, "a.ipynb", "one", "two = 'é😀'", "three")
    page = await open_page("a.ipynb")
    await robot.say("read_cells", notebook="a.ipynb")
    page.hold()
    page.type(1, "# mine\n")
    await robot.say("move_cell", notebook="a.ipynb", cells=ids[1], **place)
    page.release()
    notebook = await robot.open("a.ipynb")
    await until(lambda: notebook.source(ids[1]) == "# mine\ntwo = 'é😀'")
    await page.until(lambda: page.ids() == notebook.ids)
    await page.until(lambda: "# mine\ntwo = 'é😀'" in page.texts())
    # The next keystrokes go to the new cell as any others.
    page.type(page.ids().index(ids[1]), "# more\n")
    await until(lambda: notebook.source(ids[1]) == "# more\n# mine\ntwo = 'é😀'")


async def test_a_cell_that_changes_type_keeps_text_typed_in_the_meantime(
    robot: Robot, root: Path, open_page: OpenPage
) -> None:
    (cell,) = write_notebook(root, "a.ipynb", "# Title")
    page = await open_page("a.ipynb")
    page.hold()
    page.type(0, "s", at=7)
    await robot.say(
        "overwrite_cell_source", notebook="a.ipynb", cell=cell, source="# Title", type="markdown"
    )
    page.release()
    notebook = await robot.open("a.ipynb")
    await until(lambda: notebook.source(cell) == "# Titles")
    cell_type = notebook.ycells[0]["cell_type"]
    assert cell_type == "markdown"


async def test_a_cell_deleted_while_a_person_types_in_it_is_restored_and_the_agent_is_told(
    robot: Robot, root: Path, open_page: OpenPage
) -> None:
    ids = write_notebook(root, "a.ipynb", "one", "two", "three")
    page = await open_page("a.ipynb")
    await robot.say("read_cells", notebook="a.ipynb")
    page.hold()
    page.type(1, "precious ")
    await robot.say("delete_cell", notebook="a.ipynb", cells=ids[1])
    notebook = await robot.open("a.ipynb")
    assert notebook.ids == [ids[0], ids[2]]
    page.release()
    await until(lambda: notebook.ids == ids)
    assert notebook.source(ids[1]) == "precious two"
    said = await robot.say("list_cells", notebook="a.ipynb")
    assert "was typing" in said
    assert ids[1] in said
    await page.until(lambda: page.texts() == ["one", "precious two", "three"])
    assert "was typing" not in await robot.say("list_cells", notebook="a.ipynb")


async def test_a_line_changed_by_both_after_a_move_keeps_both_texts(
    robot: Robot, root: Path, open_page: OpenPage
) -> None:
    ids = write_notebook(root, "a.ipynb", "x = 1", "y")
    page = await open_page("a.ipynb")
    page.hold()
    page.type(0, "MINE", at=5)
    await robot.say("move_cell", notebook="a.ipynb", cells=ids[0], index=2)
    await robot.say("overwrite_cell_source", notebook="a.ipynb", cell=ids[0], source="x = 100")
    page.release()
    notebook = await robot.open("a.ipynb")
    await until(lambda: "MINE" in str(notebook.source(ids[0])))
    assert str(notebook.source(ids[0])).replace("MINE", "") == "x = 100"


async def test_a_cell_moved_by_person_and_agent_at_once_exists_once(
    robot: Robot, root: Path, open_page: OpenPage
) -> None:
    ids = write_notebook(root, "a.ipynb", "one", "two", "three")
    page = await open_page("a.ipynb")
    page.hold()
    # As JupyterLab moves: the cell is deleted and made anew, with its id.
    cell = page.notebook.get_cell(0)
    with page.ydoc.transaction():
        del page.notebook.ycells[0]
        page.notebook.ycells.insert(1, page.notebook.create_ycell(cell))
    await robot.say("move_cell", notebook="a.ipynb", cells=ids[0], index=3)
    page.release()
    notebook = await robot.open("a.ipynb")
    await until(lambda: notebook.ids == [ids[1], ids[0], ids[2]])
    page.type(0, "!")
    await until(lambda: notebook.source(ids[1]) == "!two")
    await page.until(lambda: page.ids() == notebook.ids)
    assert notebook.ids == [ids[1], ids[0], ids[2]]


async def test_a_room_without_pages_stays_open_while_an_agent_works_in_it(
    make_robot: MakeRobot, root: Path, open_page: OpenPage
) -> None:
    robot = make_robot(ASK)
    (cell,) = write_notebook(root, "a.ipynb", "x = 1")
    page = await open_page("a.ipynb")
    robot.app.rooms.idle_seconds = 0.05
    task = robot.start("overwrite_cell_source", notebook="a.ipynb", cell=cell, source="x = 2")
    await robot.request()
    notebook = robot.app.rooms.find("a.ipynb")
    assert notebook is not None
    room = robot.app.rooms._open[f"json:notebook:{notebook.file_id}"].room
    await page.close()
    await until(lambda: len(room.clients) == 1)
    assert room.cleaner is None
    await robot.allow()
    await task
    assert robot.app.rooms.find("a.ipynb") is notebook
    assert notebook.source(cell) == "x = 2"
    # Afterwards nobody uses it, and it is saved and closed.
    await until(lambda: "a.ipynb" not in robot.app.rooms.paths_open())
    assert "x = 2" in (root / "a.ipynb").read_text()


async def test_a_pending_clean_up_is_cancelled_when_an_agent_comes(
    robot: Robot, root: Path, open_page: OpenPage, app: JmcpLab
) -> None:
    (cell,) = write_notebook(root, "a.ipynb", "x = 1")
    page = await open_page("a.ipynb")
    upstream = app.rooms._upstream
    (room,) = [room for room in upstream.rooms() if room.room_id.startswith("json:notebook")]
    await page.close()
    await until(lambda: room.cleaner is not None)
    cleaner = room.cleaner
    await robot.say("overwrite_cell_source", notebook="a.ipynb", cell=cell, source="x = 2")
    await until(cleaner.done)
    assert cleaner.cancelled()
    notebook = await robot.open("a.ipynb")
    assert upstream.room(room.room_id) is room
    assert notebook.source(cell) == "x = 2"


async def test_a_page_opening_a_notebook_at_the_same_moment_gets_the_same_room(
    robot: Robot, root: Path, app: JmcpLab
) -> None:
    write_notebook(root, "a.ipynb", "x = 1")
    upstream = app.rooms._upstream
    extension = upstream.extension
    # A page's handler first adds its room, and reads the file only when the websocket is open.
    real = extension.get_document

    async def not_yet_read(*, path: str, **_: object) -> None:
        file_id = str(upstream._file_ids.index(path))
        server, loader = extension.ywebsocket_server, extension.file_loaders[file_id]
        events, log = extension.serverapp.event_logger, extension.log
        room = LiveRoom(room_id(file_id), "json", "notebook", loader, events, None, log)
        await real(path="other.ipynb", content_type="notebook", file_format="json", create=True)
        await server.start_room(room)
        server.add_room(room.room_id, room)

    write_notebook(root, "other.ipynb", "y")
    extension.get_document = not_yet_read
    try:
        assert "x = 1" in await robot.say("read_cells", notebook="a.ipynb")
    finally:
        del extension.get_document


def rooms_of(app: JmcpLab) -> dict[str, Any]:
    """Return the rooms that are open, by name."""
    server = app.serverapp
    assert server is not None
    (extension,) = server.extension_manager.extension_apps["jupyter_server_ydoc"]
    return extension.ywebsocket_server.rooms


async def leave(app: JmcpLab, *pages: Page) -> None:
    """Close pages, and return when their room is gone."""
    for page in pages:
        await page.close()
    await until(lambda: not rooms_of(app))


async def test_a_cell_whose_run_died_with_the_server_is_not_shown_as_running(
    app: JmcpLab, root: Path, open_page: OpenPage
) -> None:
    app.stale_cells.listen()  # As at the start of a server.
    write_notebook(root, "a.ipynb", "one", "two")
    page = await open_page("a.ipynb")
    # This is what a killed server leaves behind: in the history of the room, and in the page.
    page.set_state(0, "running")
    witness = await open_page("a.ipynb")
    await witness.until(lambda: witness.state(0) == "running")
    await leave(app, page, witness)
    fresh = await open_page("a.ipynb")
    await fresh.until(lambda: fresh.state(0) == "idle")
    assert fresh.state(1) == "idle"


async def test_a_returning_page_does_not_mark_a_cell_as_running(
    app: JmcpLab, root: Path, open_page: OpenPage
) -> None:
    app.stale_cells.listen()
    write_notebook(root, "a.ipynb", "one")
    page = await open_page("a.ipynb")
    await leave(app, page)
    other = await open_page("a.ipynb")
    # The history does not know of this, and the room is open already.
    page.set_state(0, "running")
    back = await open_page("a.ipynb", page.ydoc)
    await back.until(lambda: back.state(0) == "idle")
    await other.until(lambda: other.state(0) == "idle")


async def test_cells_that_a_kernel_may_still_run_are_left_alone(
    app: JmcpLab, root: Path, open_page: OpenPage
) -> None:
    write_notebook(root, "a.ipynb", "one")
    session = await app.sessions.start("a.ipynb")
    page = await open_page("a.ipynb")
    page.set_state(0, "running")
    witness = await open_page("a.ipynb")
    await witness.until(lambda: witness.state(0) == "running")
    (name,) = rooms_of(app)
    await app.stale_cells.settle(name)
    notebook = rooms_of(app)[name]._document
    assert notebook.ycells[0]["execution_state"] == "running"
    await app.sessions.shutdown(session)
    await app.stale_cells.settle(name)
    assert notebook.ycells[0]["execution_state"] == "idle"
