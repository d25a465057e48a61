"""Tests what a person sees of agents' requests, and the effect of each answer."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pytest
from playwright.sync_api import expect

from agent import text_of
from lab_page import Console, log_in, open_lab, panel_request
from panel import (
    allow_and_wait,
    card,
    cell_text,
    decide,
    editor,
    open_panel,
    outputs,
    press,
    prompt,
    section,
    sidebar_tab,
    write_notebook,
)

if TYPE_CHECKING:
    from collections.abc import Iterator

    from playwright.sync_api import BrowserContext, Page

    from conftest import ConnectAgent
    from lab_server import LabServer
    from profiles import Profiles

LATE_ANSWER = r"status of 409 .*/decision"
"""What the browser logs when a test answers a request too late on purpose."""

GONE = r"status of 404 .*/agents/"
"""What it logs when the end of a test revokes an agent that the test has revoked."""


@pytest.fixture(scope="module")
def console() -> Console:
    """Return the errors of the one page that all tests here use."""
    return Console()


@pytest.fixture(scope="module")
def shared_context(
    profiles: Profiles, lab_server: LabServer, console: Console
) -> Iterator[BrowserContext]:
    """Yield one logged-in profile for all tests here."""
    with profiles.lend(console) as context:
        log_in(context, lab_server)
        yield context
    assert console.unexpected() == []


@pytest.fixture(scope="module")
def loaded_page(shared_context: BrowserContext, lab_server: LabServer) -> Page:
    """Return JupyterLab, loaded once: loading it takes longer than any test here."""
    page = shared_context.new_page()
    open_lab(page, lab_server)
    return page


@pytest.fixture
def lab_page(loaded_page: Page) -> Iterator[Page]:
    """Yield the page; notebooks and panel are closed at the end."""
    yield loaded_page
    # Not by the command, which asks whether to save.
    loaded_page.evaluate(
        """() => {
          const { shell } = window.jupyterapp;
          [...shell.widgets('main')].forEach(widget => widget.dispose());
          shell.collapseRight();
        }"""
    )


def test_a_reload_keeps_the_request(
    lab_page: Page, lab_server: LabServer, connect_agent: ConnectAgent
) -> None:
    notebook = write_notebook(lab_page, connect_agent(), "reload.ipynb", "print('kept')")
    run = notebook.ask()
    open_panel(lab_page)
    card(lab_page, notebook.title)
    open_lab(lab_page, lab_server)
    open_panel(lab_page)
    request = card(lab_page, notebook.title)
    expect(request).to_contain_text("print('kept')")
    assert not run.done()
    assert "kept" in allow_and_wait(request, run)


def test_the_first_decision_wins_and_the_other_window_says_whose_it_was(
    lab_page: Page, lab_server: LabServer, connect_agent: ConnectAgent, console: Console
) -> None:
    console.expect(LATE_ANSWER)
    notebook = write_notebook(lab_page, connect_agent(), "windows.ipynb", "print('once')")
    second = lab_page.context.new_page()
    open_lab(second, lab_server, "lab/workspaces/second?reset")
    run = notebook.ask()
    for page in (lab_page, second):
        open_panel(page)
        expect(card(page, notebook.title)).to_contain_text("print('once')")
    waiting = _waiting(lab_page, lab_server)
    # A person who is about to press there: nothing may slide under the pointer.
    card(second, notebook.title).get_by_role("button", name="Deny", exact=True).hover()
    assert "once" in allow_and_wait(card(lab_page, notebook.title), run)
    expect(second.get_by_role("article")).to_have_count(0)
    expect(section(second, "Needs you")).to_contain_text("allowed")
    newest = section(second, "Activity").get_by_role("listitem").first
    expect(newest).to_contain_text(notebook.title)
    expect(newest).to_contain_text("allowed")
    answer = {"option": "reject_once", "action_hash": waiting["action_hash"]}
    status, said = panel_request(
        second, lab_server, "POST", f"calls/{waiting['id']}/decision", answer
    )
    assert status == 409
    assert said["message"] == "This request was already decided."
    second.close()


def test_a_changed_cell_is_shown_again_and_the_old_text_never_runs(
    lab_page: Page, lab_server: LabServer, connect_agent: ConnectAgent, console: Console
) -> None:
    console.expect(LATE_ANSWER)
    notebook = write_notebook(lab_page, connect_agent(), "changed.ipynb", "print('old')")
    open_panel(lab_page)
    run = notebook.ask()
    request = card(lab_page, notebook.title)
    expect(request).to_contain_text("print('old')")
    before = _waiting(lab_page, lab_server)
    editor(lab_page, 1).click()
    lab_page.keyboard.press("Control+a")
    lab_page.keyboard.type("print('new')")
    expect(request).to_contain_text("print('new')")
    expect(request).to_contain_text("This changed after the agent asked. Here is the new version.")
    expect(request).not_to_contain_text("print('old')")
    answer = {"option": "allow_once", "action_hash": before["action_hash"]}
    status, said = panel_request(
        lab_page, lab_server, "POST", f"calls/{before['id']}/decision", answer
    )
    assert status == 409
    assert "has changed since you looked" in said["message"]
    assert said["call"]["state"] == "waiting_for_approval"
    notebook.expect_untouched()
    allow_and_wait(request, run)
    expect(outputs(lab_page, 1)).to_have_text("new\n")


def test_a_30_minute_grant_shows_under_access_and_can_be_revoked(
    lab_page: Page, connect_agent: ConnectAgent
) -> None:
    notebook = write_notebook(lab_page, connect_agent(), "granted.ipynb", "print('free')")
    panel = open_panel(lab_page)
    run = notebook.ask()
    decide(card(lab_page, notebook.title), "Allow for 30 minutes")
    assert "free" in text_of(run.result(60))
    expect(lab_page.get_by_role("article")).to_have_count(0)
    again = notebook.agent.say("execute_cell", cells=notebook.cell)
    assert "free" in again
    expect(prompt(lab_page, 1)).to_have_text("[2]:")
    granted = (
        section(panel, "Access").get_by_role("listitem").filter(has_text="may run granted.ipynb")
    )
    expect(granted).to_contain_text("Robot")
    expect(granted).to_contain_text(re.compile(r"until (\w+ \d+, )?\d\d:\d\d"))
    press(granted, "Revoke")
    expect(granted).to_have_count(0)
    third = notebook.ask()
    decide(card(lab_page, notebook.title), "Deny")
    assert third.result(60).is_error


def test_a_30_minute_grant_does_not_cover_another_notebook(
    lab_page: Page, connect_agent: ConnectAgent
) -> None:
    agent = connect_agent()
    first = write_notebook(lab_page, agent, "near.ipynb", "print('near')")
    open_panel(lab_page)
    run = first.ask()
    decide(card(lab_page, first.title), "Allow for 30 minutes")
    run.result(60)
    other = write_notebook(lab_page, agent, "far.ipynb", "print('far')")
    asked = other.ask()
    decide(card(lab_page, other.title), "Deny")
    assert asked.result(60).is_error
    other.expect_untouched()


def test_a_plain_denial_reaches_the_agent_and_nothing_runs(
    lab_page: Page, connect_agent: ConnectAgent
) -> None:
    notebook = write_notebook(lab_page, connect_agent(), "no.ipynb", "print('never')")
    panel = open_panel(lab_page)
    run = notebook.ask()
    decide(card(lab_page, notebook.title), "Deny")
    result = run.result(60)
    assert result.is_error
    assert "denied" in text_of(result)
    assert "Do not repeat" in text_of(result)
    expect(lab_page.get_by_role("article")).to_have_count(0)
    expect(section(panel, "Activity").get_by_role("listitem").first).to_contain_text("Denied")
    notebook.expect_untouched()
    # The same again is refused without a new card.
    again = notebook.agent.call("execute_cell", cells=notebook.cell)
    assert "already denied" in text_of(again)
    expect(lab_page.get_by_role("article")).to_have_count(0)


FOREVER = "import time\nprint('begun')\nwhile True:\n    time.sleep(0.01)"


def test_stop_ends_a_run(lab_page: Page, connect_agent: ConnectAgent) -> None:
    agent = connect_agent("Runner", "auto", notebooks=["stop.ipynb"], until="30m")
    notebook = write_notebook(lab_page, agent, "stop.ipynb", FOREVER)
    panel = open_panel(lab_page)
    run = notebook.ask()
    expect(outputs(lab_page, 1)).to_have_text("begun\n")
    row = section(panel, "Activity").get_by_role("listitem").filter(has_text=notebook.title).first
    expect(row).to_contain_text("Running")
    press(row, "Stop")
    result = run.result(60)
    assert result.is_error
    expect(prompt(lab_page, 1)).to_have_text("[1]:")
    expect(outputs(lab_page, 1).last).to_contain_text("KeyboardInterrupt")
    expect(row.get_by_role("button", name="Stop", exact=True)).to_have_count(0)


def test_stop_on_an_agent_pauses_it_until_it_is_resumed(
    lab_page: Page, connect_agent: ConnectAgent
) -> None:
    agent = connect_agent("Runner", "auto", notebooks=["pause.ipynb"], until="30m")
    notebook = write_notebook(lab_page, agent, "pause.ipynb", FOREVER)
    panel = open_panel(lab_page)
    run = notebook.ask()
    expect(outputs(lab_page, 1)).to_have_text("begun\n")
    row = section(panel, "Connected").get_by_role("listitem").filter(has_text="Runner")
    expect(row).to_contain_text(notebook.title)
    press(row, "Stop")
    assert run.result(60).is_error
    expect(row).to_contain_text("Paused")
    held = agent.call("insert_cell", source="x")
    assert "paused" in text_of(held)
    press(row, "Resume")
    expect(row).not_to_contain_text("Paused")
    agent.say("insert_cell", source="x")


@pytest.fixture
def resumed(lab_page: Page, lab_server: LabServer) -> Iterator[None]:
    """Let the agents go on at the end: the server is shared by all tests."""
    yield
    panel_request(lab_page, lab_server, "POST", "resume", {})


@pytest.mark.usefixtures("resumed")
def test_stop_all_ends_running_and_waiting_calls_and_pauses_all_agents(
    lab_page: Page, connect_agent: ConnectAgent
) -> None:
    runner = connect_agent("Runner", "auto", notebooks=["all-runs.ipynb"], until="30m")
    asker = connect_agent("Asker")
    asks = write_notebook(lab_page, asker, "all-asks.ipynb", "print('never')")
    runs = write_notebook(lab_page, runner, "all-runs.ipynb", FOREVER)
    panel = open_panel(lab_page)
    running = runs.ask()
    waiting = asks.ask()
    expect(outputs(lab_page, 1)).to_have_text("begun\n")
    card(lab_page, asks.title)
    press(panel, "Stop all")
    assert running.result(60).is_error
    assert waiting.result(60).is_error
    expect(lab_page.get_by_role("article")).to_have_count(0)
    expect(panel).to_contain_text("All agents are paused until you resume them.")
    expect(outputs(lab_page, 1).last).to_contain_text("KeyboardInterrupt")
    for agent in (runner, asker):
        assert "paused" in text_of(agent.call("insert_cell", source="x"))
    press(panel, "Resume")
    expect(panel.get_by_role("button", name="Stop all", exact=True)).to_be_visible()
    runner.say("insert_cell", source="x")


def test_revoke_disconnects_an_agent(
    lab_page: Page, connect_agent: ConnectAgent, console: Console
) -> None:
    console.expect(GONE)
    agent = connect_agent("Soon gone")
    notebook = write_notebook(lab_page, agent, "revoke.ipynb", "print('never')")
    panel = open_panel(lab_page)
    run = notebook.ask()
    card(lab_page, notebook.title)
    row = section(panel, "Connected").get_by_role("listitem").filter(has_text="Soon gone")
    press(row, "Revoke")
    expect(row).to_contain_text("its secret stops working")
    press(row, "Revoke")
    expect(row).to_have_count(0)
    expect(lab_page.get_by_role("article")).to_have_count(0)
    notebook.expect_untouched()
    # The answer may be cut off with everything else of the agent.
    assert run.exception(60) is not None or run.result().is_error
    with pytest.raises(Exception, match=r"(?i)401|token|unauthorized"):
        agent.call("list_notebooks")


def test_a_script_in_the_page_cannot_press_allow(
    lab_page: Page, connect_agent: ConnectAgent
) -> None:
    notebook = write_notebook(lab_page, connect_agent(), "script.ipynb", "print('never')")
    open_panel(lab_page)
    run = notebook.ask()
    request = card(lab_page, notebook.title)
    for name in ("Allow", "Allow for 30 minutes"):
        button = request.get_by_role("button", name=name, exact=True)
        # At rest it would ignore a person too.
        expect(button).not_to_have_attribute("aria-disabled", "true")
        button.evaluate(
            """button => {
              button.click();
              for (const type of ['pointerdown', 'mousedown', 'mouseup', 'click']) {
                button.dispatchEvent(new MouseEvent(type, { bubbles: true, detail: 1 }));
              }
              button.focus();
              for (const type of ['keydown', 'keypress', 'keyup']) {
                button.dispatchEvent(new KeyboardEvent(type, { bubbles: true, key: 'Enter' }));
              }
            }"""
        )
    # Had one of them counted, the request would be decided and this answer would come too late.
    press(request, "Deny")
    result = run.result(60)
    assert result.is_error
    assert "The user denied this" in text_of(result)
    notebook.expect_untouched()


def test_a_hidden_panel_shows_badge_toast_and_title_and_the_toast_opens_the_card(
    lab_page: Page, connect_agent: ConnectAgent
) -> None:
    notebook = write_notebook(lab_page, connect_agent(), "hidden.ipynb", "print('seen')")
    expect(lab_page.get_by_role("region", name="Agents", exact=True)).to_be_hidden()
    title = lab_page.title()
    run = notebook.ask()
    tab = sidebar_tab(lab_page)
    expect(tab).to_have_attribute("data-jmcp-pending", "1")
    drawn = tab.evaluate(
        "tab => [tab, ...tab.querySelectorAll('*')].flatMap(each => ['::before', '::after']"
        ".map(part => getComputedStyle(each, part).content))"
    )
    assert any("1" in content for content in drawn), drawn
    lab_page.wait_for_function("() => document.title.startsWith('(1) ')")
    assert lab_page.title().endswith(title)
    toast = lab_page.locator(".Toastify__toast").filter(has_text=f"Robot asks: {notebook.title}")
    expect(toast).to_be_visible()
    expect(toast.get_by_role("button", name=re.compile("Allow"))).to_have_count(0)
    toast.get_by_role("button", name="Show", exact=True).click()
    request = card(lab_page, notebook.title)
    expect(request).to_be_visible()
    expect(request).to_be_focused()
    expect(toast).to_have_count(0)
    assert "seen" in allow_and_wait(request, run)
    expect(tab).not_to_have_attribute("data-jmcp-pending", "1")
    lab_page.wait_for_function("() => !document.title.startsWith('(')")


def test_a_card_never_takes_the_focus_from_a_typing_person(
    lab_page: Page, connect_agent: ConnectAgent
) -> None:
    notebook = write_notebook(lab_page, connect_agent(), "focus.ipynb", "print('a')")
    open_panel(lab_page)
    notebook.agent.say("insert_cell", source="# ", index=1)
    second = editor(lab_page, 2)
    expect(second).to_have_text("# ")
    second.click()
    lab_page.keyboard.press("Control+End")
    lab_page.keyboard.type("typed before ")
    run = notebook.ask()
    request = card(lab_page, notebook.title)
    lab_page.keyboard.type("and after")
    lab_page.keyboard.press("Enter")
    lab_page.keyboard.press("Space")
    expect(second).to_be_focused()
    assert cell_text(lab_page, 2).startswith("# typed before and after\n")
    # Nothing of the typing answered the request.
    notebook.expect_untouched()
    press(request, "Deny")
    assert run.result(60).is_error


def _waiting(page: Page, server: LabServer) -> dict[str, str]:
    """Return the id and the hash of the one request that waits."""
    status, state = panel_request(page, server, "GET", "state?since=0")
    assert status == 200
    (call,) = (each for each in state["calls"] if each["state"] == "waiting_for_approval")
    return {"id": call["id"], "action_hash": call["action_hash"]}
