"""Tests that a person answers questions of `input()` in the panel, wherever the page is."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pytest
from playwright.sync_api import expect

from agent import text_of
from lab_page import reload_lab
from panel import (
    card,
    open_panel,
    outputs,
    press,
    prompt,
    sidebar_tab,
    write_notebook,
)

if TYPE_CHECKING:
    from playwright.sync_api import Page

    from conftest import ConnectAgent

TITLE = "Answer the code\u2019s question · Run cell 1 in {}"


@pytest.fixture
def lab_page(kept_page: Page) -> Page:
    """Return one page for all tests here."""
    return kept_page


def test_a_person_answers_an_input_request_of_an_agents_code(
    lab_page: Page, connect_agent: ConnectAgent
) -> None:
    source = "print('Hello')\nname = input('Who are you? ')\nprint('Hi', name)"
    notebook = write_notebook(lab_page, connect_agent(), "question.ipynb", source)
    run = notebook.ask()
    open_panel(lab_page)
    press(card(lab_page, notebook.title), "Allow")
    question = card(lab_page, TITLE.format(notebook.name))
    expect(sidebar_tab(lab_page)).to_have_attribute("data-jmcp-pending", "1")
    expect(outputs(lab_page, 1)).to_have_text("Hello\nWho are you? ")
    expect(prompt(lab_page, 1)).to_have_text("[*]:")
    question.get_by_label(re.compile("Who are you?")).fill("Ada")
    lab_page.keyboard.press("Enter")
    expect(outputs(lab_page, 1)).to_have_text("Hello\nWho are you? Ada\nHi Ada\n")
    expect(question).to_have_count(0)
    assert "Hi Ada" in text_of(run.result(60))
    expect(prompt(lab_page, 1)).to_have_text("[1]:")


def test_a_question_survives_a_reload_and_a_password_is_not_shown(
    lab_page: Page, connect_agent: ConnectAgent
) -> None:
    source = "from getpass import getpass\nlen(getpass('Key: '))"
    notebook = write_notebook(lab_page, connect_agent(), "password.ipynb", source)
    run = notebook.ask()
    open_panel(lab_page)
    press(card(lab_page, notebook.title), "Allow")
    card(lab_page, TITLE.format(notebook.name))
    reload_lab(lab_page)
    open_panel(lab_page)
    question = card(lab_page, TITLE.format(notebook.name))
    field = question.get_by_label(re.compile("Key:"))
    expect(field).to_have_attribute("type", "password")
    field.fill("open sesame")
    press(question, "Answer")
    expect(outputs(lab_page, 1).first).to_have_text("Key: ········\n")
    said = text_of(run.result(60))
    assert "11" in said
    assert "open sesame" not in said


def test_a_question_that_is_not_answered_ends_the_run(
    lab_page: Page, connect_agent: ConnectAgent
) -> None:
    notebook = write_notebook(lab_page, connect_agent(), "no-answer.ipynb", "input('Who? ')")
    run = notebook.ask()
    open_panel(lab_page)
    press(card(lab_page, notebook.title), "Allow")
    press(card(lab_page, TITLE.format(notebook.name)), "Do not answer")
    result = run.result(60)
    assert result.is_error
    assert "the user gave no answer" in text_of(result)
