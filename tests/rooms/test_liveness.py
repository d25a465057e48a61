"""Whether live documents are on, and that nothing of them is needed where they are off."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import nbformat
import pytest
from jupyter_server.serverapp import ServerApp

from jmcp_lab.extension import JmcpLab
from jmcp_lab.rooms.liveness import (
    NotLive,
    agent_words,
    log_words,
    say_so_to_pages,
    why_not_live,
)

from ..support.robots import Robot, write_notebook


def test_live_documents_are_on_by_default(app: JmcpLab) -> None:
    assert app.not_live is None


async def test_an_extension_that_fails_to_load_counts_as_missing(
    app: JmcpLab, jp_serverapp: ServerApp, root: Path
) -> None:
    (ydoc,) = jp_serverapp.extension_manager.extension_apps["jupyter_server_ydoc"]
    # It is made at the end of loading.
    rooms, ydoc.ywebsocket_server = ydoc.ywebsocket_server, None
    await app._start_jupyter_server_extension(jp_serverapp)
    assert app.not_live is NotLive.NO_EXTENSION
    assert jp_serverapp.web_app.settings["page_config_data"]["disableRTC"] is True
    write_notebook(root, "a.ipynb", "one")
    said = await Robot(app, app.agents.add("Robot", "edit")[0]).say(
        "insert_cell", notebook="a.ipynb", source="two"
    )
    assert "Live documents are off" in said
    assert len(nbformat.read(root / "a.ipynb", 4).cells) == 2
    ydoc.ywebsocket_server = rooms


def test_an_extension_that_cannot_be_linked_counts_as_missing(jp_serverapp: ServerApp) -> None:
    manager = jp_serverapp.extension_manager
    manager.linked_extensions["jupyter_server_ydoc"] = False
    assert why_not_live(jp_serverapp) is NotLive.NO_EXTENSION
    manager.linked_extensions["jupyter_server_ydoc"] = True


@pytest.mark.parametrize("served", [True, False])
def test_pages_open_plain_files_only_if_nothing_serves_live_documents(
    jp_serverapp: ServerApp, served: bool
) -> None:
    linked = jp_serverapp.extension_manager.linked_extensions
    linked["jupyter_server_ydoc"] = served
    say_so_to_pages(jp_serverapp, NotLive.UPSTREAM)
    page_config = jp_serverapp.web_app.settings.get("page_config_data", {})
    assert page_config.get("disableRTC", False) is not served
    linked["jupyter_server_ydoc"] = True


def test_nothing_of_jupyter_server_ydoc_is_imported_with_the_extension() -> None:
    code = "import sys; sys.modules['jupyter_server_ydoc'] = None; import jmcp_lab.extension"
    subprocess.run([sys.executable, "-c", code], check=True)


@pytest.mark.parametrize("why", list(NotLive))
def test_nobody_is_told_to_enable_two_live_layers(why: NotLive) -> None:
    for words in (agent_words(why), log_words(why)):
        assert "enable" not in words.lower()
