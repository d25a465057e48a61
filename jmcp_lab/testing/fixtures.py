"""Defines the fixtures of the pytest plugin."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from jupyter_server.serverapp import ServerApp
from traitlets.config import Config

from ..agents.modes import EDIT, Mode
from .robots import Robot

if TYPE_CHECKING:
    from ..extension import JmcpLab

MakeRobot = Callable[..., Robot]
"""Type of the function that adds an agent: ``make(mode="edit", label="Robot")``."""


@pytest.fixture
def jp_server_config(tmp_path: Path) -> Config:
    """Load the server extensions that an installed jmcp_lab enables."""
    return Config(
        {
            "ServerApp": {
                "jpserver_extensions": {
                    "jmcp_lab": True,
                    "jupyter_server_fileid": True,
                    "jupyter_server_ydoc": True,
                },
            },
            # The default paths are in the working directory, which is the checkout in a test.
            "SQLiteYStore": {"db_path": str(tmp_path / "ystore.db")},
            "BaseFileIdManager": {"db_path": str(tmp_path / "file_id_manager.db")},
        }
    )


@pytest.fixture
def jmcp_app(jp_serverapp: ServerApp) -> JmcpLab:
    """Return the extension application of a running server."""
    from ..extension import JmcpLab

    (found,) = jp_serverapp.extension_manager.extension_apps["jmcp_lab"]
    assert isinstance(found, JmcpLab)
    return found


@pytest.fixture
def jmcp_root(jp_root_dir: Path) -> Path:
    """Return the root folder of the server."""
    return jp_root_dir


@pytest.fixture
def make_jmcp_robot(jmcp_app: JmcpLab) -> MakeRobot:
    """Return a function that adds another agent, in any mode."""

    def make(mode: Mode | str = EDIT, label: str = "Robot", **rights: Any) -> Robot:
        return Robot(jmcp_app, jmcp_app.agents.add(label, mode, **rights)[0])

    return make


@pytest.fixture
def jmcp_robot(make_jmcp_robot: MakeRobot) -> Robot:
    """Return an agent that may edit without asking, and the person who answers its requests."""
    return make_jmcp_robot()
