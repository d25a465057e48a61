"""Tests that stopped agents and calls stay stopped, and that the panel shows the true state."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pytest
from playwright.sync_api import expect

from agent import text_of
from lab_page import log_in, open_lab, panel_request
from lab_server import LabServer
from panel import card, decide, open_panel, press, section, write_notebook

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from playwright.sync_api import Page

    from conftest import ConnectAgent
    from lab_page import Console

PAUSED = "All agents are paused until you resume them."
OFFLINE = "Until it is back, you cannot see or answer agents. What you allowed continues."


@pytest.fixture
def lab_page(kept_page: Page) -> Page:
    """Return one page for all tests here."""
    return kept_page


@pytest.fixture
def resumed(lab_page: Page, lab_server: LabServer) -> Iterator[None]:
    """Let the agents go on at the end: the server is shared by all tests."""
    yield
    panel_request(lab_page, lab_server, "POST", "resume", {})


@pytest.mark.usefixtures("resumed")
@pytest.mark.parametrize("gap", [60, 150, 300, 450])
def test_two_clicks_on_stop_all_leave_all_stopped(
    lab_page: Page, connect_agent: ConnectAgent, gap: int
) -> None:
    agent = connect_agent("Runner")
    panel = open_panel(lab_page)
    button = panel.get_by_role("button", name="Stop all", exact=True)
    box = button.bounding_box()
    assert box
    place = (box["x"] + box["width"] / 2, box["y"] + box["height"] / 2)
    lab_page.mouse.click(*place)
    lab_page.wait_for_timeout(gap)
    lab_page.mouse.click(*place)
    expect(panel).to_contain_text(PAUSED)
    assert "paused" in text_of(agent.call("get_context"))
    row = section(panel, "Connected").get_by_role("listitem").filter(has_text="Runner")
    expect(row).to_contain_text("Paused")
    expect(row).not_to_contain_text("Idle")
    strip = panel.get_by_role("listitem").filter(has_text=PAUSED)
    press(strip, "Resume")
    expect(strip).to_have_count(0)
    agent.say("get_context")


@pytest.mark.usefixtures("resumed")
def test_enter_twice_on_stop_all_leaves_all_stopped(
    lab_page: Page, connect_agent: ConnectAgent
) -> None:
    agent = connect_agent("Runner")
    panel = open_panel(lab_page)
    panel.get_by_role("button", name="Stop all", exact=True).focus()
    lab_page.keyboard.press("Enter")
    expect(panel).to_contain_text(PAUSED)
    lab_page.keyboard.press("Enter")
    lab_page.keyboard.press("Enter")
    assert "paused" in text_of(agent.call("get_context"))
    expect(panel).to_contain_text(PAUSED)


@pytest.mark.parametrize("gap", [0, 100, 250, 450])
def test_two_clicks_on_an_agents_stop_leave_it_stopped(
    lab_page: Page, connect_agent: ConnectAgent, gap: int
) -> None:
    agent = connect_agent("Runner")
    agent.say("get_context")
    panel = open_panel(lab_page)
    row = section(panel, "Connected").get_by_role("listitem").filter(has_text="Runner")
    box = row.get_by_role("button", name="Stop", exact=True).bounding_box()
    assert box
    place = (box["x"] + box["width"] / 2, box["y"] + box["height"] / 2)
    lab_page.mouse.click(*place)
    lab_page.wait_for_timeout(gap)
    lab_page.mouse.click(*place)
    expect(row).to_contain_text("Paused")
    assert "paused" in text_of(agent.call("get_context"))
    press(row, "Resume")
    expect(row).not_to_contain_text("Paused")
    agent.say("get_context")


def test_two_clicks_on_revoke_revoke_nothing(lab_page: Page, connect_agent: ConnectAgent) -> None:
    agent = connect_agent("Runner")
    panel = open_panel(lab_page)
    row = section(panel, "Connected").get_by_role("listitem").filter(has_text="Runner")
    row.get_by_role("button", name="Revoke", exact=True).focus()
    lab_page.keyboard.press("Enter")
    lab_page.keyboard.press("Enter")
    expect(row).to_contain_text("its secret stops working")
    # The focus is where one goes on, and comes back to where one was.
    expect(row.get_by_role("button", name="Revoke", exact=True)).to_be_focused()
    press(row, "Cancel")
    expect(row.get_by_role("button", name="Revoke", exact=True)).to_be_focused()
    agent.say("get_context")


def test_a_banner_shows_what_runs_without_asking_and_can_end_it(
    lab_page: Page, connect_agent: ConnectAgent
) -> None:
    notebook = write_notebook(lab_page, connect_agent(), "on-top.ipynb", "print('free')")
    panel = open_panel(lab_page)
    run = notebook.ask()
    decide(card(lab_page, notebook.title), "Allow for 30 minutes")
    run.result(60)
    strip = panel.locator(".jp-jmcp-Strips").get_by_role("listitem")
    expect(strip).to_have_text(
        re.compile(
            r"Robot can run code in on-top\.ipynb until (\w+ \d+, )?\d\d:\d\d without asking"
        )
    )
    press(strip, "Revoke")
    expect(strip).to_have_count(0)
    again = notebook.ask()
    decide(card(lab_page, notebook.title), "Deny")
    assert again.result(60).is_error


def test_an_offline_page_says_at_once_what_that_means(
    lab_page: Page, connect_agent: ConnectAgent, console: Console
) -> None:
    console.expect("ERR_INTERNET_DISCONNECTED|Failed to fetch|NetworkError|WebSocket")
    connect_agent("Runner")
    panel = open_panel(lab_page)
    lab_page.context.set_offline(True)
    expect(panel).to_contain_text(OFFLINE)
    lab_page.context.set_offline(False)
    expect(panel).not_to_contain_text(OFFLINE)


def test_a_stopped_server_is_noticed_before_the_next_poll(tmp_path: Path, own_page: Page) -> None:
    with LabServer(tmp_path) as server:
        log_in(own_page.context, server)
        open_lab(own_page, server)
        panel = open_panel(own_page)
        server.kill()
        # Both the poll's 15 s and JupyterLab's own dialog come later.
        expect(panel).to_contain_text(OFFLINE, timeout=5000)
