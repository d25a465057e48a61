"""An agent whose time ends while what it began goes on."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from jmcp_lab.agents.modes import AUTO
from jmcp_lab.calls.call import CallState
from jmcp_lab.calls.ledger import LAST_WORDS

from ..support.robots import MakeRobot, write_notebook

WAITS = (
    "import pathlib, time\nwhile not pathlib.Path('go').exists(): time.sleep(0.05)\nprint('end')"
)


async def test_started_calls_can_be_waited_for_and_nothing_new_is_done(
    make_robot: MakeRobot, root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_notebook(root, "a.ipynb", WAITS)
    robot = make_robot()
    registry = robot.app.agents
    agent, token = registry.add("Robot", AUTO, notebooks=["a.ipynb"], until="30m", expires_in=3600)
    robot.agent = agent
    pending = await robot.say("execute_cell", all=True, notebook="a.ipynb", hold=0)
    (call,) = [each for each in robot.app.ledger.active() if each.state is CallState.RUNNING]
    assert call.id in pending
    ended: list[str] = []
    registry.on_revoke(ended.append)
    monkeypatch.setattr(registry, "_clock", lambda: datetime.now(UTC) + timedelta(hours=2))

    assert registry.verify(token) is agent
    words = await robot.fail("insert_cell", notebook="a.ipynb", source="x")
    assert "Your connection has expired" in words
    assert await robot.say("wait", call=call.id, seconds=0)
    (root / "go").touch()
    assert "end" in await robot.say("wait", call=call.id, seconds=60)
    assert call.state is CallState.DONE
    # Its client may ask once more for what got lost on the way.
    assert registry.verify(token) is agent
    assert ended == []
    assert call.ended is not None
    call.ended -= LAST_WORDS
    assert registry.verify(token) is None
    assert ended == [agent.id]


async def test_an_agent_that_started_nothing_is_disconnected_at_once(
    make_robot: MakeRobot, monkeypatch: pytest.MonkeyPatch
) -> None:
    robot = make_robot()
    _, token = robot.app.agents.add("Robot")
    clock = lambda: datetime.now(UTC) + timedelta(days=31)  # noqa: E731
    monkeypatch.setattr(robot.app.agents, "_clock", clock)
    assert robot.app.agents.verify(token) is None
