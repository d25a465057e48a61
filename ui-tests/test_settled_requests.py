"""Tests that decided requests make room for waiting ones."""

from __future__ import annotations

from typing import TYPE_CHECKING

from playwright.sync_api import expect

from agent import text_of
from panel import decide, open_panel, section, write_notebook

if TYPE_CHECKING:
    from playwright.sync_api import Page

    from conftest import ConnectAgent

CODE = "print('lines')\n" * 20


def test_the_boxes_of_decided_requests_do_not_hide_the_next_one(
    lab_page: Page, connect_agent: ConnectAgent
) -> None:
    agent = connect_agent()
    write_notebook(lab_page, agent, "settled.ipynb", "1")
    panel = open_panel(lab_page)
    runs = [agent.start("execute_ipython", code=f"{CODE}#{number}") for number in range(4)]
    requests = section(panel, "Needs you").get_by_role("article")
    expect(requests).to_have_count(4)
    # The pointer stays where it pressed, as a person's does; the others are let through as well.
    first = requests.first
    decide(first, "Allow for 30 minutes")
    for run in runs:
        assert not run.result(60).is_error, text_of(run.result())
    waiting = agent.start("restart_notebook")
    expect(requests).to_have_count(1)
    expect(requests.first.get_by_role("button", name="Allow", exact=True)).to_be_in_viewport()
    lab_page.wait_for_function(
        """() => {
          const list = document.querySelector('.jp-jmcp-Cards');
          const card = list.querySelector('article');
          const settled = [...list.querySelectorAll('.jp-jmcp-Settled')];
          return list.firstElementChild === card
            && settled.every(each => each.offsetHeight < 80);
        }"""
    )
    expect(requests.first.get_by_role("button", name="Allow", exact=True)).to_be_in_viewport()
    decide(requests.first, "Deny")
    assert waiting.result(60).is_error
