"""Every call can be held, waited for and withdrawn, whichever tool it calls."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from jmcp_lab.calls.call import Call, CallState, DecisionSource, Reply, ToolClass
from jmcp_lab.runtime import dispatcher
from jmcp_lab.runtime.services import CallContext
from jmcp_lab.runtime.tool import Tool, tool

from ..support.robots import LIMIT, Robot

SECRET = "PRIVATE KEY"


@pytest.fixture
def protected(root: Path) -> str:
    """Return the path of a file that is read only after asking."""
    (root / "server.key").write_text(SECRET)
    return "server.key"


def add(robot: Robot, *tools: Tool) -> None:
    known = robot.app.dispatcher.tools
    robot.app.dispatcher.tools = {**known, **{each.name: each for each in tools}}


async def opened(robot: Robot, name: str) -> Call:
    """Return the call of a tool, once there is one."""
    async with asyncio.timeout(LIMIT):
        while True:
            for call in robot.app.ledger.active(robot.agent.id):
                if call.tool == name:
                    return call
            await asyncio.sleep(0)


async def test_a_read_that_nobody_can_allow_says_so_at_once_and_the_request_stays(
    robot: Robot, protected: str
) -> None:
    robot.app.pages._pages.clear()
    reply = await robot.call("read_file", path=protected)
    assert not reply.is_error
    assert "No JupyterLab window is open" in reply.text
    call = await robot.request()
    assert f"call: {call.id} · state: waiting_for_approval" in reply.text
    robot.app.pages.seen("opened")
    await robot.allow()
    assert SECRET in await robot.say("wait", call=call.id)


async def test_a_read_allowed_late_can_be_waited_for(
    robot: Robot, protected: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(dispatcher, "HOLD_SECONDS", 0.0)
    said = await robot.say("read_file", path=protected)
    call = await robot.request()
    assert "Waiting for the user in JupyterLab." in said
    assert f"wait(call='{call.id}')" in said
    assert f"call: {call.id} · state: waiting_for_approval" in said
    waiting = robot.start("wait", call=call.id)
    await robot.allow()
    reply = await waiting
    assert SECRET in reply.text
    assert call.state is CallState.DONE


async def test_a_read_that_waits_for_a_person_is_withdrawn_with_its_client(
    robot: Robot, protected: str
) -> None:
    task = robot.start("read_file", path=protected)
    call = await robot.request()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert call.state is CallState.CANCELLED
    assert call.decision is not None
    assert call.decision.source is DecisionSource.WITHDRAWN


@pytest.mark.parametrize("tool_class", ToolClass)
async def test_work_without_any_approval_ends_with_its_client(
    robot: Robot, tool_class: ToolClass
) -> None:
    begun = asyncio.Event()

    @tool(title="Look", tool_class=tool_class)
    async def look(ctx: CallContext) -> Reply:
        """Look for ever."""
        begun.set()
        await asyncio.Event().wait()
        raise AssertionError("nobody sets it")

    add(robot, look)
    task = robot.start("look")
    await begun.wait()
    call = await opened(robot, "look")
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    async with asyncio.timeout(LIMIT):
        while not call.state.ended:
            await robot.app.ledger.changed(call, call.seq)
    assert call.state is CallState.CANCELLED


async def test_a_long_read_can_be_stopped_from_the_panel(robot: Robot) -> None:
    begun = asyncio.Event()

    @tool(title="Look", tool_class=ToolClass.READ)
    async def look(ctx: CallContext) -> Reply:
        """Look for ever."""
        begun.set()
        await asyncio.Event().wait()
        raise AssertionError("nobody sets it")

    add(robot, look)
    task = robot.start("look")
    await begun.wait()
    call = await opened(robot, "look")
    await robot.app.supervisor.stop_call(call.id, "Ada")
    reply = await task
    assert reply.is_error
    assert "stopped" in reply.text


async def test_a_quick_read_reports_no_progress(robot: Robot) -> None:
    heard: list[str] = []

    async def hear(seconds: float, words: str) -> None:
        heard.append(words)

    async with asyncio.timeout(LIMIT):
        await robot.app.dispatcher.call(robot.agent, "get_context", {}, progress=hear)
    assert heard == []


async def test_any_tool_may_attach_to_another_call_whatever_its_name(
    robot: Robot, protected: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    @tool(title="Come back", tool_class=ToolClass.INFO, attaches=True)
    async def come_back(ctx: CallContext, id: str) -> Reply:
        """Come back to a call."""
        return ctx.attach(ctx.services.ledger.get(id), 40)

    add(robot, come_back)
    monkeypatch.setattr(dispatcher, "HOLD_SECONDS", 0.0)
    await robot.say("read_file", path=protected)
    call = await robot.request()
    coming = robot.start("come_back", id=call.id)
    await robot.allow()
    assert SECRET in (await coming).text
