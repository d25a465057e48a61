"""Tests that an agent learns that no page is open to approve, and that nothing is lost."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from agent import text_of
from lab_page import log_in, open_lab
from panel import allow_and_wait, card, connected, open_panel, write_notebook

if TYPE_CHECKING:
    from playwright.sync_api import Page

    from lab_page import Console
    from lab_server import LabServer
    from profiles import Profiles


def test_an_agent_is_told_when_no_page_is_open(
    lab_page: Page, lab_server: LabServer, profiles: Profiles, console: Console
) -> None:
    with profiles.lend(console) as keeper_context:
        log_in(keeper_context, lab_server)
        keeper = keeper_context.new_page()
        # A page of this server that has no panel.
        keeper.goto(f"{lab_server.url}static/favicons/favicon.ico")
        with connected(keeper, lab_server, "Robot", "edit") as agent:
            notebook = write_notebook(lab_page, agent, "alone.ipynb", "print('later')")
            lab_page.close(run_before_unload=False)
            told = agent.call("execute_cell", cells=notebook.cell, hold=300)
            assert "No JupyterLab window is open" in text_of(told)
            assert f"{lab_server.url}lab" in text_of(told)
            found = re.search(r"call: (\S+) · state: waiting_for_approval", text_of(told))
            assert found, text_of(told)
            # The request stays: who opens JupyterLab finds it, and `wait` gets the result.
            page = keeper_context.new_page()
            open_lab(page, lab_server)
            open_panel(page)
            request = card(page, notebook.title)
            rest = agent.start("wait", call=found[1], seconds=60)
            assert "later" in allow_and_wait(request, rest)
