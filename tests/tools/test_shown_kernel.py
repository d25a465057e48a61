"""Code that was allowed runs in the kernel that the card named, and as the card said."""

from __future__ import annotations

import asyncio
import json
import sys
from pathlib import Path

import nbformat
import pytest
from nbformat.v4 import new_code_cell, new_notebook

from jmcp_lab.calls.call import CallState

from .conftest import LIMIT, Robot, write_notebook

MARK = "print('mark' in globals())"


@pytest.fixture
def other_spec(jp_data_dir: Path) -> str:
    """Install a second kernelspec, and return its name."""
    spec = jp_data_dir / "kernels" / "other" / "kernel.json"
    spec.parent.mkdir(parents=True)
    argv = [sys.executable, "-m", "ipykernel_launcher", "-f", "{connection_file}"]
    spec.write_text(json.dumps({"argv": argv, "display_name": "Other", "language": "python"}))
    return "other"


@pytest.mark.parametrize("tool", ["execute_cell", "execute_ipython", "insert_execute_code_cell"])
@pytest.mark.parametrize("running", [True, False], ids=["running", "not running"])
async def test_a_kernel_that_was_put_in_the_place_of_the_shown_one_runs_nothing(
    robot: Robot, root: Path, tool: str, running: bool
) -> None:
    (cell,) = write_notebook(root, "a.ipynb", "mark = 1")
    (look,) = write_notebook(root, "b.ipynb", MARK)
    sessions = robot.app.services.sessions
    if running:
        await sessions.start("a.ipynb", "python3")
    of_b = await sessions.start("b.ipynb", "python3")
    arguments = {
        "execute_cell": {"cells": cell},
        "execute_ipython": {"code": "mark = 1"},
        "insert_execute_code_cell": {"source": "mark = 1"},
    }[tool]
    task = robot.start(tool, notebook="a.ipynb", **arguments)
    await robot.request()
    await sessions.assign("a.ipynb", of_b.kernel_id)
    await robot.allow()
    reply = await task
    assert reply.is_error
    assert "got another kernel meanwhile" in reply.text
    assert "False" in (await robot.run("execute_cell", notebook="b.ipynb", cells=look)).text


async def test_a_kernel_that_came_meanwhile_and_is_of_the_same_kind_runs_it(
    robot: Robot, root: Path
) -> None:
    (cell,) = write_notebook(root, "a.ipynb", "print('ran')")
    task = robot.start("execute_cell", notebook="a.ipynb", cells=cell)
    await robot.request()
    await robot.app.services.sessions.start("a.ipynb", "python3")
    await robot.allow()
    assert "ran" in (await task).text


async def test_a_no_holds_when_a_kernel_has_come_meanwhile(robot: Robot, root: Path) -> None:
    (cell,) = write_notebook(root, "a.ipynb", "print('ran')")
    task = robot.start("execute_cell", notebook="a.ipynb", cells=cell)
    await robot.deny()
    assert (await task).is_error
    await robot.app.services.sessions.start("a.ipynb", "python3")
    assert "already said no" in await robot.fail("execute_cell", notebook="a.ipynb", cells=cell)


async def test_the_card_names_the_kernel_that_runs_and_whose_it_is_too(
    robot: Robot, root: Path, other_spec: str
) -> None:
    (cell,) = write_notebook(root, "a.ipynb", "1")
    write_notebook(root, "deep/b.ipynb", "1")
    sessions = robot.app.services.sessions
    session = await sessions.start("a.ipynb", other_spec)
    await sessions.assign("deep/b.ipynb", session.kernel_id)
    task = robot.start("execute_cell", notebook="a.ipynb", cells=cell)
    call = await robot.request()
    assert call.action is not None
    assert call.action.target.kernel == other_spec
    assert call.action.preview is not None
    assert "also that of deep/b.ipynb" in call.action.preview.words
    await robot.allow()
    assert not (await task).is_error


async def test_of_one_cell_nothing_is_said_of_cells_after_it(robot: Robot, root: Path) -> None:
    (cell,) = write_notebook(root, "a.ipynb", "1")
    task = robot.start("execute_cell", notebook="a.ipynb", cells=cell, stop_on_error=False)
    call = await robot.request()
    assert call.action is not None
    assert call.action.preview is not None
    assert "after it" not in call.action.preview.words
    await robot.allow()
    assert not (await task).is_error


async def test_a_run_that_an_error_does_not_stop_is_a_request_of_its_own_and_says_so(
    robot: Robot, root: Path
) -> None:
    fails, _ = write_notebook(root, "a.ipynb", "1/0", "open('made', 'w')")
    stops = robot.start("execute_cell", notebook="a.ipynb", all=True)
    first = await robot.request()
    goes_on = robot.start("execute_cell", notebook="a.ipynb", all=True, stop_on_error=False)
    ledger = robot.app.ledger
    async with asyncio.timeout(LIMIT):
        while len(waiting := [c for c in ledger.since(0) if c.state is CallState.WAITING]) < 2:  # noqa: ASYNC110 - a new call has no event
            await asyncio.sleep(0)
    (second,) = [call for call in waiting if call is not first]
    assert second.action is not None
    assert second.action.preview is not None
    assert "An error does not stop it" in second.action.preview.words
    assert first.action_hash is not None
    robot.app.gate.decide(first.id, "allow_once", first.action_hash, by="Ada")
    assert (await stops).is_error
    assert not (root / "made").exists()
    assert second.action_hash is not None
    robot.app.gate.decide(second.id, "reject_once", second.action_hash, by="Ada")
    assert (await goes_on).is_error
    assert not (root / "made").exists()
    assert fails


async def test_a_cell_that_is_tagged_for_it_may_fail_and_the_run_goes_on(
    robot: Robot, root: Path
) -> None:
    cells = [
        new_code_cell("1/0", metadata={"tags": ["raises-exception"]}),
        new_code_cell("print('went on')"),
        new_code_cell("2/0", metadata={"tags": ["other"]}),
        new_code_cell("print('never')"),
    ]
    nbformat.write(new_notebook(cells=cells), root / "a.ipynb")
    task = robot.start("execute_cell", notebook="a.ipynb", cells=[c["id"] for c in cells[:2]])
    call = await robot.request()
    assert call.action is not None
    assert call.action.preview is not None
    assert "does not stop" in call.action.preview.items[0].title
    assert "does not stop" not in call.action.preview.items[1].title
    await robot.allow()
    reply = await task
    assert "ZeroDivisionError" in reply.text
    assert "went on" in reply.text
    assert not reply.is_error
    rest = await robot.run("execute_cell", notebook="a.ipynb", cells=[c["id"] for c in cells[2:]])
    assert rest.is_error
    assert "never\n" not in rest.text
