"""A server that ends when nothing happens on it does not end under an agent that works."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from jupyter_server.serverapp import ServerApp

from jmcp_lab.agents.modes import LOOK

from ..support.robots import MakeRobot, Robot, write_notebook
from ..support.room_page import Fetch


@pytest.fixture
def idle(jp_serverapp: ServerApp, monkeypatch: pytest.MonkeyPatch) -> ServerApp:
    """A server on which nothing has happened for an hour, and which ends after a minute of that."""
    settings = jp_serverapp.web_app.settings
    hour_ago = datetime.now(UTC) - timedelta(hours=1)
    for key in [key for key in settings if key.endswith("_last_activity")]:
        settings[key] = hour_ago
    settings["started"] = hour_ago
    settings["last_activity_times"].clear()
    jp_serverapp.kernel_manager.last_kernel_activity = hour_ago
    jp_serverapp.shutdown_no_activity_timeout = 60
    return jp_serverapp


@pytest.fixture
def ends(idle: ServerApp, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    ended: list[str] = []
    monkeypatch.setattr(idle, "stop", lambda: ended.append("ended"))
    return ended


async def test_an_idle_server_shuts_down(idle: ServerApp, ends: list[str]) -> None:
    idle.shutdown_no_activity()
    assert ends


@pytest.mark.parametrize(
    ("tool", "arguments"),
    [
        ("insert_cell", {"notebook": "a.ipynb", "source": "x = 1"}),
        ("read_cells", {"notebook": "a.ipynb"}),
        ("list_files", {}),
        ("write_file", {"path": "a.txt", "content": "x"}),
    ],
)
async def test_a_working_agent_keeps_the_server_running(
    robot: Robot,
    root: Path,
    idle: ServerApp,
    ends: list[str],
    tool: str,
    arguments: dict[str, str],
) -> None:
    write_notebook(root, "a.ipynb", "1")
    began = datetime.now(UTC)
    await robot.say(tool, **arguments)
    idle.shutdown_no_activity()
    assert not ends
    assert idle.web_app.last_activity() >= began


async def test_refused_calls_do_not_keep_the_server_running(
    make_robot: MakeRobot, root: Path, idle: ServerApp, ends: list[str]
) -> None:
    robot = make_robot(LOOK)
    write_notebook(root, "a.ipynb", "1")
    await robot.fail("insert_cell", notebook="a.ipynb", source="x = 1")
    await robot.fail("read_cells", notebook="nothing.ipynb")
    idle.shutdown_no_activity()
    assert ends


async def test_a_panel_that_is_left_open_keeps_nothing_up(
    jp_fetch: Fetch, idle: ServerApp, ends: list[str]
) -> None:
    await jp_fetch("jmcp-lab", "api", "state")
    idle.shutdown_no_activity()
    assert ends
