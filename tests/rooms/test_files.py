"""What becomes of an open notebook when its file is renamed, moved, deleted or rewritten."""

from __future__ import annotations

import asyncio
import json
import logging
import os
import shutil
from pathlib import Path

import nbformat
import pytest

from jmcp_lab.agents.modes import ASK
from jmcp_lab.errors import UnavailableError
from jmcp_lab.extension import JmcpLab

from ..support.robots import MakeRobot, Robot, write_notebook
from ..support.room_page import Fetch, until


def source(path: Path, number: int = 0) -> str:
    return str(nbformat.read(path, 4).cells[number].source)


async def rename(fetch: Fetch, old: str, new: str) -> None:
    await fetch("api", "contents", old, method="PATCH", body=json.dumps({"path": new}))


async def test_edits_follow_a_notebook_that_jupyter_renames(
    robot: Robot, root: Path, jp_fetch: Fetch
) -> None:
    (cell,) = write_notebook(root, "a.ipynb", "x = 1")
    await robot.say("use_notebook", notebook="a.ipynb")
    await robot.say("overwrite_cell_source", cell=cell, source="x = 2")
    notebook = await robot.open("a.ipynb")
    await rename(jp_fetch, "a.ipynb", "b.ipynb")
    # By its new name, and by the old one, which is still the agent's current notebook.
    await robot.say("overwrite_cell_source", notebook="b.ipynb", cell=cell, source="x = 3")
    said = await robot.say("insert_cell", source="y")
    assert "b.ipynb" in said
    assert await robot.open("b.ipynb") is notebook
    await robot.app.rooms.save(notebook)
    assert source(root / "b.ipynb") == "x = 3"
    assert not (root / "a.ipynb").exists()
    await robot.say("undo_changes")
    assert notebook.ids == [cell]


async def test_an_edit_can_be_undone_after_a_rename_and_reopening(
    robot: Robot, root: Path, jp_fetch: Fetch
) -> None:
    first, second = write_notebook(root, "a.ipynb", "x = 1", "y = 1")
    await robot.say("overwrite_cell_source", notebook="a.ipynb", cell=first, source="x = 2")
    await robot.say("delete_cell", notebook="a.ipynb", cells=second)
    await close(robot, "a.ipynb")
    await rename(jp_fetch, "a.ipynb", "b.ipynb")
    calls = robot.app.ledger.since(0)
    for tool in ("delete_cell", "overwrite_cell_source"):
        call = next(call for call in calls if call.tool == tool)
        await robot.say("undo_changes", notebook="b.ipynb", call=call.id)
    notebook = await robot.open("b.ipynb")
    assert [notebook.source(cell) for cell in notebook.ids] == ["x = 1", "y = 1"]
    assert notebook.ids == [first, second]


async def test_an_agents_current_notebook_follows_a_rename(
    robot: Robot, root: Path, jp_fetch: Fetch
) -> None:
    (cell,) = write_notebook(root, "a.ipynb", "x = 1")
    await robot.say("use_notebook", notebook="a.ipynb")
    await rename(jp_fetch, "a.ipynb", "b.ipynb")
    await robot.say("list_cells")
    assert "Your current notebook: b.ipynb" in await robot.say("get_context")
    write_notebook(root, "a.ipynb", "another")
    await robot.say("overwrite_cell_source", cell=cell, source="x = 2")
    await close(robot, "b.ipynb")
    assert source(root / "b.ipynb") == "x = 2"


async def close(robot: Robot, path: str) -> None:
    """Let the idle closer close a room."""
    rooms = robot.app.rooms
    await robot.open(path)
    found = rooms.find(path)
    assert found is not None
    held = rooms._open[f"json:notebook:{found.file_id}"]
    before, rooms.idle_seconds = rooms.idle_seconds, 0.0
    rooms._on_idle(held)
    assert held.closing is not None
    await held.closing
    rooms.idle_seconds = before
    assert path not in rooms.paths_open()


