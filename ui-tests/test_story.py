"""Tests the whole story: connect, watch, allow, deny."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pytest
from playwright.sync_api import expect

from agent import Agent, text_of
from lab_page import open_notebook
from panel import card, cell_text, connect_by_dialog, open_panel, outputs, press, prompt

if TYPE_CHECKING:
    from playwright.sync_api import Page


@pytest.fixture
def lab_page(kept_page: Page) -> Page:
    """Return one page for all tests here."""
    return kept_page


def test_a_person_connects_an_agent_watches_it_write_and_lets_it_run(lab_page: Page) -> None:
    copied = connect_by_dialog(lab_page, "Robot on my laptop")
    with Agent(copied["url"], copied["token"], name="robot") as agent:
        agent.say("get_context")
        dialog = lab_page.get_by_role("dialog")
        expect(dialog.get_by_text("Connected. robot made its first call.")).to_be_visible()
        dialog.get_by_role("button", name="Done").click()

        agent.say("use_notebook", notebook="story.ipynb", create=True)
        open_notebook(lab_page, "story.ipynb")
        said = agent.say("insert_cell", source="print('live', 6 * 7)", index=0)
        expect(lab_page.locator(".jp-Notebook .jp-Cell").first).to_contain_text("live")
        assert cell_text(lab_page, 1) == "print('live', 6 * 7)"
        found = re.search(r"id (\w+)", said)
        assert found

        run = agent.start("execute_cell", cells=found[1], reason="To see whether it works.")
        request = card(lab_page, "Run cell 1 in story.ipynb")
        expect(request).to_contain_text("Robot on my laptop")
        expect(request).to_contain_text("To see whether it works.")
        expect(request).to_contain_text("print('live', 6 * 7)")
        assert not run.done()
        press(request, "Allow")
        result = run.result(60)
        assert not result.is_error, text_of(result)
        assert "live 42" in text_of(result)
        expect(outputs(lab_page, 1)).to_have_text("live 42\n")
        expect(prompt(lab_page, 1)).to_have_text("[1]:")
        activity = open_panel(lab_page).get_by_role("region", name="Activity")
        expect(activity.get_by_text("Run cell 1 in story.ipynb").first).to_be_visible()


def test_a_person_denies_a_run_with_a_reason_that_reaches_the_agent(lab_page: Page) -> None:
    copied = connect_by_dialog(lab_page, "Robot")
    lab_page.get_by_role("dialog").get_by_role("button", name="Done").click()
    with Agent(copied["url"], copied["token"], mode="legacy", name="robot") as agent:
        agent.say("use_notebook", notebook="denied.ipynb", create=True)
        open_notebook(lab_page, "denied.ipynb")
        said = agent.say("insert_cell", source="open('x', 'w').write('no')", index=0)
        found = re.search(r"id (\w+)", said)
        assert found
        run = agent.start("execute_cell", cells=found[1])
        request = card(lab_page, "Run cell 1 in denied.ipynb")
        press(request, "Deny and tell the agent why…")
        request.get_by_role("textbox", name="Tell the agent why").fill("Never write files here.")
        press(request, "Deny and send")
        result = run.result(30)
        assert result.is_error
        assert "Never write files here." in text_of(result)
        expect(request).to_have_count(0)
        expect(outputs(lab_page, 1)).to_have_count(0)
        expect(prompt(lab_page, 1)).to_have_text("[ ]:")
