"""Tests that a program that a client starts asks to be let in, and that a person answers."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from typing import TYPE_CHECKING

import pytest
from playwright.sync_api import expect

from agent import ProgramAgent, text_of
from panel import card, open_panel, press, section, sidebar_tab
from test_accessibility import violations

if TYPE_CHECKING:
    from collections.abc import Iterator

    from playwright.sync_api import Page

    from lab_server import LabServer

TITLE = "{} wants to connect"


@pytest.fixture
def lab_page(kept_page: Page) -> Page:
    """Return one page for all tests here."""
    return kept_page


@pytest.fixture
def pool() -> Iterator[ThreadPoolExecutor]:
    """Yield a thread in which a client waits while the test works in the browser."""
    with ThreadPoolExecutor(1) as pool:
        yield pool


def test_a_person_connects_a_program_without_a_secret_in_its_configuration(
    lab_page: Page, lab_server: LabServer, pool: ThreadPoolExecutor
) -> None:
    agent = ProgramAgent(lab_server.environment(), lab_server.root, name="Ada's editor")
    entering = pool.submit(agent.__enter__)
    request = lab_page.get_by_text("Ada's editor wants to connect", exact=True)
    # The panel is not open: a toast leads there, and allows nothing.
    request.wait_for()
    expect(sidebar_tab(lab_page)).to_have_attribute("data-jmcp-pending", "1")
    panel = open_panel(lab_page)
    asked = card(lab_page, TITLE.format("Ada's editor"))
    expect(asked.get_by_label("Name this connection")).to_have_value("Ada's editor")
    asked.get_by_label("Name this connection").fill("My editor")
    asked.get_by_label("What may it do?").select_option("Look only")
    expect(asked.get_by_role("button", name="Allow")).not_to_have_attribute("aria-disabled", "true")
    assert violations(lab_page, ".jp-jmcp-Panel") == []
    press(asked, "Allow")
    with ExitStack() as stack:
        stack.push(entering.result(60))
        expect(asked).to_have_count(0)
        row = section(panel, "Connected").get_by_role("listitem").filter(has_text="My editor")
        expect(row).to_have_count(1)
        expect(row.get_by_role("combobox")).to_have_value("look")
        assert "My editor" in agent.say("get_context")
        refused = agent.call("use_notebook", notebook="new.ipynb", create=True)
        assert refused.is_error
    press(row, "Revoke")
    press(row, "Revoke")
    expect(row).to_have_count(0)


def test_a_rejected_program_is_told_and_disappears_from_the_panel(
    lab_page: Page, lab_server: LabServer
) -> None:
    with ProgramAgent(lab_server.environment(), lab_server.root, name="Stranger") as agent:
        open_panel(lab_page)
        asked = card(lab_page, TITLE.format("Stranger"))
        asked.get_by_label("Name this connection").focus()
        lab_page.keyboard.press("Tab")
        lab_page.keyboard.press("Tab")
        lab_page.keyboard.press("Tab")
        deny = asked.get_by_role("button", name="Deny")
        expect(deny).to_be_focused()
        expect(deny).not_to_have_attribute("aria-disabled", "true")
        lab_page.keyboard.press("Enter")
        expect(asked).to_have_count(0)
        refused = agent.call("get_context")
        assert refused.is_error
        assert "did not let Stranger in" in text_of(refused)
