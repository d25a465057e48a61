"""Whatever a tool raises, its call ends, for the agent and for the person."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pycrdt
import pytest

from jmcp_lab.calls.call import CallState, Reply, ToolClass
from jmcp_lab.notebooks import cells as live_cells
from jmcp_lab.runtime.tool import tool

from ..support.robots import Robot, write_notebook


def panic() -> None:
    pycrdt.Doc({"a": pycrdt.Array([2**63])})


def raises(error: BaseException) -> Callable[[], None]:
    def function() -> None:
        raise error

    return function


async def give_up_a_future() -> None:
    future = asyncio.get_running_loop().create_future()
    future.cancel()
    await future


KINDS: dict[str, Callable[[], Any]] = {
    "PanicException": panic,
    "SystemExit": raises(SystemExit(1)),
    "KeyboardInterrupt": raises(KeyboardInterrupt()),
    "RecursionError": raises(RecursionError()),
    "MemoryError": raises(MemoryError()),
    "BaseExceptionGroup": raises(BaseExceptionGroup("both", [SystemExit(), KeyError()])),
    "CancelledError": give_up_a_future,
}


@pytest.mark.parametrize("tool_class", [ToolClass.READ, ToolClass.EDIT, ToolClass.RUN])
@pytest.mark.parametrize("kind", KINDS)
async def test_a_call_ends_with_an_error_reply(
    robot: Robot, kind: str, tool_class: ToolClass
) -> None:
    @tool(title="Break", tool_class=tool_class)
    async def break_(ctx: object) -> Reply:
        """Break."""
        made = KINDS[kind]()
        if made is not None:
            await made
        raise AssertionError("it raises before")

    robot.app.dispatcher.tools = {**robot.app.dispatcher.tools, "break": break_}
    words = await robot.fail("break")
    assert kind in words
    assert "not your fault" in words
    (call,) = [call for call in robot.app.ledger.since(0) if call.tool == "break"]
    assert call.state is CallState.FAILED
    assert robot.app.ledger.active() == []


async def test_a_panic_while_cells_are_changed_ends_the_call(
    robot: Robot, root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_notebook(root, "a.ipynb", "1")
    monkeypatch.setattr(live_cells, "insert", lambda *_: panic())
    words = await robot.fail("insert_cell", notebook="a.ipynb", source="2")
    assert "PanicException" in words
    assert robot.app.ledger.active() == []


async def test_a_listener_that_fails_ends_no_call(robot: Robot) -> None:
    robot.app.ledger.subscribe(lambda call: panic())
    await robot.say("get_context")
    assert robot.app.ledger.active() == []


async def test_a_call_that_is_stopped_before_its_first_step_has_ended(robot: Robot) -> None:
    task = robot.start("insert_cell", notebook="a.ipynb", source="2")
    await asyncio.sleep(0)  # the call is open, its work has not begun
    (call,) = robot.app.ledger.active()
    assert call.task is not None
    call.task.cancel()
    assert (await task).is_error
    assert call.state is CallState.CANCELLED


async def test_an_undo_from_the_panel_that_panics_has_ended(
    robot: Robot, root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_notebook(root, "a.ipynb", "1")
    await robot.say("insert_cell", notebook="a.ipynb", source="2")
    (made,) = [call for call in robot.app.ledger.since(0) if call.undoable]
    monkeypatch.setattr("jmcp_lab.runtime.supervisor.undo_change_set", lambda *_, **__: panic())
    with pytest.raises(Exception, match="PanicException"):
        await robot.app.supervisor.undo_call(made.id, "Ada")
    (undo,) = [call for call in robot.app.ledger.since(0) if call.tool == "undo_changes"]
    assert undo.state is CallState.FAILED
    assert "log has the details" in (undo.error or "")
