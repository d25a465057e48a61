"""Nothing is written elsewhere than a person was told, whatever links take a folder's place."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from traitlets.config import Config

from jmcp_lab.agents.modes import ASK, LOOK

from ..support.robots import MakeRobot, write_notebook

CALLS: dict[str, dict[str, Any]] = {
    "new file": {"tool": "write_file", "path": "d/new.txt", "content": "evil"},
    "new folder": {"tool": "write_file", "path": "d/e/new.txt", "content": "evil"},
    "edits": {"tool": "write_file", "path": "d/a.txt", "edits": [{"old": "same", "new": "evil"}]},
    "whole": {"tool": "write_file", "path": "d/a.txt", "content": "evil"},
    "new notebook": {"tool": "use_notebook", "notebook": "d/new.ipynb", "create": True},
    "cell": {"tool": "insert_cell", "notebook": "d/n.ipynb", "source": "evil"},
}


@pytest.fixture(params=["live", "without live"])
def jp_server_config(jp_server_config: Config, request: pytest.FixtureRequest) -> Config:
    if request.param == "without live":
        jp_server_config["ServerApp"]["jpserver_extensions"]["jupyter_server_ydoc"] = False
    return jp_server_config


def outside(root: Path) -> Path:
    return root.parent / "outside"


def hidden(root: Path) -> Path:
    return root / ".git"


@pytest.mark.parametrize("where", [outside, hidden])
async def test_a_link_that_replaces_a_folder_while_a_card_waits_redirects_no_write(
    make_robot: MakeRobot, root: Path, where: Callable[[Path], Path]
) -> None:
    robot = make_robot(ASK)
    for arguments in CALLS.values():
        write_notebook(root, "d/n.ipynb", "1")
        (root / "d" / "a.txt").write_text("same")
        shutil.copytree(root / "d", where(root))
        before = {each.name: each.read_bytes() for each in where(root).iterdir()}
        task = robot.start(**arguments)
        call = await robot.request()
        shutil.rmtree(root / "d")
        os.symlink(where(root), root / "d")
        robot.app.gate.decide(call.id, "allow_once", str(call.action_hash), by="Ada")
        reply = await task
        assert reply.is_error
        assert "link" in reply.text
        after = {each.name: each.read_bytes() for each in where(root).iterdir()}
        assert after == before
        os.remove(root / "d")
        shutil.rmtree(where(root))


async def test_a_link_to_a_file_that_may_hold_secrets_asks_as_for_that_file(
    make_robot: MakeRobot, root: Path
) -> None:
    robot = make_robot(LOOK)
    (root / ".git" / "annex" / "objects").mkdir(parents=True)
    for name in (".env", ".git/config", "server.key", ".git/annex/objects/data"):
        (root / name).write_text("secret")
    os.symlink(".env", root / "settings.txt")
    os.symlink(".git", root / "repository")
    os.symlink("server.key", root / "notes.txt")
    for path in ("settings.txt", "repository/config", "notes.txt"):
        task = robot.start("read_file", path=path)
        call = await robot.request()
        assert "may hold secrets" in call.summary
        robot.app.gate.withdraw(call)
        assert "secret\n" not in (await task).text
    # What git-annex keeps there is a person's own data.
    os.symlink(".git/annex/objects/data", root / "data.txt")
    assert "secret" in await robot.say("read_file", path="data.txt")