async def test_a_notebook_that_a_shell_moves_keeps_its_room_and_its_unsaved_edits(
    robot: Robot, root: Path
) -> None:
    (cell,) = write_notebook(root, "a.ipynb", "x = 1")
    await robot.say("overwrite_cell_source", notebook="a.ipynb", cell=cell, source="x = 2")
    (root / "sub").mkdir()
    os.rename(root / "a.ipynb", root / "sub" / "b.ipynb")
    said = await robot.say("insert_cell", notebook="a.ipynb", source="y")
    assert "sub/b.ipynb" in said
    assert "was moved" in said
    notebook = await robot.open("sub/b.ipynb")
    assert notebook.source(cell) == "x = 2"
    await robot.app.rooms.save(notebook)
    assert source(root / "sub" / "b.ipynb") == "x = 2"
    assert not (root / "a.ipynb").exists()


async def test_a_moved_notebook_opened_at_its_new_path_has_the_same_room(
    robot: Robot, root: Path
) -> None:
    (cell,) = write_notebook(root, "a.ipynb", "x = 1")
    await robot.say("overwrite_cell_source", notebook="a.ipynb", cell=cell, source="x = 2")
    notebook = await robot.open("a.ipynb")
    shutil.move(root / "a.ipynb", root / "b.ipynb")
    assert await robot.open("b.ipynb") is notebook
    await robot.app.rooms.save(notebook)
    assert source(root / "b.ipynb") == "x = 2"


@pytest.mark.parametrize("name", ["data.csv", "b.ipynb"])
async def test_a_file_that_reuses_the_inode_of_a_deleted_notebook_is_not_mistaken_for_it(
    robot: Robot, root: Path, name: str
) -> None:
    (cell,) = write_notebook(root, "a.ipynb", "x = 1")
    write_notebook(root, "other", "theirs")
    theirs = (root / "other").read_text()
    await robot.say("overwrite_cell_source", notebook="a.ipynb", cell=cell, source="x = 2")
    notebook = await robot.open("a.ipynb")
    await robot.app.rooms.save(notebook)
    # As file systems do it with a new file, at their whim.
    changed = (root / "a.ipynb").stat().st_mtime_ns + 2_000_000_000
    os.rename(root / "a.ipynb", root / name)
    (root / name).write_text(theirs)
    os.utime(root / name, ns=(changed, changed))
    said = await robot.fail("insert_cell", notebook="a.ipynb", source="y")
    assert "was deleted" in said
    assert (root / name).read_text() == theirs
    if name.endswith(".ipynb"):
        assert await robot.open(name) is not notebook
        assert "theirs" in await robot.say("read_cells", notebook=name)


@pytest.mark.parametrize("way", ["shell", "jupyter"])
async def test_a_notebook_deleted_while_open_is_an_error_and_not_recreated(
    robot: Robot, root: Path, jp_fetch: Fetch, caplog: pytest.LogCaptureFixture, way: str
) -> None:
    (cell,) = write_notebook(root, "a.ipynb", "x = 1")
    notebook = await robot.open("a.ipynb")
    await robot.app.rooms.save(notebook)
    if way == "shell":
        (root / "a.ipynb").unlink()
    else:
        await jp_fetch("api", "contents", "a.ipynb", method="DELETE")
    said = await robot.fail("overwrite_cell_source", notebook="a.ipynb", cell=cell, source="x = 2")
    assert "a.ipynb" in said
    assert "list_notebooks" in said
    await until(lambda: "a.ipynb" not in robot.app.rooms.paths_open())
    assert not (root / "a.ipynb").exists()
    assert not [r for r in caplog.records if r.exc_info and r.levelno >= logging.ERROR]
    # A new file of that name is a new notebook.
    write_notebook(root, "a.ipynb", "new")
    assert "new" in await robot.say("read_cells", notebook="a.ipynb")


