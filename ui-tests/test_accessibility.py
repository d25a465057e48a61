"""Tests the panel and the dialog with axe-core, the usual checker of the WCAG rules."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from playwright.sync_api import expect

from panel import card, open_panel, press, section, write_notebook

if TYPE_CHECKING:
    from collections.abc import Iterator

    from playwright.sync_api import Page

    from conftest import ConnectAgent

AXE = Path(__file__).parents[1] / "node_modules" / "axe-core" / "axe.min.js"

RULES = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]

# The rules about the page as a whole are for JupyterLab to keep.
_RUN = """async ([selector, rules]) => {
  const found = await axe.run(selector, { runOnly: rules, resultTypes: ['violations'] });
  return found.violations
    .filter(each => ['serious', 'critical'].includes(each.impact))
    .flatMap(each => each.nodes.map(
      node => `${each.id} (${each.help}): ${node.html.slice(0, 200)} ${node.failureSummary}`));
}"""


@pytest.fixture
def lab_page(kept_page: Page) -> Page:
    """Return one page for all tests here."""
    return kept_page


def violations(page: Page, selector: str) -> list[str]:
    """Return the serious violations within what `selector` names."""
    # Evaluated, not added as a script: the server's content policy is none of the test's business.
    page.evaluate(AXE.read_text())
    found: list[str] = page.evaluate(_RUN, [selector, RULES])
    return found


@pytest.fixture(params=["JupyterLab Light", "JupyterLab Dark"])
def themed_page(lab_page: Page, request: pytest.FixtureRequest) -> Iterator[Page]:
    """Yield the page in a theme; the server remembers the theme, so it is put back."""
    _set_theme(lab_page, request.param)
    yield lab_page
    _set_theme(lab_page, "JupyterLab Light")


def _set_theme(page: Page, theme: str) -> None:
    page.evaluate(
        "theme => window.jupyterapp.commands.execute('apputils:change-theme', { theme })"
        ".then(() => null)",
        theme,
    )
    page.wait_for_function(
        "theme => document.body.dataset.jpThemeName === theme",
        arg=theme,
    )
    # The style sheet of the theme arrives after its name.
    page.wait_for_function("() => document.fonts.status === 'loaded'")


def test_the_panel_breaks_no_serious_rule(themed_page: Page, connect_agent: ConnectAgent) -> None:
    page = themed_page
    agent = connect_agent("Robot")
    connect_agent("Second", "auto", notebooks=["other.ipynb"], until="30m")
    notebook = write_notebook(page, agent, "axe.ipynb", "for i in range(3):\n    print(i)")
    panel = open_panel(page)
    run = notebook.ask()
    press(card(page, notebook.title), "Allow for 30 minutes")
    assert not run.result(60).is_error
    expect(section(panel, "Access").get_by_role("listitem")).not_to_have_count(0)
    waiting = agent.start("restart_notebook", reason="To begin again.")
    request = section(panel, "Needs you").get_by_role("article")
    press(request, "Deny and tell the agent why…")
    expect(request.get_by_role("textbox", name="Tell the agent why")).to_be_visible()
    # A button at rest is drawn faint.
    expect(panel.locator("[aria-disabled=true]")).to_have_count(0)
    assert violations(page, ".jp-jmcp-Panel") == []
    waiting.cancel()


def test_the_dialog_breaks_no_serious_rule(themed_page: Page) -> None:
    page = themed_page
    open_panel(page).get_by_role("button", name="Connect an agent").first.click()
    dialog = page.get_by_role("dialog")
    dialog.get_by_label("Edit and run in chosen notebooks").check()
    assert violations(page, ".jp-jmcp-Dialog") == []
    dialog.get_by_label("Edit freely, ask to run").check()
    dialog.get_by_label("Name this connection").fill("Checked")
    dialog.get_by_role("button", name="Create connection").click()
    expect(dialog.get_by_text("Waiting for the first call…")).to_be_visible()
    assert violations(page, ".jp-jmcp-Dialog") == []
    dialog.get_by_role("button", name="Done").click()
    row = section(open_panel(page), "Connected").get_by_role("listitem").filter(has_text="Checked")
    press(row, "Revoke")
    press(row, "Revoke")
    expect(row).to_have_count(0)


def test_banners_that_do_not_fit_can_be_read_with_the_keyboard(
    lab_page: Page, connect_agent: ConnectAgent
) -> None:
    for number in range(6):
        notebooks = [f"a-folder/with-a-long-name/notebook-{number}-{each}.ipynb" for each in "ab"]
        connect_agent(f"Robot {number}", "auto", notebooks=notebooks, until="30m")
    panel = open_panel(lab_page)
    strips = panel.get_by_role("list", name="Notices")
    expect(strips.get_by_role("listitem")).to_have_count(6)
    panel.get_by_role("button", name="Stop all").focus()
    lab_page.keyboard.press("Tab")
    expect(strips).to_be_focused()
    lab_page.keyboard.press("End")
    expect(strips.get_by_role("listitem").last).to_be_in_viewport(ratio=0.9)
    assert violations(lab_page, ".jp-jmcp-Strips") == []
    # Whether there is more must not depend on how that is shown: React gives up on a page in which
    # one changes the other for ever. The page's errors are looked at after the test.
    size = lab_page.viewport_size
    assert size is not None
    for height in range(300, 700):
        lab_page.set_viewport_size({"width": size["width"], "height": height})
        strips.evaluate("list => list.scrollTo(0, list.scrollHeight - list.clientHeight - 1.5)")
    lab_page.set_viewport_size(size)
    expect(strips.get_by_role("listitem")).to_have_count(6)
