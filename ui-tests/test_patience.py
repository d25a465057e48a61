"""Tests that a denial holds and can be lifted, and that three denials pause an agent."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pytest
from playwright.sync_api import expect

from agent import text_of
from panel import card, decide, open_panel, press, section, write_notebook

if TYPE_CHECKING:
    from playwright.sync_api import Page

    from conftest import ConnectAgent


RUN = re.compile(r"Run code in .*three\.ipynb")
REPEATED = "\N{MULTIPLICATION SIGN}2"


@pytest.fixture
def lab_page(kept_page: Page) -> Page:
    """Return one page for all tests here."""
    return kept_page


def test_an_agent_denied_three_times_is_paused_until_the_person_resumes_it(
    lab_page: Page, connect_agent: ConnectAgent
) -> None:
    agent = connect_agent("Eager")
    panel = open_panel(lab_page)
    agent.say("use_notebook", notebook="three.ipynb", create=True)
    for number in range(3):
        run = agent.start("execute_ipython", code=f"print({number})", hold=60)
        decide(card(lab_page, RUN), "Deny")
        assert run.result(60).is_error
    strip = panel.get_by_role("listitem").filter(
        has_text="Eager is paused: you denied 3 of its requests in a row."
    )
    expect(strip).to_be_visible()
    assert "You are paused" in text_of(agent.call("execute_ipython", code="print(4)"))
    expect(panel.get_by_role("article")).to_have_count(0)
    press(strip, "Resume")
    expect(strip).to_have_count(0)
    run = agent.start("execute_ipython", code="print(5)", hold=60)
    decide(card(lab_page, RUN), "Allow")
    assert "5" in text_of(run.result(60))


def test_a_person_who_denied_a_request_can_let_the_agent_ask_again(
    lab_page: Page, connect_agent: ConnectAgent
) -> None:
    notebook = write_notebook(lab_page, connect_agent("Robot"), "again.ipynb", "print('now')")
    panel = open_panel(lab_page)
    run = notebook.ask()
    decide(card(lab_page, notebook.title), "Deny")
    assert run.result(60).is_error
    assert "already denied" in text_of(notebook.ask().result(60))
    expect(panel.get_by_role("article")).to_have_count(0)
    rows = section(panel, "Activity").get_by_role("listitem").filter(has_text=notebook.title)
    expect(rows).to_have_count(1)
    expect(rows).to_contain_text(REPEATED)
    press(rows, "Ask me again")
    expect(rows.get_by_role("button", name="Ask me again")).to_have_count(0)
    run = notebook.ask()
    decide(card(lab_page, notebook.title), "Allow")
    assert "now" in text_of(run.result(60))


def test_a_card_with_a_shortened_title_shows_the_full_path(
    lab_page: Page, connect_agent: ConnectAgent
) -> None:
    folder = "reports/of-the-northern-regions/quarter-three/for-the-board/drafts"
    agent = connect_agent("Robot")
    panel = open_panel(lab_page)
    for path in (*(folder[:i] for i, c in enumerate(folder) if c == "/"), folder):
        lab_page.evaluate(
            "path => window.jupyterapp.serviceManager.contents.save(path, {type: 'directory'})"
            ".then(() => null)",
            path,
        )
    path = f"{folder}/sales.ipynb"
    agent.say("use_notebook", notebook=path, create=True)
    run = agent.start("execute_ipython", code="print(1)", hold=60)
    request = panel.get_by_role("article")
    expect(request.get_by_role("heading")).to_contain_text("drafts/sales.ipynb")
    expect(request.get_by_role("heading")).not_to_contain_text(path)
    expect(request.get_by_text(path, exact=True)).to_be_visible()
    run.cancel()
