"""Tests the panel in Notebook 7, on the same server."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from playwright.sync_api import expect

from agent import text_of
from lab_page import open_lab
from panel import allow_and_wait, card, connected, press

if TYPE_CHECKING:
    from playwright.sync_api import BrowserContext, Locator, Page

    from lab_server import LabServer


def open_by_menu(page: Page) -> Locator:
    """Open the panel by the View menu."""
    page.get_by_role("menuitem", name="View", exact=True).click()
    page.get_by_role("menuitem", name=re.compile("^Agents")).click()
    panel = page.get_by_role("region", name="Agents", exact=True)
    expect(panel).to_be_visible()
    return panel


def test_a_card_is_allowed_in_notebook_7(
    browser_context: BrowserContext, lab_server: LabServer
) -> None:
    page = browser_context.new_page()
    open_lab(page, lab_server, "tree")
    with connected(page, lab_server, "Robot", "edit") as agent:
        agent.say("use_notebook", notebook="seven.ipynb", create=True)
        agent.say("insert_cell", source="print('in', 7)", index=0)
        open_lab(page, lab_server, "notebooks/seven.ipynb")
        cell = page.locator(".jp-Notebook .jp-Cell").first
        expect(cell.locator(".cm-content")).to_have_text("print('in', 7)")
        open_by_menu(page)
        run = agent.start("execute_cell", all=True, hold=60)
        assert "in 7" in allow_and_wait(card(page, "Run cell 1 in seven.ipynb"), run)
        expect(cell.locator(".jp-OutputArea-output")).to_have_text("in 7\n")
        expect(cell.locator(".jp-InputPrompt")).to_have_text("[1]:")


def test_the_file_browser_of_notebook_7_shows_the_panel(
    browser_context: BrowserContext, lab_server: LabServer
) -> None:
    page = browser_context.new_page()
    open_lab(page, lab_server, "tree")
    with connected(page, lab_server, "Robot", "edit") as agent:
        agent.say("use_notebook", notebook="tree.ipynb", create=True)
        agent.say("insert_cell", source="print('never')", index=0)
        open_by_menu(page)
        run = agent.start("execute_cell", all=True, hold=60)
        press(card(page, "Run cell 1 in tree.ipynb"), "Deny")
        result = run.result(60)
        assert "denied" in text_of(result)
