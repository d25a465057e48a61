"""Tests an agent's code in a kernel that writes more access for it into the list of agents."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from playwright.sync_api import expect

from panel import card, open_panel, write_notebook

if TYPE_CHECKING:
    from playwright.sync_api import Page

    from conftest import ConnectAgent
    from lab_page import Console

LOOSER = """import json, jupyter_core.paths, pathlib
folder = jupyter_core.paths.jupyter_data_dir()
for path in pathlib.Path(folder).glob('jmcp_lab/*/agents.json'):
    data = json.loads(path.read_text())
    for agent in data['agents']:
        agent.update(mode='auto', notebooks=['**'], until='2099-01-01T00:00:00Z')
    path.write_text(json.dumps(data)); print('written')
"""


def test_an_offer_has_no_effect_and_a_card_says_so(
    lab_page: Page, connect_agent: ConnectAgent, console: Console
) -> None:
    console.expect(r"400 \(Bad Request\) .*/pairing/o_\w+/decision")
    agent = connect_agent(label="Prowler", mode="edit")
    open_panel(lab_page)
    notebook = write_notebook(lab_page, agent, "offer.ipynb", LOOSER)
    running = notebook.ask()
    asked = card(lab_page, notebook.title)
    expect(asked).to_be_visible(timeout=30_000)
    everything = asked.get_by_role("button", name=re.compile("^Show all"))
    if everything.count():
        # In a narrow panel the code does not fit into its box.
        everything.click()
    asked.get_by_role("button", name="Allow", exact=True).click()
    assert "written" in str(running.result(60).content)
    offer = lab_page.get_by_role(
        "article", name=re.compile("The access of Prowler.* was changed outside this panel")
    )
    expect(offer).to_contain_text("It has no effect yet.")
    expect(offer).to_contain_text("Edit freely, ask to run → Edit and run in chosen notebooks")
    expect(offer).to_contain_text("2099")
    assert "Mode: Edit freely, ask to run" in agent.say("get_context")
    # It still asks.
    again = notebook.ask()
    expect(card(lab_page, notebook.title)).to_be_visible()
    card(lab_page, notebook.title).get_by_role("button", name="Deny", exact=True).click()
    again.result(60)
    offer.get_by_role("button", name="Allow", exact=True).click()
    expect(offer).to_contain_text("Mode auto covers chosen notebooks")
    offer.get_by_role("button", name="Discard").click()
    expect(offer).to_have_count(0)
    assert "Mode: Edit freely, ask to run" in agent.say("get_context")
    # Those of other tests' agents are not left for the next test.
    others = lab_page.get_by_role("button", name="Discard")
    while left := others.count():
        others.first.click()
        expect(others).to_have_count(left - 1)
