"""Tests the panel with the keyboard alone, and the names that a screen reader reads."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from playwright.sync_api import expect

from agent import text_of
from panel import card, editor, open_panel, outputs, section, shortcut, sidebar_tab, write_notebook

if TYPE_CHECKING:
    from playwright.sync_api import Locator, Page

    from conftest import ConnectAgent


@pytest.fixture
def lab_page(kept_page: Page) -> Page:
    """Return one page for all tests here."""
    return kept_page


def tab_to(page: Page, target: Locator, *, most: int = 12) -> None:
    """Press Tab until `target` has the focus."""
    for _ in range(most):
        page.keyboard.press("Tab")
        if target.evaluate("element => element === document.activeElement"):
            return
    raise AssertionError(f"{most} times Tab did not lead to {target}")


def test_a_request_is_found_and_allowed_without_a_pointer(
    lab_page: Page, connect_agent: ConnectAgent
) -> None:
    notebook = write_notebook(lab_page, connect_agent(), "keys.ipynb", "print('by keys')")
    lab_page.keyboard.press(shortcut("show-panel"))
    panel = lab_page.get_by_role("region", name="Agents", exact=True)
    expect(panel).to_be_visible()
    run = notebook.ask()
    request = card(lab_page, notebook.title)
    expect(request).not_to_be_focused()
    lab_page.keyboard.press(shortcut("show-request"))
    expect(request).to_be_focused()
    allow = request.get_by_role("button", name="Allow", exact=True)
    expect(allow).not_to_have_attribute("aria-disabled", "true")
    # Enter acts on the focused button only, not on the card.
    lab_page.keyboard.press("Enter")
    tab_to(lab_page, request.get_by_role("region"))
    assert not run.done()
    tab_to(lab_page, allow)
    lab_page.keyboard.press("Enter")
    result = run.result(60)
    assert not result.is_error, text_of(result)
    expect(outputs(lab_page, 1)).to_have_text("by keys\n")
    # The focus stays in the panel: it went from what is gone to what is next.
    expect(request).to_have_count(0)
    assert panel.evaluate("panel => panel.contains(document.activeElement)")


def test_a_denial_with_a_reason_needs_no_pointer(
    lab_page: Page, connect_agent: ConnectAgent
) -> None:
    notebook = write_notebook(lab_page, connect_agent(), "keys-no.ipynb", "print('never')")
    run = notebook.ask()
    # The shortcut opens the panel too.
    expect(sidebar_tab(lab_page)).to_have_attribute("data-jmcp-pending", "1")
    lab_page.keyboard.press(shortcut("show-request"))
    request = card(lab_page, notebook.title)
    expect(request).to_be_focused()
    tab_to(lab_page, request.get_by_role("button", name="Deny and tell the agent why…"))
    lab_page.keyboard.press("Enter")
    reason = request.get_by_role("textbox", name="Tell the agent why")
    expect(reason).to_be_focused()
    # Escape leads back to where the form was opened.
    lab_page.keyboard.press("Escape")
    more = request.get_by_role("button", name="Deny and tell the agent why…")
    expect(more).to_be_focused()
    lab_page.keyboard.press("Enter")
    lab_page.keyboard.type("Not today.")
    deny = request.get_by_role("button", name="Deny", exact=True)
    expect(deny).not_to_have_attribute("aria-disabled", "true")
    lab_page.keyboard.press("Enter")
    assert "Not today." in text_of(run.result(60))
    notebook.expect_untouched()


def test_everything_is_found_by_its_name(lab_page: Page, connect_agent: ConnectAgent) -> None:
    agent = connect_agent("Robot")
    notebook = write_notebook(lab_page, agent, "names.ipynb", "print('named')")
    expect(sidebar_tab(lab_page)).to_have_accessible_name("Agents")
    panel = open_panel(lab_page)
    for name in ("Connected", "Activity", "Access"):
        expect(section(panel, name)).to_be_visible()
        expect(panel.get_by_role("heading", name=name, exact=True)).to_be_visible()
    expect(section(panel, "Needs you")).to_have_count(0)
    for name in ("Connect an agent", "Stop all"):
        expect(panel.get_by_role("button", name=name, exact=True)).to_be_visible()
    agents = section(panel, "Connected").get_by_role("listitem")
    for name in ("Stop", "Revoke"):
        button = agents.get_by_role("button", name=name, exact=True)
        # Which agent it is about.
        expect(button).to_have_accessible_description("Robot")
    edit = (
        section(panel, "Activity")
        .get_by_role("listitem")
        .filter(has_text="Insert a cell into names.ipynb")
    )
    expect(edit.get_by_role("button", name="Undo", exact=True)).to_be_visible()
    run = notebook.ask()
    request = section(panel, "Needs you").get_by_role("article")
    expect(request).to_have_accessible_name("Run cell 1 in names.ipynb")
    for name in ("Allow", "Deny", "Allow for 30 minutes"):
        expect(request.get_by_role("button", name=name, exact=True)).to_be_visible()
    # The number that the tab carries is no part of its name.
    expect(sidebar_tab(lab_page)).to_have_attribute("data-jmcp-pending", "1")
    expect(sidebar_tab(lab_page)).to_have_accessible_name("Agents")
    expect(lab_page.locator("body > [role=status].jp-jmcp-LiveRegion")).to_contain_text(
        "Robot asks: Run cell 1 in names.ipynb. 1 request is waiting."
    )
    run.cancel()


def test_undo_in_the_panel_undoes_an_edit(lab_page: Page, connect_agent: ConnectAgent) -> None:
    notebook = write_notebook(lab_page, connect_agent(), "undo.ipynb", "mine = 1")
    notebook.agent.say("overwrite_cell_source", cell=notebook.cell, source="yours = 2")
    expect(editor(lab_page, 1)).to_have_text("yours = 2")
    panel = open_panel(lab_page)
    rows = section(panel, "Activity").get_by_role("listitem")
    change = rows.filter(has_text="Edit cell 1 in undo.ipynb").filter(has_not_text="Undo:")
    change.get_by_role("button", name="Undo", exact=True).click()
    expect(editor(lab_page, 1)).to_have_text("mine = 1")
    expect(change.get_by_role("button", name="Undo", exact=True)).to_have_count(0)
