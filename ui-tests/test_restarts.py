"""Tests that page, file and agent agree after the server is killed or loses its history."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest
from playwright.sync_api import expect

from agent import Agent
from lab_page import log_in, open_lab, open_notebook, panel_request
from lab_server import LabServer
from notebook_page import saved_notebook
from panel import editor

if TYPE_CHECKING:
    from pathlib import Path

    from playwright.sync_api import Locator, Page

NOTEBOOK = "restarts.ipynb"


def texts(page: Page) -> Locator:
    return page.locator(".jp-NotebookPanel:not(.lm-mod-hidden) .jp-Cell .cm-content")


def type_at_end(page: Page, number: int, text: str) -> None:
    editor(page, number).click()
    page.keyboard.press("ControlOrMeta+End")
    page.keyboard.type(text)


def prepare(page: Page, server: LabServer) -> str:
    """Open a notebook of two cells in the page; return the token of an agent."""
    log_in(page.context, server)
    open_lab(page, server)
    status, minted = panel_request(
        page, server, "POST", "agents", {"label": "Robot", "mode": "edit"}
    )
    assert status == 201, minted
    with Agent(server.mcp_url, minted["token"]) as agent:
        agent.say("use_notebook", notebook=NOTEBOOK, create=True)
        agent.say("insert_cell", source="one")
        agent.say("insert_cell", source="two")
    open_notebook(page, NOTEBOOK)
    expect(texts(page)).to_have_text(["one", "two"])
    return str(minted["token"])


def wait_until_saved(page: Page, server: LabServer, wanted: list[str]) -> None:
    found: list[str] = []
    for _ in range(300):
        try:
            found = [cell.source for cell in saved_notebook(server.root / NOTEBOOK).cells]
        except ValueError:
            pass  # It is being written.
        if found == wanted:
            return
        page.wait_for_timeout(100)
    raise AssertionError(f"the file holds {found}, not {wanted}")


def test_changes_made_just_before_a_server_was_killed_are_in_page_and_file(
    tmp_path: Path, own_page: Page
) -> None:
    with LabServer(tmp_path) as server:
        token = prepare(own_page, server)
        with Agent(server.mcp_url, token) as agent:
            type_at_end(own_page, 1, " typed")
            agent.say("insert_cell", notebook=NOTEBOOK, source="three")
            expect(texts(own_page)).to_have_text(["one typed", "two", "three"])
            server.kill()
        type_at_end(own_page, 2, " offline")
        server.start()
        wanted = ["one typed", "two offline", "three"]
        wait_until_saved(own_page, server, wanted)
        expect(texts(own_page)).to_have_text(wanted)
        with Agent(server.mcp_url, token) as agent:
            agent.say("insert_cell", notebook=NOTEBOOK, source="four")
            expect(texts(own_page)).to_have_text([*wanted, "four"])
        server.check_log()


@pytest.mark.parametrize("lost", [True, False], ids=["a lost history", "a changed file"])
def test_a_page_that_was_offline_and_the_file_agree_after_a_server_was_killed(
    tmp_path: Path, own_page: Page, lost: bool
) -> None:
    with LabServer(tmp_path) as server:
        prepare(own_page, server)
        type_at_end(own_page, 1, " typed")
        wait_until_saved(own_page, server, ["one typed", "two"])
        # The page has heard of that file as well.
        own_page.wait_for_function(
            "() => !window.jupyterapp.shell.currentWidget.context.model.dirty"
        )
        server.kill()
        type_at_end(own_page, 1, " offline")
        if lost:
            kept = list((server.folder / "data" / "jmcp_lab" / "history").iterdir())
            assert kept
            for path in kept:
                path.unlink()
        else:
            path = server.root / NOTEBOOK
            content = json.loads(path.read_text())
            content["cells"][1]["source"] = "from git"
            path.write_text(json.dumps(content))
        server.start()
        wanted = ["one typed offline", "two" if lost else "from git"]
        wait_until_saved(own_page, server, wanted)
        expect(texts(own_page)).to_have_text(wanted)
        expect(own_page.locator(".jp-Dialog")).to_have_count(0)
        server.check_log()