async def test_a_notebook_deleted_while_an_edit_waits_for_approval_is_not_recreated(
    make_robot: MakeRobot, root: Path
) -> None:
    robot = make_robot(ASK)
    (cell,) = write_notebook(root, "a.ipynb", "x = 1")
    task = robot.start("overwrite_cell_source", notebook="a.ipynb", cell=cell, source="x = 2")
    await robot.request()
    (root / "a.ipynb").unlink()
    await robot.allow()
    reply = await task
    assert reply.is_error
    assert "deleted or moved in the meantime" in reply.text


async def test_a_read_only_notebook_is_read_and_not_changed(
    robot: Robot, root: Path, app: JmcpLab, monkeypatch: pytest.MonkeyPatch
) -> None:
    (cell,) = write_notebook(root, "a.ipynb", "x = 1")
    manager = app.serverapp.contents_manager
    # The tests may run as root, who may write everything.
    monkeypatch.setattr(type(manager), "is_writable", lambda self, path: False)
    assert "x = 1" in await robot.say("read_cells", notebook="a.ipynb")
    said = await robot.fail("overwrite_cell_source", notebook="a.ipynb", cell=cell, source="x = 2")
    assert "read-only" in said
    notebook = await robot.open("a.ipynb")
    assert notebook.source(cell) == "x = 1"
    monkeypatch.undo()
    await robot.say("overwrite_cell_source", notebook="a.ipynb", cell=cell, source="x = 2")


