"""Uses the Agents panel as a person does: finds every element by its accessible name."""

from __future__ import annotations

import json
import re
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from playwright.sync_api import expect

from agent import Agent, text_of
from lab_page import open_notebook, panel_request

if TYPE_CHECKING:
    from collections.abc import Iterator
    from concurrent.futures import Future

    from mcp.client.client import ConnectMode
    from mcp.types import CallToolResult
    from playwright.sync_api import Locator, Page

    from lab_server import LabServer

PANEL = "Agents"

DRAWN_MS = 30_000
"""Maximum number of milliseconds for a page to render outputs, which include a script of 4 MB."""

PRESSES = 3
"""Maximum number of times that a person presses a button that decides."""

DECIDED_MILLISECONDS = 3000
"""Milliseconds to wait for the effect of a press before a person presses the button again."""

COMMANDS = Path(__file__).parents[1] / "schema" / "commands.json"


def shortcut(command: str) -> str:
    """Return the keyboard shortcut of one of our commands."""
    bindings = json.loads(COMMANDS.read_text())["jupyter.lab.shortcuts"]
    (keys,) = (each["keys"][0] for each in bindings if each["command"] == f"jmcp-lab:{command}")
    return str(keys).replace("Accel", "Control").replace(" ", "+")


def open_panel(page: Page) -> Locator:
    """Open the panel by its tab in the sidebar, and return it."""
    panel = page.get_by_role("region", name=PANEL, exact=True)
    if not panel.is_visible():
        page.get_by_role("tab", name=PANEL).click()
    expect(panel).to_be_visible()
    return panel


def connect_by_dialog(page: Page, label: str, client: str = "Generic JSON") -> dict[str, Any]:
    """Connect an agent through the dialog and the clipboard.

    Returns
    -------
    dict
        ``url`` and ``token`` in the copied configuration.
    """
    open_panel(page).get_by_role("button", name="Connect an agent").first.click()
    dialog = page.get_by_role("dialog")
    dialog.get_by_label("Name this connection").fill(label)
    dialog.get_by_role("button", name="Create connection").click()
    dialog.get_by_role("button", name="Copy URL").click()
    expect(dialog.get_by_text("Waiting for the first call…")).to_be_visible()
    url = page.evaluate("() => navigator.clipboard.readText()")
    dialog.get_by_role("button", name=f"Copy config for {client}").click()
    expect(dialog.get_by_text("Copied.")).to_be_visible()
    config = page.evaluate("() => navigator.clipboard.readText()")
    assert url in config
    token = re.search(r"jml_[0-9A-Za-z]+", config)
    assert token, config
    if client == "Generic JSON":
        json.loads(config)
    return {"url": url, "token": token.group()}


@contextmanager
def connected(
    page: Page,
    server: LabServer,
    label: str,
    mode: str,
    *,
    protocol: ConnectMode = "auto",
    **rights: Any,
) -> Iterator[Agent]:
    """Mint a token from within the page, and connect the official client with it.

    At the end the client disconnects and the token is revoked.
    """
    status, minted = panel_request(
        page, server, "POST", "agents", {"label": label, "mode": mode, **rights}
    )
    assert status == 201, minted
    try:
        with Agent(server.mcp_url, minted["token"], mode=protocol) as agent:
            yield agent
    finally:
        panel_request(page, server, "DELETE", f"agents/{minted['id']}")


def card(page: Page, title: str | re.Pattern[str]) -> Locator:
    """Wait for the request card with that title, and return it."""
    found = page.get_by_role("article", name=title)
    found.wait_for()
    return found


def press(where: Locator, name: str) -> None:
    """Press a button of a card as soon as it accepts a press."""
    button = where.get_by_role("button", name=name, exact=True)
    expect(button).not_to_have_attribute("aria-disabled", "true")
    button.click()


def decide(request: Locator, name: str) -> None:
    """Press a button that decides a request, as often as a person has to.

    A card does not accept a press for a moment after it has moved, because cards above it have
    appeared or disappeared.
    """
    for _ in range(PRESSES):
        if request.count() == 0:
            return
        press(request, name)
        with suppress(AssertionError):
            expect(request).to_have_count(0, timeout=DECIDED_MILLISECONDS)


def cell_text(page: Page, number: int) -> str:
    """Return what the page shows in the editor of a cell, counted from 1."""
    lines = page.locator(
        f".jp-NotebookPanel:not(.lm-mod-hidden) .jp-Cell >> nth={number - 1}"
    ).locator(".cm-line")
    return "\n".join(lines.all_inner_texts()).replace("\u200b", "")


def outputs(page: Page, number: int) -> Locator:
    """Return the outputs of a cell, counted from 1, in the page."""
    return page.locator(
        f".jp-NotebookPanel:not(.lm-mod-hidden) .jp-Cell >> nth={number - 1}"
    ).locator(".jp-OutputArea-output")


def prompt(page: Page, number: int) -> Locator:
    """Return the input prompt of a cell, such as ``[3]:``."""
    return page.locator(
        f".jp-NotebookPanel:not(.lm-mod-hidden) .jp-Cell >> nth={number - 1}"
    ).locator(".jp-InputPrompt")


def section(where: Page | Locator, name: str) -> Locator:
    """Return a section of the panel."""
    return where.get_by_role("region", name=name, exact=True)


def sidebar_tab(page: Page) -> Locator:
    """Return the panel's tab in the sidebar, regardless of the number in it."""
    return page.get_by_role("tab", name=re.compile(rf"^{PANEL}\b"))


def editor(page: Page, number: int) -> Locator:
    """Return the editor of a cell, counted from 1."""
    return page.locator(
        f".jp-NotebookPanel:not(.lm-mod-hidden) .jp-Cell >> nth={number - 1}"
    ).locator(".cm-content")


def run_by_hand(page: Page, number: int) -> None:
    """Run a cell, counted from 1, like a person who sees that the kernel is ready.

    JupyterLab 4.6 drops a run that is requested before the page knows its kernel.
    """
    page.wait_for_function(
        "() => window.jupyterapp.shell.currentWidget.sessionContext"
        ".session?.kernel?.connectionStatus === 'connected'"
    )
    editor(page, number).click()
    page.keyboard.press("Control+Enter")


@dataclass
class Notebook:
    """An open notebook in the page in which an agent works."""

    page: Page
    agent: Agent
    name: str
    cell: str

    @property
    def title(self) -> str:
        """Title of the card for a run of the first cell."""
        return f"Run cell 1 in {self.name}"

    def ask(self, *, hold: float = 60) -> Future[CallToolResult]:
        """Let the agent request a run of the first cell."""
        return self.agent.start("execute_cell", cells=self.cell, hold=hold)

    def expect_untouched(self) -> None:
        """Expect that the first cell has not run."""
        expect(prompt(self.page, 1)).to_have_text("[ ]:")
        expect(outputs(self.page, 1)).to_have_count(0)


def write_notebook(page: Page, agent: Agent, name: str, source: str) -> Notebook:
    """Let an agent create a notebook with a cell at the top, and open it in the page."""
    agent.say("use_notebook", notebook=name, create=True)
    said = agent.say("insert_cell", source=source, index=0)
    found = re.search(r"id (\w+)", said)
    assert found, said
    open_notebook(page, name)
    return Notebook(page, agent, name, found[1])


def allow_and_wait(request: Locator, run: Future[CallToolResult]) -> str:
    """Allow a request once, and return the reply to the agent."""
    decide(request, "Allow")
    result = run.result(60)
    assert not result.is_error, text_of(result)
    return text_of(result)
