"""Tests the end and the restart of a server with a connected page and a connected agent."""

from __future__ import annotations

import re
import signal
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING, Any

import pytest
from nbformat.reader import NotJSONError
from playwright.sync_api import expect

from agent import Agent
from lab_page import log_in, open_lab, open_notebook, panel_request
from lab_server import LabServer
from notebook_page import saved_notebook
from panel import card, connected, editor, open_panel, outputs, prompt, write_notebook

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from concurrent.futures import Future
    from pathlib import Path

    from mcp.types import CallToolResult
    from nbformat import NotebookNode
    from playwright.sync_api import Locator, Page

NOTEBOOK = "end.ipynb"
ADDED = "print('after the restart')"
ENDLESS = "import time\nprint('began', flush=True)\nwhile True: time.sleep(0.05)"
SOURCES = ["print('first')", "print('second')"]


def cells(page: Page) -> Locator:
    """Return the cells that the page shows."""
    return page.locator(".jp-NotebookPanel:not(.lm-mod-hidden) .jp-Cell")


def cells_of(page: Page) -> list[str]:
    """Return the source of each cell in the page's copy of the document."""
    found: list[str] = page.evaluate(
        "() => window.jupyterapp.shell.currentWidget.model.sharedModel.cells"
        ".map(cell => cell.getSource())"
    )
    return found


def wait_until_idle(page: Page) -> None:
    """Wait until the notebook's kernel has started: one that is cut off at its start complains."""
    page.wait_for_function(
        "() => window.jupyterapp.shell.currentWidget.sessionContext.session?.kernel?.status"
        " === 'idle'"
    )


def sources(file: NotebookNode) -> list[str]:
    """Return the source of each cell."""
    return [cell.source for cell in file.cells]


def printed(file: NotebookNode) -> list[list[str]]:
    """Return what each cell has printed."""
    return [[output.text for output in cell.outputs] for cell in file.cells]


def wait_until_saved(
    page: Page, server: LabServer, wanted: list[Any], what: Callable[[NotebookNode], list[Any]]
) -> None:
    """Wait until the file holds exactly this of its cells."""
    found = None
    for _ in range(300):
        # The server writes notebooks in place: a reader may meet a part of one.
        with suppress(NotJSONError):
            found = what(saved_notebook(server.root / NOTEBOOK))
        if found == wanted:
            return
        page.wait_for_timeout(100)
    raise AssertionError(f"the file holds {found}, not {wanted}")


@pytest.mark.parametrize("ask", [signal.SIGTERM, signal.SIGINT], ids=lambda ask: ask.name)
def test_a_server_stops_quickly_with_a_page_and_an_agent_and_loses_nothing(
    tmp_path: Path, own_page: Page, ask: signal.Signals
) -> None:
    server = LabServer(tmp_path, base_url="/user/ann/", terminal=ask is signal.SIGINT)
    with server:
        log_in(own_page.context, server)
        open_lab(own_page, server)
        status, minted = panel_request(
            own_page, server, "POST", "agents", {"label": "Robot", "mode": "edit"}
        )
        assert status == 201, minted
        with Agent(server.mcp_url, minted["token"], mode="legacy") as agent:
            notebook = write_notebook(own_page, agent, NOTEBOOK, SOURCES[0])
            open_panel(own_page)
            run = notebook.ask(hold=300)
            card(own_page, notebook.title)
            agent.say("insert_cell", source=SOURCES[1], index=1)
            wait_until_idle(own_page)
            before = cells_of(own_page)
            took = server.stop(ask)
            print(f"\n{ask.name}: ended after {took:.2f} s")
            assert run.exception(30) is not None or run.result().is_error
            file = saved_notebook(server.root / NOTEBOOK)
            assert [cell.source for cell in file.cells] == before
            server.check_log()
            server.start()
        with connected(own_page, server, "Robot 2", "edit") as agent:
            agent.say("use_notebook", notebook=NOTEBOOK)
            agent.say("insert_cell", source=ADDED, index=0)
            expect(cells(own_page).first).to_contain_text(ADDED, timeout=60_000)
            assert cells_of(own_page) == [ADDED, *before]
            expect(cells(own_page)).to_have_count(len(before) + 1)
            # The page is no mere picture: what a person types in it goes on to the file.
            editor(own_page, 1).click()
            own_page.keyboard.press("ControlOrMeta+End")
            own_page.keyboard.type("  # seen")
            wait_until_saved(own_page, server, [f"{ADDED}  # seen", *before], sources)


@contextmanager
def running(server: LabServer, page: Page) -> Iterator[tuple[Agent, Future[CallToolResult]]]:
    """Yield an agent and its run of two cells: the first never ends, the second waits."""
    log_in(page.context, server)
    open_lab(page, server)
    rights = {"mode": "auto", "notebooks": [NOTEBOOK], "until": "30m"}
    status, minted = panel_request(page, server, "POST", "agents", {"label": "Robot", **rights})
    assert status == 201, minted
    with Agent(server.mcp_url, minted["token"], mode="legacy") as agent:
        agent.say("use_notebook", notebook=NOTEBOOK, create=True)
        open_notebook(page, NOTEBOOK)
        agent.say("insert_cell", source="print('never')", index=0)
        said = agent.say("insert_cell", source=ENDLESS, index=0)
        first = re.findall(r"id (\w+)", said)[0]
        run = agent.start("execute_cell", **{"from": first})
        expect(outputs(page, 1)).to_have_text("began\n")
        expect(prompt(page, 2)).to_have_text("[*]:")
        yield agent, run


def test_a_run_has_ended_in_page_and_file_when_the_server_stops_during_it(
    tmp_path: Path, own_page: Page
) -> None:
    with LabServer(tmp_path) as server:
        with running(server, own_page) as (_, run):
            server.stop()
            assert run.exception(30) is not None or run.result().is_error
        for number in (1, 2):
            expect(prompt(own_page, number)).to_have_text("[ ]:")
        file = saved_notebook(server.root / NOTEBOOK)
        assert file.cells[0].outputs[0].text == "began\n"
        assert file.cells[1].outputs == []


@pytest.mark.parametrize("stays", [True, False], ids=["the page stays", "a new page"])
def test_nothing_is_shown_as_running_after_a_server_killed_during_a_run_is_back(
    tmp_path: Path, own_page: Page, stays: bool
) -> None:
    with LabServer(tmp_path) as server:
        with running(server, own_page) as (_, run):
            # Nothing is written for a second after the last change.
            wait_until_saved(own_page, server, [["began\n"], []], printed)
            server.kill()
            assert run.exception(30) is not None or run.result().is_error
        page = own_page
        if not stays:
            own_page.close()
            page = own_page.context.new_page()
        server.start()
        if not stays:
            open_lab(page, server)
            open_notebook(page, NOTEBOOK)
        for number in (1, 2):
            expect(prompt(page, number)).to_have_text("[ ]:", timeout=60_000)
        expect(outputs(page, 1)).to_have_text("began\n")
        if not stays:
            wait_until_idle(page)
