"""Tests that command buttons in Markdown by an agent ask the person before they run."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pytest
from playwright.sync_api import expect

from lab_page import open_lab, open_notebook, reload_lab
from panel import editor, prompt, run_by_hand

if TYPE_CHECKING:
    from playwright.sync_api import Locator, Page

    from agent import Agent
    from conftest import ConnectAgent
    from lab_server import LabServer

BUTTON = "<button data-commandlinker-command='notebook:run-all-cells'>Show the figure</button>"


@pytest.fixture
def lab_page(kept_page: Page) -> Page:
    """Return one page for all tests here."""
    return kept_page


@pytest.fixture
def agent(connect_agent: ConnectAgent) -> Agent:
    return connect_agent(mode="edit")


def written(page: Page, agent: Agent, name: str) -> str:
    """Open a notebook whose only code cell the person has run; return the id of the markdown."""
    agent.say("use_notebook", notebook=name, create=True)
    said = agent.say(
        "insert_cell",
        cells=[{"source": "print(1)"}, {"source": "# Sales", "type": "markdown"}],
        index=0,
    )
    ids = re.findall(r"id (\w+)", said)
    blank = re.findall(r"id (\w+)", agent.say("list_cells"))
    for each in blank:
        if each not in ids:
            agent.say("delete_cell", cells=each)
    open_notebook(page, name)
    run_by_hand(page, 1)
    expect(prompt(page, 1)).to_have_text("[1]:")
    return ids[1]


def button(page: Page) -> Locator:
    return page.locator(".jp-NotebookPanel:not(.lm-mod-hidden)").get_by_role(
        "button", name="Show the figure"
    )


def expect_asked(page: Page) -> None:
    """Press the button, and expect that it asks and that nothing has run."""
    button(page).click()
    dialog = page.get_by_role("dialog")
    expect(dialog).to_contain_text("Run this command?")
    expect(dialog).to_contain_text("You did not write this button.")
    dialog.get_by_role("button", name="Cancel").click()
    expect(dialog).to_have_count(0)
    expect(prompt(page, 1)).to_have_text("[1]:")


def test_a_button_in_an_agents_new_text_asks_until_the_person_runs_the_cell(
    lab_page: Page, agent: Agent
) -> None:
    cell = written(lab_page, agent, "button-edit.ipynb")
    agent.say("overwrite_cell_source", cell=cell, source=f"# Sales\n\n{BUTTON}")
    expect_asked(lab_page)
    # A click that no person made does not even ask.
    button(lab_page).dispatch_event("click")
    expect(lab_page.get_by_role("dialog")).to_have_count(0)
    lab_page.locator(".jp-MarkdownCell").get_by_role("heading", name="Sales").click()
    # As it is drawn nobody sees what the button does.
    lab_page.keyboard.press("Control+Enter")
    expect_asked(lab_page)
    lab_page.locator(".jp-MarkdownCell").get_by_role("heading", name="Sales").click()
    lab_page.keyboard.press("Enter")
    expect(editor(lab_page, 2)).to_be_focused()
    lab_page.keyboard.press("Control+Enter")
    button(lab_page).click()
    expect(prompt(lab_page, 1)).to_have_text("[2]:")


def test_a_button_asks_in_every_window_and_after_a_reload(
    lab_page: Page, agent: Agent, lab_server: LabServer
) -> None:
    cell = written(lab_page, agent, "button-reload.ipynb")
    agent.say("edit_cell", cell=cell, edits=[{"old": "# Sales", "new": BUTTON}])
    other = lab_page.context.new_page()
    open_lab(other, lab_server, "lab/workspaces/other?reset")
    open_notebook(other, "button-reload.ipynb")
    expect_asked(other)
    other.close()
    reload_lab(lab_page)
    open_notebook(lab_page, "button-reload.ipynb")
    expect_asked(lab_page)


def test_a_button_asks_in_a_new_cell_and_in_a_restored_one(lab_page: Page, agent: Agent) -> None:
    cell = written(lab_page, agent, "button-new.ipynb")
    said = agent.say("insert_cell", source=BUTTON, type="markdown", after=cell)
    expect_asked(lab_page)
    (new,) = re.findall(r"id (\w+)", said)
    agent.say("delete_cell", cells=new)
    expect(button(lab_page)).to_have_count(0)
    agent.say("undo_changes")
    expect_asked(lab_page)
    agent.say("overwrite_cell_source", cell=cell, source="x = 1", type="code")
    agent.say("delete_cell", cells=new)
    agent.say("overwrite_cell_source", cell=cell, source=BUTTON, type="markdown")
    expect_asked(lab_page)


def test_a_confirmed_button_runs_once(lab_page: Page, agent: Agent) -> None:
    cell = written(lab_page, agent, "button-yes.ipynb")
    agent.say("overwrite_cell_source", cell=cell, source=BUTTON)
    button(lab_page).click()
    lab_page.get_by_role("dialog").get_by_role("button", name="Run once").click()
    expect(prompt(lab_page, 1)).to_have_text("[2]:")
    button(lab_page).click()
    expect(lab_page.get_by_role("dialog")).to_contain_text("Run this command?")
    lab_page.get_by_role("dialog").get_by_role("button", name="Cancel").click()
