from __future__ import annotations

import json
import urllib.request
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from playwright.sync_api import Page

    from lab_server import LabServer


def test_the_lab_page_loads_and_activates_the_extension(lab_page: Page) -> None:
    assert lab_page.title().startswith("JupyterLab")
    plugins = lab_page.evaluate(
        "() => window.jupyterapp.listPlugins().filter(id => id.startsWith('jmcp-lab:'))"
        ".map(id => [id, window.jupyterapp.isPluginActivated(id)])"
    )
    assert plugins, "the lab page knows no plugin of jmcp-lab"
    assert [name for name, activated in plugins if not activated] == []


def test_the_lab_extension_is_listed_as_enabled(lab_server: LabServer) -> None:
    request = urllib.request.Request(
        f"{lab_server.url}lab/api/extensions?refresh=0",
        headers={"Authorization": f"token {lab_server.token}"},
    )
    with urllib.request.urlopen(request) as answer:
        extensions = {each["name"]: each for each in json.load(answer)}
    assert extensions["jmcp-lab"]["enabled"]
    assert extensions["jmcp-lab"]["status"] == "ok"


def test_the_server_extension_is_loaded(lab_server: LabServer) -> None:
    assert "jmcp_lab | extension was successfully loaded" in lab_server.log
