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
"""How long a page may take to draw what a run has put out, a script of 4 MB among it."""

PRESSES = 3
DECIDED_MILLISECONDS = 3000
"""How often a person presses a button that decides, and how long they look whether that helped."""

COMMANDS = Path(__file__).parents[1] / "schema" / "commands.json"


def shortcut(command: str) -> str:
    """Return the shortcut of one of our commands, as it is pressed."""
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
        ``url`` and ``token``, as the copied configuration has them.
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
    """Return the request card with that title, once it is there."""
    found = page.get_by_role("article", name=title)
    found.wait_for()
    return found


def press(where: Locator, name: str) -> None:
    """Press a button of a card as soon as it takes a press."""
    button = where.get_by_role("button", name=name, exact=True)
    expect(button).not_to_have_attribute("aria-disabled", "true")
    button.click()


def decide(request: Locator, name: str) -> None:
    """Press a button that decides a request, as often as a person has to.

    A card that moves just then, for what comes or goes above it, takes no press for a moment.
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
    """Return the outputs that the page shows of a cell, counted from 1."""
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
    """Return the panel's tab in the sidebar, whatever number it carries."""
    return page.get_by_role("tab", name=re.compile(rf"^{PANEL}\b"))


def editor(page: Page, number: int) -> Locator:
    """Return the editor of a cell, counted from 1."""
    return page.locator(
        f".jp-NotebookPanel:not(.lm-mod-hidden) .jp-Cell >> nth={number - 1}"
    ).locator(".cm-content")


def run_by_hand(page: Page, number: int) -> None:
    """Run a cell, counted from 1, as a person does who sees that the kernel is there.

    JupyterLab 4.6 forgets a run that is asked for before the page knows its kernel.
    """
    page.wait_for_function(
        "() => window.jupyterapp.shell.currentWidget.sessionContext"
        ".session?.kernel?.connectionStatus === 'connected'"
    )
    editor(page, number).click()
    page.keyboard.press("Control+Enter")


@dataclass
class Notebook:
    """A notebook that is open in the page and that an agent works in."""

    page: Page
    agent: Agent
    name: str
    cell: str

    @property
    def title(self) -> str:
        """Title of the card that asks for the run of its first cell."""
        return f"Run cell 1 in {self.name}"

    def ask(self, *, hold: float = 60) -> Future[CallToolResult]:
        """Let the agent ask for the run of the first cell."""
        return self.agent.start("execute_cell", cells=self.cell, hold=hold)

    def expect_untouched(self) -> None:
        """Expect that the first cell has not run."""
        expect(prompt(self.page, 1)).to_have_text("[ ]:")
        expect(outputs(self.page, 1)).to_have_count(0)


def write_notebook(page: Page, agent: Agent, name: str, source: str) -> Notebook:
    """Let an agent create a notebook with one cell on top, and open it in the page."""
    agent.say("use_notebook", notebook=name, create=True)
    said = agent.say("insert_cell", source=source, index=0)
    found = re.search(r"id (\w+)", said)
    assert found, said
    open_notebook(page, name)
    return Notebook(page, agent, name, found[1])


def allow_and_wait(request: Locator, run: Future[CallToolResult]) -> str:
    """Allow a request once; return what the agent is told."""
    decide(request, "Allow")
    result = run.result(60)
    assert not result.is_error, text_of(result)
    return text_of(result)
