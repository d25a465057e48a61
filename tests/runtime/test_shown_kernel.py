"""Code that was allowed runs in the kernel that the card named, and as the card said."""

from __future__ import annotations

import asyncio
import json
import sys
from pathlib import Path
from typing import Any

import nbformat
import pytest
from nbformat.v4 import new_code_cell, new_notebook

from jmcp_lab.agents.modes import AUTO
from jmcp_lab.calls.call import Call, CallState

from ..support.robots import LIMIT, MakeRobot, Robot, write_notebook

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
async def test_a_kernel_that_replaced_the_shown_one_runs_nothing(
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
    assert "now has another kernel" in reply.text
    assert "False" in (await robot.run("execute_cell", notebook="b.ipynb", cells=look)).text


async def test_a_new_kernel_of_the_same_kind_runs_the_code(robot: Robot, root: Path) -> None:
    (cell,) = write_notebook(root, "a.ipynb", "print('ran')")
    task = robot.start("execute_cell", notebook="a.ipynb", cells=cell)
    await robot.request()
    await robot.app.services.sessions.start("a.ipynb", "python3")
    await robot.allow()
    assert "ran" in (await task).text


async def test_a_denial_still_applies_when_the_notebook_got_a_kernel(
    robot: Robot, root: Path
) -> None:
    (cell,) = write_notebook(root, "a.ipynb", "print('ran')")
    task = robot.start("execute_cell", notebook="a.ipynb", cells=cell)
    await robot.deny()
    assert (await task).is_error
    await robot.app.services.sessions.start("a.ipynb", "python3")
    assert "already denied" in await robot.fail("execute_cell", notebook="a.ipynb", cells=cell)


async def test_the_card_names_the_kernel_and_the_other_notebooks_that_use_it(
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
    assert "also runs deep/b.ipynb" in call.action.preview.words
    await robot.allow()
    assert not (await task).is_error


def decide(robot: Robot, call: Call) -> None:
    """Say yes to what was shown, without a look at what has become of it."""
    robot.app.gate.decide(call.id, "allow_once", str(call.action_hash), by="Ada")


TO_THE_KERNEL: dict[str, dict[str, Any]] = {
    "execute_cell": {"notebook": "a.ipynb", "all": True},
    "execute_ipython": {"notebook": "a.ipynb", "code": "mark = 1"},
    "insert_execute_code_cell": {"notebook": "a.ipynb", "source": "mark = 1"},
    "restart_notebook": {"notebook": "a.ipynb", "clear_outputs": True},
    "unuse_notebook": {"notebook": "a.ipynb", "shutdown_kernel": True},
    "assign_kernel_to_notebook": {"notebook": "c.ipynb"},
}


@pytest.mark.parametrize("tool", [*TO_THE_KERNEL, "by its id"])
async def test_nothing_is_done_to_a_kernel_that_another_notebook_now_shares(
    robot: Robot, root: Path, tool: str
) -> None:
    write_notebook(root, "a.ipynb", "mark = 1")
    (look,) = write_notebook(root, "b.ipynb", MARK)
    write_notebook(root, "c.ipynb", "1")
    sessions = robot.app.services.sessions
    kernel = (await sessions.start("a.ipynb", "python3")).kernel_id
    if tool == "by its id":
        task = robot.start("execute_ipython", kernel=kernel, code="mark = 1")
    elif tool == "assign_kernel_to_notebook":
        task = robot.start(tool, notebook="c.ipynb", kernel=kernel)
    else:
        task = robot.start(tool, **TO_THE_KERNEL[tool])
    call = await robot.request()
    await sessions.assign("b.ipynb", kernel)
    decide(robot, call)
    reply = await task
    assert reply.is_error
    assert "now also runs" in reply.text or "has changed since the user was asked" in reply.text
    assert (await robot.open("a.ipynb")).source((await robot.open("a.ipynb")).ids[-1]) == "mark = 1"
    assert len((await robot.open("a.ipynb")).ids) == 1
    assert "False" in (await robot.run("execute_cell", notebook="b.ipynb", cells=look)).text
    assert sorted(await sessions.paths_of(kernel)) == ["a.ipynb", "b.ipynb"]


@pytest.mark.parametrize("tool", ["restart_notebook", "unuse_notebook"])
async def test_a_kernel_that_the_notebook_no_longer_has_is_not_restarted_or_shut_down(
    robot: Robot, root: Path, tool: str
) -> None:
    write_notebook(root, "a.ipynb", "1")
    (cell,) = write_notebook(root, "b.ipynb", "mark = 1")
    (look,) = write_notebook(root, "c.ipynb", MARK)
    sessions = robot.app.services.sessions
    kernel = (await sessions.start("a.ipynb", "python3")).kernel_id
    for path in ("b.ipynb", "c.ipynb"):
        await sessions.assign(path, kernel)
    await robot.run("execute_cell", notebook="b.ipynb", cells=cell)
    task = robot.start(tool, **TO_THE_KERNEL[tool])
    call = await robot.request()
    await sessions.assign("a.ipynb", "python3")
    decide(robot, call)
    assert "no longer has the kernel" in (await task).text
    assert "True" in (await robot.run("execute_cell", notebook="c.ipynb", cells=look)).text
    assert await sessions.find("a.ipynb") is not None


async def test_a_card_says_which_other_notebooks_a_restart_or_shutdown_affects(
    robot: Robot, root: Path
) -> None:
    write_notebook(root, "a.ipynb", "1")
    write_notebook(root, "deep/b.ipynb", "1")
    sessions = robot.app.services.sessions
    kernel = (await sessions.start("a.ipynb", "python3")).kernel_id
    await sessions.assign("deep/b.ipynb", kernel)
    for tool, shown in (
        ("restart_notebook", "The same kernel also runs deep/b.ipynb"),
        ("unuse_notebook", "It keeps running for deep/b.ipynb."),
    ):
        task = robot.start(tool, **TO_THE_KERNEL[tool])
        call = await robot.request()
        assert call.action is not None
        assert call.action.preview is not None
        assert shown in str(call.action.preview.items[0].text)
        decide(robot, call)
        assert "deep/b.ipynb" in (await task).text
    assert await sessions.paths_of(kernel) == ["deep/b.ipynb"]


@pytest.mark.parametrize("tool", ["execute_cell", "assign_kernel_to_notebook"])
async def test_a_kernelspec_that_now_starts_another_program_starts_nothing(
    robot: Robot, root: Path, jp_data_dir: Path, other_spec: str, tool: str
) -> None:
    (cell,) = write_notebook(
        root, "a.ipynb", "1", kernelspec={"name": other_spec, "display_name": "Other"}
    )
    arguments = {"cells": cell} if tool == "execute_cell" else {"kernel": other_spec}
    task = robot.start(tool, notebook="a.ipynb", **arguments)
    call = await robot.request()
    spec = jp_data_dir / "kernels" / other_spec / "kernel.json"
    spec.write_text(
        json.dumps(json.loads(spec.read_text()) | {"env": {"PYTHONSTARTUP": "evil.py"}})
    )
    decide(robot, call)
    reply = await task
    assert reply.is_error
    assert "the user will be asked again" in reply.text
    assert await robot.app.services.sessions.find("a.ipynb") is None


@pytest.mark.parametrize("by_id", [False, True], ids=["notebook", "kernel"])
async def test_a_kernel_shared_with_a_notebook_that_was_not_chosen_asks(
    make_robot: MakeRobot, root: Path, by_id: bool
) -> None:
    for path in ("chosen.ipynb", "private.ipynb"):
        write_notebook(root, path, "1")
    robot = make_robot(AUTO, notebooks=["chosen.ipynb"], until="1h")
    sessions = robot.app.services.sessions
    kernel = (await sessions.start("chosen.ipynb", "python3")).kernel_id
    to = {"kernel": kernel} if by_id else {"notebook": "chosen.ipynb"}
    assert "ok" in await robot.say("execute_ipython", code="1", **to)
    await sessions.assign("private.ipynb", kernel)
    task = robot.start("execute_ipython", code="1", **to)
    call = await robot.request()
    assert call.action is not None
    assert call.action.preview is not None
    assert "also runs private.ipynb" in call.action.preview.words
    robot.app.gate.withdraw(call)
    assert (await task).is_error


async def test_a_run_of_one_cell_says_nothing_about_later_cells(robot: Robot, root: Path) -> None:
    (cell,) = write_notebook(root, "a.ipynb", "1")
    task = robot.start("execute_cell", notebook="a.ipynb", cells=cell, stop_on_error=False)
    call = await robot.request()
    assert call.action is not None
    assert call.action.preview is not None
    assert "after it" not in call.action.preview.words
    await robot.allow()
    assert not (await task).is_error


async def test_a_run_that_continues_after_errors_is_a_separate_request_and_says_so(
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
    assert "An error does not stop the run" in second.action.preview.words
    assert first.action_hash is not None
    robot.app.gate.decide(first.id, "allow_once", first.action_hash, by="Ada")
    assert (await stops).is_error
    assert not (root / "made").exists()
    assert second.action_hash is not None
    robot.app.gate.decide(second.id, "reject_once", second.action_hash, by="Ada")
    assert (await goes_on).is_error
    assert not (root / "made").exists()
    assert fails


async def test_a_cell_tagged_as_may_fail_does_not_stop_the_run(robot: Robot, root: Path) -> None:
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
