"""A private name that is gone after an upgrade: pages work as before, and everybody is told."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from contextlib import suppress
from pathlib import Path
from typing import Any

import jupyter_ydoc
import nbformat
import pytest
from jupyter_server.services.sessions.sessionmanager import SessionManager
from jupyter_server_ydoc import app as ydoc_app
from jupyter_server_ydoc import handlers as ydoc_handlers
from jupyter_server_ydoc.loaders import FileLoader
from jupyter_server_ydoc.rooms import DocumentRoom
from jupyter_server_ydoc.utils import check_session_compatibility
from jupyter_ydoc import YNotebook
from nbformat.sign import NotebookNotary
from pycrdt.websocket import YRoom
from traitlets.config import Config

from jmcp_lab.extension import JmcpLab
from jmcp_lab.kernels.session_guard import SessionGuard
from jmcp_lab.rooms.liveness import NotLive
from jmcp_lab.rooms.rooms import Rooms

from ...support.renaming import rename_throughout
from ...support.robots import Robot, write_notebook
from ...support.room_page import Fetch, OpenPage, until

ROOM = (DocumentRoom, YRoom)

NEEDED = {
    "_save_content_at_path": (FileLoader,),
    "_update_lock": ROOM,
    "_broadcast_updates": ROOM,
}
"""Names that live documents need, and the classes that have them."""

SMALLER = {"cursor": (SessionManager,), "compute_signature": (NotebookNotary,)}
"""Names that one smaller change needs."""


@pytest.fixture
def jp_server_config(
    jp_server_config: Config, monkeypatch: pytest.MonkeyPatch, request: pytest.FixtureRequest
) -> Config:
    """Rename something before the extensions are loaded, in packages that nobody has changed."""
    monkeypatch.setattr(ydoc_app, "DocumentRoom", DocumentRoom)
    monkeypatch.setattr(ydoc_handlers, "DocumentRoom", DocumentRoom)
    compatible = check_session_compatibility
    monkeypatch.setattr(ydoc_handlers, "check_session_compatibility", compatible)
    monkeypatch.setitem(jupyter_ydoc.ydocs, "notebook", YNotebook)
    rename_throughout(monkeypatch, request.param, *(NEEDED | SMALLER)[request.param])
    return jp_server_config


needed = pytest.mark.parametrize("jp_server_config", NEEDED, indirect=True)
one_needed = pytest.mark.parametrize("jp_server_config", ["_save_content_at_path"], indirect=True)


def sources(path: Path) -> list[str]:
    """Return the sources in a file; none while it is being written."""
    with suppress(ValueError):
        return [cell.source for cell in nbformat.read(path, 4).cells]
    return []


@needed
async def test_a_page_opens_and_saves_a_notebook_through_upstreams_rooms(
    app: JmcpLab, open_page: OpenPage, root: Path
) -> None:
    write_notebook(root, "a.ipynb", "x = 1")
    page = await open_page("a.ipynb")
    assert page.texts() == ["x = 1"]
    page.type(0, "# typed\n")
    await until(lambda: sources(root / "a.ipynb") == ["# typed\nx = 1"])
    assert app.not_live is NotLive.UPSTREAM
    (room,) = ydoc_rooms(app)
    assert type(room) is DocumentRoom
    assert ydoc_app.DocumentRoom is ydoc_handlers.DocumentRoom is DocumentRoom
    assert jupyter_ydoc.ydocs["notebook"] is YNotebook


def ydoc_rooms(app: JmcpLab) -> list[Any]:
    assert app.serverapp is not None
    (ydoc,) = app.serverapp.extension_manager.extension_apps["jupyter_server_ydoc"]
    rooms = ydoc.ywebsocket_server.rooms.values()
    return [room for room in rooms if isinstance(room, DocumentRoom)]


@needed
async def test_log_panel_and_replies_name_what_is_missing(
    app: JmcpLab,
    robot: Robot,
    root: Path,
    jp_fetch: Fetch,
    caplog: pytest.LogCaptureFixture,
    request: pytest.FixtureRequest,
) -> None:
    name = request.node.callspec.params["jp_server_config"]
    await app._start_jupyter_server_extension(app.serverapp)
    warnings = {r.message for r in caplog.records if "missing:" in r.message}
    assert len(warnings) == 1
    state = json.loads((await jp_fetch("jmcp-lab", "api", "state")).body)
    assert state["server"]["not_live"] == "upstream_changed"
    write_notebook(root, "a.ipynb", "x = 1")
    reply = await robot.fail("read_cell", notebook="a.ipynb", cell="1")
    for words in (*warnings, *state["server"]["missing_names"], reply):
        assert name in words
    for words in (*warnings, reply):
        assert "pip install --upgrade jmcp_lab" in words
        assert "Live documents are off" not in words


@one_needed
async def test_agents_change_no_file_unknown_to_its_page(
    app: JmcpLab, robot: Robot, open_page: OpenPage, root: Path
) -> None:
    write_notebook(root, "a.ipynb", "x = 1")
    (root / "a.txt").write_text("text")
    before = (root / "a.ipynb").read_bytes()
    page = await open_page("a.ipynb")
    for reply in (
        await robot.fail("insert_cell", notebook="a.ipynb", source="y = 2"),
        await robot.fail("execute_cell", notebook="a.ipynb", cells="1"),
        await robot.fail("use_notebook", notebook="a.ipynb"),
        await robot.fail("use_notebook", notebook="new.ipynb", create=True),
        await robot.fail("write_file", path="a.txt", content="other"),
        await robot.fail("write_file", path="new.txt", content="other"),
    ):
        assert reply.startswith("Nothing was opened or changed.")
    assert (root / "a.ipynb").read_bytes() == before
    assert (root / "a.txt").read_text() == "text"
    assert not {"new.ipynb", "new.txt"} & set(os.listdir(root))
    assert page.texts() == ["x = 1"]


@one_needed
async def test_what_the_refusal_offers_works(robot: Robot, root: Path, jp_fetch: Fetch) -> None:
    (root / "a.txt").write_text("some text")
    write_notebook(root, "a.ipynb", "x = 1")
    assert "some text" in await robot.say("read_file", path="a.txt")
    assert "a.ipynb" in await robot.say("list_notebooks")
    await robot.say("get_context")
    kernel = json.loads((await jp_fetch("api", "kernels", method="POST", body="{}")).body)["id"]
    reply = await robot.run("execute_ipython", kernel=kernel, code="6 * 7")
    assert "42" in reply.text
    await jp_fetch("api", "kernels", kernel, method="DELETE")


@pytest.mark.parametrize("jp_server_config", SMALLER, indirect=True)
async def test_only_the_patch_that_needs_a_missing_name_is_left_out(
    app: JmcpLab,
    robot: Robot,
    root: Path,
    caplog: pytest.LogCaptureFixture,
    request: pytest.FixtureRequest,
) -> None:
    name = request.node.callspec.params["jp_server_config"]
    assert app.not_live is None
    assert isinstance(app.rooms, Rooms)
    write_notebook(root, "a.ipynb", "x = 1")
    await robot.say("insert_cell", notebook="a.ipynb", source="y = 2")
    await app._start_jupyter_server_extension(app.serverapp)
    (warning,) = {r.message for r in caplog.records if "missing:" in r.message}
    assert "works without" in warning
    assert name in warning
    assert app.serverapp is not None
    manager = app.serverapp.session_manager
    guarded = isinstance(getattr(manager.create_session, "__self__", None), SessionGuard)
    assert guarded is (name != "cursor")
    signs = app.serverapp.contents_manager.check_and_sign
    assert hasattr(signs, "__wrapped__") is (name != "compute_signature")


@pytest.mark.parametrize("name", ["pycrdt._base.process_event", "pycrdt._pycrdt.Text"])
def test_the_extension_loads_when_a_name_it_imports_is_gone(name: str) -> None:
    module, _, attribute = name.rpartition(".")
    code = (
        f"import pycrdt, jupyter_ydoc, {module} as m; del m.{attribute}; import jmcp_lab.extension;"
        "from jmcp_lab.rooms.upstream.names import missing_names as names;"
        f"assert [each.name for each in names(live=False)][:1] == ['{attribute}']"
    )
    subprocess.run([sys.executable, "-c", code], check=True)