async def test_with_a_full_disk_nothing_is_lost_and_the_agent_is_told(
    robot: Robot, root: Path, app: JmcpLab, monkeypatch: pytest.MonkeyPatch
) -> None:
    (cell,) = write_notebook(root, "a.ipynb", "x = 1")
    await robot.say("read_cells", notebook="a.ipynb")

    def full(*arguments: object, **more: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(app.serverapp.contents_manager, "save", full)
    await robot.say("overwrite_cell_source", notebook="a.ipynb", cell=cell, source="x = 2")
    notebook = await robot.open("a.ipynb")
    with pytest.raises(UnavailableError, match="could not be saved"):
        await app.rooms.save(notebook)
    assert source(root / "a.ipynb") == "x = 1"
    await until(lambda: bool(app.rooms.notices._items))
    assert "the disk is full" in await robot.say("list_cells", notebook="a.ipynb")
    # Idle or not, a room that cannot be saved is not closed.
    held = app.rooms._open[f"json:notebook:{notebook.file_id}"]
    app.rooms.idle_seconds = 0.0
    app.rooms._on_idle(held)
    await held.closing
    app.rooms.idle_seconds = 60.0
    assert app.rooms.find("a.ipynb") is notebook
    monkeypatch.undo()
    await app.rooms.save(notebook)
    assert source(root / "a.ipynb") == "x = 2"


async def test_a_file_that_git_rewrites_is_read_again_and_the_agent_is_told(
    robot: Robot, root: Path
) -> None:
    ids = write_notebook(root, "a.ipynb", "x = 1", "y = 1")
    await robot.say("read_cells", notebook="a.ipynb")
    notebook = await robot.open("a.ipynb")
    content = nbformat.read(root / "a.ipynb", 4)
    content.cells[0].source = "x = 'from git'"
    # As git does: a new file in the place of the old one.
    nbformat.write(content, root / "new")
    stat = (root / "a.ipynb").stat()
    os.utime(root / "new", ns=(stat.st_atime_ns, stat.st_mtime_ns + 2_000_000_000))
    os.replace(root / "new", root / "a.ipynb")
    await until(lambda: notebook.source(ids[0]) == "x = 'from git'")
    said = await robot.fail(
        "overwrite_cell_source", notebook="a.ipynb", cell=ids[0], source="x = 2"
    )
    assert "changed on disk" in said
    assert "x = 'from git'" in said
    assert notebook.source(ids[0]) == "x = 'from git'"
    assert await robot.open("a.ipynb") is notebook


async def test_stopping_the_server_saves_everything_first(robot: Robot, root: Path) -> None:
    (one,) = write_notebook(root, "a.ipynb", "x = 1")
    (two,) = write_notebook(root, "b.ipynb", "y = 1")
    await robot.say("overwrite_cell_source", notebook="a.ipynb", cell=one, source="x = 2")
    await robot.say("overwrite_cell_source", notebook="b.ipynb", cell=two, source="y = 2")
    await robot.app.rooms.stop()
    assert source(root / "a.ipynb") == "x = 2"
    assert source(root / "b.ipynb") == "y = 2"


async def test_stopping_saves_notebooks_without_autosave(robot: Robot, root: Path) -> None:
    (cell,) = write_notebook(root, "a.ipynb", "x = 1")
    notebook = await robot.open("a.ipynb")
    room = robot.app.rooms._open[f"json:notebook:{notebook.file_id}"].room
    # As the page of a person who switched saving by itself off.
    room.awareness.set_local_state({"user": {"name": "Ada"}, "autosave": False})
    change = {"notebook": "a.ipynb", "cell": cell}
    await robot.say("overwrite_cell_source", source="x = 2", **change)
    async with room._file._lock:
        # They save by hand. What this writes is put together, and waits for the lock.
        saving = room._save_to_disc()
        while not room._file._lock._waiters:  # noqa: ASYNC110 - there is no event for it
            await asyncio.sleep(0)
        await robot.say("overwrite_cell_source", source="x = 3", **change)
    await saving
    assert robot.app.serverapp.event_logger is not None
    await robot.app.serverapp.event_logger.gather_listeners()
    assert source(root / "a.ipynb") == "x = 2"
    await robot.app.rooms.stop()
    assert source(root / "a.ipynb") == "x = 3"


async def test_an_idle_room_is_saved_and_closed_and_opens_again_with_the_same_ids(
    robot: Robot, root: Path
) -> None:
    ids = write_notebook(root, "a.ipynb", "x = 1", "y = 1")
    robot.app.rooms.idle_seconds = 0.05
    await robot.say("overwrite_cell_source", notebook="a.ipynb", cell=ids[0], source="x = 2")
    await until(lambda: "a.ipynb" not in robot.app.rooms.paths_open())
    robot.app.rooms.idle_seconds = 60.0
    assert source(root / "a.ipynb") == "x = 2"
    notebook = await robot.open("a.ipynb")
    assert notebook.ids == ids
    await robot.say("undo_changes", notebook="a.ipynb")
    assert notebook.source(ids[0]) == "x = 1"


async def test_a_notebook_that_was_only_read_is_not_written(robot: Robot, root: Path) -> None:
    write_notebook(root, "a.ipynb", "x = 1")
    before = (root / "a.ipynb").stat().st_mtime_ns
    await robot.say("read_cells", notebook="a.ipynb")
    await close(robot, "a.ipynb")
    assert (root / "a.ipynb").stat().st_mtime_ns == before


async def test_many_agents_that_open_one_notebook_at_once_share_one_room(
    make_robot: MakeRobot, root: Path
) -> None:
    write_notebook(root, "a.ipynb", "x = 1")
    robots = [make_robot(label=f"R{number}") for number in range(8)]
    await asyncio.gather(
        *(
            robot.say("insert_cell", notebook="a.ipynb", source=f"# {robot.agent.label}")
            for robot in robots
        )
    )
    notebook = await robots[0].open("a.ipynb")
    assert len(notebook.ids) == 9


async def test_an_agent_is_told_once_that_the_person_switched_off_autosave(
    robot: Robot, root: Path, app: JmcpLab
) -> None:
    (cell,) = write_notebook(root, "a.ipynb", "x = 1")
    notebook = await robot.open("a.ipynb")
    room = app.rooms._open[f"json:notebook:{notebook.file_id}"].room
    room.awareness.set_local_state({"user": {"name": "Ada"}, "autosave": False})
    change = {"notebook": "a.ipynb", "cell": cell}
    said = await robot.say("overwrite_cell_source", source="x = 2", **change)
    assert "switched off autosave" in said
    assert "autosave" not in await robot.say("overwrite_cell_source", source="x = 3", **change)
    assert room.autosave.unsaved
