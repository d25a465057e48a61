"""Tests the panel and the dialog in narrow and wide windows, with light and dark themes."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from playwright.sync_api import expect

from agent import text_of
from lab_page import Console, log_in, open_lab, panel_request
from layout_probe import faint_texts, misfits
from panel import card, connected, open_panel, press, section, write_notebook

if TYPE_CHECKING:
    from collections.abc import Iterator

    from playwright.sync_api import BrowserContext, Locator, Page, ViewportSize

    from lab_server import LabServer
    from profiles import Profiles

LONG_NAME = "quarterly-figures-of-all-regions-and-products-2026-final-version.ipynb"
LONG_LABEL = "Donaudampfschifffahrtsgesellschaftskapitänsagent"
LONG_CODE = (
    "frame = frame.assign(share=frame.units / frame.units.sum(), rank=frame.units.rank())\n"
    "print('" + "x" * 120 + "')"
)
LONG_REASON = "To see whether https://example.org/" + "very-long-path" * 8 + " is still there."

VIEWPORT: ViewportSize = {"width": 1400, "height": 900}

# JupyterLab keeps sidebars wider than the narrowest that we care for.
_NARROW_SIDEBARS = """addEventListener('DOMContentLoaded', () =>
  document.documentElement.style.setProperty('--jp-sidebar-min-width', '200px'))"""


@pytest.fixture(scope="module")
def shared_context(profiles: Profiles, lab_server: LabServer) -> Iterator[BrowserContext]:
    """Yield one logged-in profile for all tests here: they look at the same page."""
    console = Console()
    with profiles.lend(console, viewport=VIEWPORT) as context:
        log_in(context, lab_server)
        yield context
    assert console.unexpected() == []


@pytest.fixture(scope="module")
def full_panel(shared_context: BrowserContext, lab_server: LabServer) -> Iterator[Page]:
    """Yield a page whose panel holds one of everything, with long words in it."""
    page = shared_context.new_page()
    page.add_init_script(_NARROW_SIDEBARS)
    open_lab(page, lab_server)
    rights = {"notebooks": [LONG_NAME], "until": "30m"}
    with (
        connected(page, lab_server, LONG_LABEL, "edit") as asker,
        connected(page, lab_server, f"{LONG_LABEL} 2", "ask") as writer,
        connected(page, lab_server, "Runner", "auto", **rights),
    ):
        notebook = write_notebook(page, asker, LONG_NAME, "print('granted')")
        panel = open_panel(page)
        granted = notebook.ask()
        press(card(page, notebook.title), "Allow for 30 minutes")
        assert "granted" in text_of(granted.result(60))
        asker.start("restart_notebook", reason=LONG_REASON)
        writer.say("use_notebook", notebook=LONG_NAME)
        writer.start("execute_ipython", code=LONG_CODE, reason=LONG_REASON)
        requests = page.get_by_role("article")
        expect(requests).to_have_count(2)
        requests.first.get_by_role("button", name="Deny and tell the agent why…").click()
        row = section(panel, "Connected").get_by_role("listitem").filter(has_text="Runner")
        press(row, "Revoke")
        yield page


def drag_to_width(page: Page, width: int) -> Locator:
    """Drag the panel's edge until the panel is so wide; return the panel."""
    panel = page.locator(".jp-jmcp-Panel")
    box = panel.bounding_box()
    assert box
    page.mouse.move(box["x"] - 1.5, 400)
    page.mouse.down()
    page.mouse.move(box["x"] - 1.5 + box["width"] - width, 400, steps=3)
    page.mouse.up()
    now = panel.bounding_box()
    assert now
    assert now["width"] == width
    return panel


def set_theme(page: Page, theme: str) -> None:
    """Change JupyterLab's theme and wait until its colours are there."""
    page.evaluate(
        "theme => window.jupyterapp.commands.execute('apputils:change-theme', { theme })"
        ".then(() => null)",
        f"JupyterLab {theme}",
    )
    page.wait_for_function(
        "light => document.body.dataset.jpThemeLight === light",
        arg="true" if theme == "Light" else "false",
    )
    # It lies over the page until the colours are there.
    page.locator("#jupyterlab-splash").wait_for(state="detached")


def expect_fit(where: Locator) -> None:
    """Expect that nothing is cut off, sticks out, or is hard to read."""
    assert misfits(where) == []
    assert faint_texts(where) == []


@pytest.mark.parametrize("theme", ["Light", "Dark"])
@pytest.mark.parametrize("width", [240, 320, 700])
def test_everything_in_the_panel_fits_and_is_legible(
    full_panel: Page, width: int, theme: str
) -> None:
    set_theme(full_panel, theme)
    expect_fit(drag_to_width(full_panel, width))


@pytest.fixture
def narrow_window(full_panel: Page, lab_server: LabServer) -> Iterator[Page]:
    """Yield the page with an open dialog, in a window of 400 by 600 pixels.

    What was connected in the dialog is revoked: other tests look at the same server.
    """
    before = agent_ids(full_panel, lab_server)
    open_panel(full_panel).get_by_role("button", name="Connect an agent", exact=True).click()
    full_panel.set_viewport_size({"width": 400, "height": 600})
    yield full_panel
    full_panel.keyboard.press("Escape")
    full_panel.set_viewport_size(VIEWPORT)
    for agent_id in agent_ids(full_panel, lab_server) - before:
        panel_request(full_panel, lab_server, "DELETE", f"agents/{agent_id}")


def agent_ids(page: Page, server: LabServer) -> set[str]:
    """Return the ids of all agents that are connected or may be."""
    _, state = panel_request(page, server, "GET", "state?since=0")
    return {agent["id"] for agent in state["agents"]}


@pytest.mark.parametrize("theme", ["Light", "Dark"])
def test_the_dialog_is_usable_in_a_narrow_window(narrow_window: Page, theme: str) -> None:
    page = narrow_window
    set_theme(page, theme)
    dialog = page.get_by_role("dialog")
    box = dialog.bounding_box()
    assert box
    assert box["x"] >= 0
    assert box["x"] + box["width"] <= 400
    dialog.get_by_role("radio", name="Edit and run in chosen notebooks").check()
    expect_fit(dialog)
    dialog.get_by_role("radio", name="Look only").check()
    dialog.get_by_label("Name this connection").fill(f"{LONG_LABEL} {theme}")
    dialog.get_by_role("button", name="Create connection").click()
    dialog.get_by_role("button", name="Copy URL").click()
    expect(dialog.get_by_text("Copied.")).to_be_visible()
    expect_fit(dialog)
    dialog.get_by_role("button", name="Done").click()
    expect(dialog).to_have_count(0)
