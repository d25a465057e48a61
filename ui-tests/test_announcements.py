"""Tests announcements and the focus for people who do not see the panel."""

from __future__ import annotations

from typing import TYPE_CHECKING

from playwright.sync_api import expect

from lab_page import reload_lab
from panel import card, decide, open_panel, press, section, sidebar_tab, write_notebook

if TYPE_CHECKING:
    from playwright.sync_api import Page

    from conftest import ConnectAgent
    from lab_page import Console
    from panel import Notebook

_LISTEN = """() => {
  window.heard = [];
  const region = document.querySelector('body > [role=status].jp-jmcp-LiveRegion');
  new MutationObserver(changes => {
    for (const change of changes) {
      for (const line of change.addedNodes) window.heard.push(line.textContent);
    }
  }).observe(region, { childList: true });
}"""

ASKED = "Robot asks: {}. 1 request is waiting."


def hears(page: Page, *sentences: str) -> None:
    """Expect that exactly this was said since the last time."""
    page.wait_for_function("count => window.heard.length >= count", arg=len(sentences))
    assert page.evaluate("() => window.heard.splice(0)") == list(sentences)


def has_focus(page: Page) -> str:
    """Return what has the focus, after the page had time to lose it."""
    found: str = page.evaluate(
        """() => new Promise(resolve => requestAnimationFrame(() => requestAnimationFrame(() => {
          const element = document.activeElement;
          resolve(element === document.body ? 'body' :
            element.closest('.jp-jmcp-Panel') ? element.tagName : 'elsewhere');
        })))"""
    )
    return found


def deny(notebook: Notebook) -> None:
    """Let an agent ask, and say no."""
    run = notebook.ask()
    decide(card(notebook.page, notebook.title), "Deny")
    assert run.result(60).is_error


def test_each_request_and_its_outcome_is_announced(
    lab_page: Page, connect_agent: ConnectAgent
) -> None:
    notebook = write_notebook(lab_page, connect_agent(), "said.ipynb", "1 / 0")
    panel = open_panel(lab_page)
    lab_page.evaluate(_LISTEN)
    deny(notebook)
    hears(lab_page, ASKED.format(notebook.title), f"Denied: {notebook.title}")
    rows = section(panel, "Activity").get_by_role("listitem").filter(has_text=notebook.title)
    press(rows, "Ask me again")
    hears(lab_page, "Robot may ask you again.")
    run = notebook.ask()
    # The same words as before are heard again.
    hears(lab_page, ASKED.format(notebook.title))
    decide(card(lab_page, notebook.title), "Allow")
    run.result(60)
    lab_page.wait_for_function(
        "title => window.heard.includes(title)", arg=f"Failed: {notebook.title}"
    )


def _close_panel(page: Page) -> None:
    open_panel(page)
    sidebar_tab(page).click()
    expect(page.locator(".jp-jmcp-Panel")).to_be_hidden()


def test_a_toast_announces_a_request_once_while_the_panel_is_closed(
    lab_page: Page, connect_agent: ConnectAgent
) -> None:
    notebook = write_notebook(lab_page, connect_agent(), "closed.ipynb", "print(1)")
    _close_panel(lab_page)
    lab_page.evaluate(_LISTEN)
    run = notebook.ask()
    expect(lab_page.get_by_role("alert").filter(has_text=notebook.title)).to_be_visible()
    # What became of it no toast tells; by then the request would have been said.
    lab_page.wait_for_timeout(2000)
    run.cancel()
    hears(lab_page, f"The agent stopped waiting: {notebook.title}")


def test_a_request_is_announced_even_in_do_not_disturb(
    lab_page: Page, connect_agent: ConnectAgent
) -> None:
    notebook = write_notebook(lab_page, connect_agent(), "silent.ipynb", "print(1)")
    _set_silence(lab_page, True)
    reload_lab(lab_page)
    _close_panel(lab_page)
    lab_page.evaluate(_LISTEN)
    run = notebook.ask()
    try:
        hears(lab_page, ASKED.format(notebook.title))
        expect(lab_page.get_by_role("alert").filter(has_text=notebook.title)).to_have_count(0)
    finally:
        _set_silence(lab_page, False)
    run.cancel()


def _set_silence(page: Page, on: bool) -> None:
    page.evaluate(
        "on => window.jupyterapp.serviceManager.settings.save("
        "'@jupyterlab/apputils-extension:notification', JSON.stringify({doNotDisturbMode: on}))"
        ".then(() => null)",
        on,
    )


def test_the_focus_stays_in_the_panel_after_a_pressed_button_disappears(
    lab_page: Page, connect_agent: ConnectAgent, console: Console
) -> None:
    # The agent that is revoked here is revoked once more at the end.
    console.expect(r"404 \(Not Found\) .*/agents/a_")
    notebook = write_notebook(lab_page, connect_agent(), "focus.ipynb", "print(1)")
    connect_agent("Second")
    panel = open_panel(lab_page)
    run = notebook.ask()
    decide(card(lab_page, notebook.title), "Allow for 30 minutes")
    run.result(60)
    strip = panel.locator(".jp-jmcp-Strips").get_by_role("listitem")
    strip.get_by_role("button", name="Revoke").focus()
    lab_page.keyboard.press("Enter")
    expect(strip).to_have_count(0)
    assert has_focus(lab_page) not in {"body", "elsewhere"}
    row = (
        section(panel, "Activity")
        .get_by_role("listitem")
        .filter(has_text="Insert a cell into focus.ipynb", has_not_text="Undo:")
        .first
    )
    row.get_by_role("button", name="Undo").focus()
    lab_page.keyboard.press("Enter")
    expect(row.get_by_role("button", name="Undo")).to_have_count(0)
    assert has_focus(lab_page) == "BUTTON"
    agent = section(panel, "Connected").get_by_role("listitem").filter(has_text="Second")
    agent.get_by_role("combobox").focus()
    agent.get_by_role("combobox").select_option("Look only")
    assert has_focus(lab_page) == "SELECT"
    agent.get_by_role("button", name="Revoke").focus()
    lab_page.keyboard.press("Enter")
    sure = agent.get_by_role("button", name="Revoke")
    expect(sure).to_be_focused()
    expect(sure).not_to_have_attribute("aria-disabled", "true")
    lab_page.keyboard.press("Enter")
    expect(agent).to_have_count(0)
    assert has_focus(lab_page) == "H3"


def test_the_focus_stays_in_the_panel_when_a_request_ends_by_itself(
    lab_page: Page, connect_agent: ConnectAgent
) -> None:
    notebook = write_notebook(lab_page, connect_agent(), "ends.ipynb", "print(1)")
    panel = open_panel(lab_page)
    run = notebook.ask()
    request = card(lab_page, notebook.title)
    request.get_by_role("button", name="Show in notebook").focus()
    run.cancel()
    expect(panel.get_by_role("article")).to_have_count(0)
    assert has_focus(lab_page) not in {"body", "elsewhere"}
