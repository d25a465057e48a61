"""What a person allowed follows the file, and ends when its name stands for another one."""

from __future__ import annotations

import asyncio
import os
import shutil
from collections.abc import Callable
from pathlib import Path

import nbformat
import pytest
from hypothesis import given
from hypothesis import strategies as st
from traitlets.config import Config

from jmcp_lab.calls.call import CallState
from jmcp_lab.codec.fingerprint import CellVersion, Version
from jmcp_lab.errors import ConflictError
from jmcp_lab.notebooks.identity import Identity, has_ended

from ..rooms.test_files import rename
from ..support.robots import LIMIT, Robot, write_notebook
from ..support.room_page import Fetch, until


@pytest.fixture(params=["live", "without live"])
def jp_server_config(jp_server_config: Config, request: pytest.FixtureRequest) -> Config:
    if request.param == "live":
        return jp_server_config | Config({"YDocExtension": {"file_poll_interval": 0.05}})
    jp_server_config["ServerApp"]["jpserver_extensions"]["jupyter_server_ydoc"] = False
    return jp_server_config


async def granted(robot: Robot, root: Path, *sources: str) -> str:
    """Have a grant for d.ipynb, and return the id of its first cell."""
    cell = write_notebook(root, "d.ipynb", "print('mine')", *sources)[0]
    task = robot.start("execute_cell", notebook="d.ipynb", cells=cell)
    await robot.allow("allow_always")
    assert "mine" in (await task).text
    assert not await asks(robot, "d.ipynb", cell)
    return cell


async def asks(robot: Robot, path: str, cell: str) -> bool:
    """Run a cell, and return whether that asks; the request is withdrawn then."""
    task = robot.start("execute_cell", notebook=path, cells=cell)
    async with asyncio.timeout(LIMIT):
        while not task.done():
            for call in robot.app.ledger.active(robot.agent.id):
                if call.state is CallState.WAITING:
                    robot.app.gate.withdraw(call)
                    await task
                    return True
            await asyncio.sleep(0)
    assert "ok" in task.result().text
    return False


async def until_read(robot: Robot, path: str, source: str) -> None:
    """Return when the server has taken in what a program wrote into a file."""
    async with asyncio.timeout(LIMIT):
        while source not in await robot.say("read_cells", notebook=path):  # noqa: ASYNC110
            await asyncio.sleep(0.02)


def moved_away_and_copied(root: Path) -> None:
    os.rename(root / "d.ipynb", root / "e.ipynb")
    shutil.copy(root / "other.ipynb", root / "d.ipynb")


def copied_over(root: Path) -> None:
    shutil.copyfile(root / "other.ipynb", root / "d.ipynb")


def put_in_its_place(root: Path) -> None:
    shutil.copy(root / "other.ipynb", root / "d.tmp")
    os.replace(root / "d.tmp", root / "d.ipynb")


def changed(root: Path) -> None:
    """Let other.ipynb be d.ipynb with another text, under the same ids of cells."""
    content = nbformat.read(root / "d.ipynb", 4)
    content.cells[0].source = "print('not mine')"
    nbformat.write(content, root / "other.ipynb")


async def close(robot: Robot, path: str) -> None:
    """Let the server close a notebook that nobody uses."""
    rooms = robot.app.rooms
    before, rooms.idle_seconds = rooms.idle_seconds, 0.05
    await robot.open(path)
    for held in rooms._open.values():
        rooms._on_idle(held)
    await until(lambda: path not in rooms.paths_open())
    rooms.idle_seconds = before


@pytest.mark.parametrize("replace", [moved_away_and_copied, copied_over, put_in_its_place])
@pytest.mark.parametrize("closed", [False, True], ids=["open", "closed"])
async def test_a_grant_ends_when_another_notebook_takes_its_name(
    robot: Robot, root: Path, replace: Callable[[Path], None], closed: bool
) -> None:
    await granted(robot, root)
    (other,) = write_notebook(root, "other.ipynb", "print('not mine')")
    if closed:
        await close(robot, "d.ipynb")
    replace(root)
    await until_read(robot, "d.ipynb", "not mine")
    assert await asks(robot, "d.ipynb", other)
    assert robot.app.gate.grants.valid() == []


async def test_a_changed_copy_that_replaces_the_file_asks_again(robot: Robot, root: Path) -> None:
    cell = await granted(robot, root)
    changed(root)
    put_in_its_place(root)
    await until_read(robot, "d.ipynb", "not mine")
    assert await asks(robot, "d.ipynb", cell)


async def test_a_grant_does_not_cover_a_copy(robot: Robot, root: Path) -> None:
    cell = await granted(robot, root)
    shutil.copy(root / "d.ipynb", root / "copy.ipynb")
    assert await asks(robot, "copy.ipynb", cell)
    assert not await asks(robot, "d.ipynb", cell)


async def test_a_grant_follows_a_rename_and_not_the_next_file_of_that_name(
    robot: Robot, root: Path, jp_fetch: Fetch
) -> None:
    cell = await granted(robot, root)
    await rename(jp_fetch, "d.ipynb", "e.ipynb")
    (other,) = write_notebook(root, "d.ipynb", "print('not mine')")
    assert await asks(robot, "d.ipynb", other)
    assert not await asks(robot, "e.ipynb", cell)
    assert [grant.path for grant in robot.app.gate.grants.valid()] == ["e.ipynb"]


async def test_a_grant_outlives_saves_of_the_server_and_of_programs_that_change_a_cell(
    robot: Robot, root: Path
) -> None:
    cell = await granted(robot, root, "2", "3")
    await robot.say("insert_cell", notebook="d.ipynb", source="4")
    await robot.app.rooms.save(await robot.open("d.ipynb"))
    # As editors that write into the file do.
    content = nbformat.read(root / "d.ipynb", 4)
    content.cells[1].source = "print('by a formatter')"
    (root / "d.ipynb").write_text(nbformat.writes(content))
    await until_read(robot, "d.ipynb", "by a formatter")
    assert not await asks(robot, "d.ipynb", cell)
    # As programs that put a new file in its place do, where it says the same.
    shutil.copy(root / "d.ipynb", root / "d.tmp")
    os.replace(root / "d.tmp", root / "d.ipynb")
    await robot.say("list_cells", notebook="d.ipynb")
    await close(robot, "d.ipynb")
    assert not await asks(robot, "d.ipynb", cell)


async def test_a_card_that_waits_asks_again_when_the_notebook_was_renamed(
    robot: Robot, root: Path, jp_fetch: Fetch
) -> None:
    (cell,) = write_notebook(root, "a.ipynb", "1")
    for name, arguments in (
        ("execute_cell", {"cells": cell}),
        ("execute_ipython", {"code": "1"}),
    ):
        task = robot.start(name, notebook="a.ipynb", **arguments)
        call = await robot.request()
        shown = str(call.action_hash)
        await rename(jp_fetch, "a.ipynb", "b.ipynb")
        with pytest.raises(ConflictError, match="changed since you looked"):
            robot.app.gate.decide(call.id, "allow_once", shown, by="Ada")
        assert call.changed
        assert "b.ipynb" in call.summary
        await robot.allow()
        assert not (await task).is_error
        await rename(jp_fetch, "b.ipynb", "a.ipynb")


@pytest.mark.parametrize("tool", ["execute_ipython", "insert_execute_code_cell"])
async def test_a_card_that_waits_asks_again_when_another_notebook_takes_the_name(
    robot: Robot, root: Path, tool: str
) -> None:
    write_notebook(root, "d.ipynb", "1")
    write_notebook(root, "other.ipynb", "print('not mine')")
    name = "code" if tool == "execute_ipython" else "source"
    task = robot.start(tool, notebook="d.ipynb", **{name: "2"})
    call = await robot.request()
    shown = str(call.action_hash)
    moved_away_and_copied(root)
    notebook = await robot.open("d.ipynb")
    await until(lambda: "not mine" in str(notebook.source(notebook.ids[0])))
    with pytest.raises(ConflictError, match="changed since you looked"):
        robot.app.gate.decide(call.id, "allow_once", shown, by="Ada")
    robot.app.gate.withdraw(call)
    assert (await task).is_error


@pytest.mark.parametrize("replace", [moved_away_and_copied, copied_over, put_in_its_place])
async def test_an_approval_does_not_cover_an_unread_file_that_took_the_name(
    robot: Robot, root: Path, replace: Callable[[Path], None]
) -> None:
    (cell,) = write_notebook(root, "d.ipynb", "print('mine')")
    write_notebook(root, "other.ipynb", "print('not mine')")
    await robot.open("d.ipynb")
    changed(root)
    task = robot.start("execute_cell", notebook="d.ipynb", cells=cell)
    call = await robot.request()
    replace(root)
    # No look of the server's own comes between: what is in the file is found out by the yes.
    robot.app.gate.decide(call.id, "allow_once", str(call.action_hash), by="Ada")
    call = await robot.request()
    assert call.action is not None
    assert call.action.preview is not None
    assert call.action.preview.items[0].text == "print('not mine')"
    robot.app.gate.withdraw(call)
    assert (await task).is_error


def version(cells: dict[str, str], *, ids: bool) -> Version:
    kept = tuple(CellVersion(source, 0, 0) for source in cells.values())
    return Version(tuple(cells) if ids else None, kept, {})


contents = st.dictionaries(st.sampled_from("abcdef"), st.sampled_from("uvwxyz"), max_size=6)
numbers = st.sampled_from([None, 1, 2])


@given(contents, contents, numbers, numbers, st.booleans(), st.booleans())
def test_the_same_change_makes_another_notebook_whether_it_was_open_or_closed(
    before: dict[str, str],
    after: dict[str, str],
    number: int | None,
    new_number: int | None,
    ids: bool,
    was_closed: bool,
) -> None:
    old, new = version(before, ids=ids), version(after, ids=ids)
    identity = Identity("f")
    identity.enter(old, number)
    first = identity.id
    if was_closed:
        identity.leave(old, number)
        identity = Identity("f")
        identity.enter(new, new_number)
    else:
        identity.file_changed(old, new, new_number)
    assert (identity.id == first) is not has_ended(first)
    if before and not {*before.values()} & {*after.values()} and not {*before} & {*after}:
        assert has_ended(first)
    if before == after:
        assert identity.id == first
    identity.leave(new, new_number)
