"""Tests that scripts in the outputs of an allowed run run as after a run by hand, or on a click."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pytest
from playwright.sync_api import expect

from lab_page import log_in, open_lab, open_notebook
from lab_server import LabServer
from panel import DRAWN_MS, connected, outputs, prompt, run_by_hand

if TYPE_CHECKING:
    from collections.abc import Iterator

    from playwright.sync_api import Page, Route

    from conftest import ConnectAgent
    from lab_page import Console
    from profiles import Profiles

SCRIPT = """from IPython.display import HTML, display
display(HTML(
    "<div id='made-by-script'>waiting</div>"
    "<script>document.getElementById('made-by-script').textContent = 'ran'</script>"
))"""

OFFER = "Show interactive output"

RIGHTS = {"mode": "auto", "notebooks": ["trust*.ipynb"], "until": "30m"}


@pytest.fixture
def lab_page(kept_page: Page) -> Page:
    """Return one page for all tests here."""
    return kept_page


@pytest.fixture(scope="module")
def strict_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LabServer]:
    """Yield a server that trusts no output of an agent's run."""
    with LabServer(
        tmp_path_factory.mktemp("strict"), arguments=["--JmcpLab.trust_outputs=never"]
    ) as server:
        yield server


@pytest.fixture
def strict_page(profiles: Profiles, strict_server: LabServer, console: Console) -> Iterator[Page]:
    """Yield JupyterLab on that server."""
    with profiles.lend(console) as context:
        log_in(context, strict_server)
        page = context.new_page()
        open_lab(page, strict_server)
        yield page
    assert console.unexpected() == []


def test_scripts_in_the_output_of_an_allowed_run_run(
    lab_page: Page, connect_agent: ConnectAgent
) -> None:
    agent = connect_agent(**RIGHTS)
    agent.say("use_notebook", notebook="trust.ipynb", create=True)
    open_notebook(lab_page, "trust.ipynb")
    agent.say("insert_execute_code_cell", source=SCRIPT, index=0)
    expect(outputs(lab_page, 1)).to_have_text("ran")
    expect(lab_page.get_by_role("button", name=OFFER)).to_have_count(0)


def test_scripts_run_too_when_the_notebook_is_opened_after_the_run(
    lab_page: Page, connect_agent: ConnectAgent
) -> None:
    agent = connect_agent(**RIGHTS)
    agent.say("use_notebook", notebook="trust-later.ipynb", create=True)
    agent.say("insert_execute_code_cell", source=SCRIPT, index=0)
    open_notebook(lab_page, "trust-later.ipynb")
    expect(outputs(lab_page, 1)).to_have_text("ran")


def test_late_trust_stops_no_output_and_writes_nothing(
    lab_page: Page, connect_agent: ConnectAgent, lab_server: LabServer
) -> None:
    agent = connect_agent(**RIGHTS)
    agent.say("use_notebook", notebook="trust-late.ipynb", create=True)
    open_notebook(lab_page, "trust-late.ipynb")
    # The page learns of the run only after its first output is drawn.
    held: list[Route] = []
    lab_page.route("**/jmcp-lab/api/state*", lambda route: held.append(route))
    go = lab_server.root / "go-trust-late"
    running = agent.start(
        "insert_execute_code_cell",
        index=0,
        source="from pathlib import Path\nimport time\n"
        "print('one')\n"
        f"while not Path('{go.name}').exists():\n    time.sleep(0.01)\n"
        "print('two')",
    )
    try:
        expect(outputs(lab_page, 1)).to_have_text("one\n")
        expect(outputs(lab_page, 1)).not_to_have_class(re.compile("jp-mod-trusted"))
        lab_page.evaluate(
            """() => {
              window.written = 0;
              const [cell] = window.jupyterapp.shell.currentWidget.model.sharedModel.cells;
              cell.ymodel.observeDeep((events, transaction) => {
                window.written += transaction.local;
              });
            }"""
        )
        assert held
        # Lets the held ones go.
        lab_page.unroute("**/jmcp-lab/api/state*")
        expect(outputs(lab_page, 1)).to_have_class(re.compile("jp-mod-trusted"))
    finally:
        go.touch()
    running.result(60)
    expect(prompt(lab_page, 1)).to_have_text(re.compile(r"^\[\d+\]:$"), timeout=DRAWN_MS)
    expect(outputs(lab_page, 1)).to_have_text("one\ntwo\n")
    assert lab_page.evaluate("window.written") == 0


def test_with_trust_off_scripts_wait_for_one_click(
    strict_page: Page, strict_server: LabServer
) -> None:
    page = strict_page
    with connected(page, strict_server, "Robot", **RIGHTS) as agent:
        agent.say("use_notebook", notebook="trust.ipynb", create=True)
        open_notebook(page, "trust.ipynb")
        agent.say("insert_execute_code_cell", source=SCRIPT, index=0)
        offer = page.get_by_role("button", name=OFFER)
        expect(outputs(page, 1)).to_have_text("waiting")
        # A click that no person made does nothing.
        offer.dispatch_event("click")
        expect(offer).to_be_visible()
        expect(outputs(page, 1)).to_have_text("waiting")
        offer.click()
        expect(outputs(page, 1)).to_have_text("ran")
        expect(offer).to_have_count(0)


def test_with_trust_off_a_cell_that_the_person_ran_loses_its_trust(
    strict_page: Page, strict_server: LabServer
) -> None:
    page = strict_page
    with connected(page, strict_server, "Robot", **RIGHTS) as agent:
        agent.say("use_notebook", notebook="trust-hand.ipynb", create=True)
        open_notebook(page, "trust-hand.ipynb")
        said = agent.say("insert_cell", source=SCRIPT, index=0)
        run_by_hand(page, 1)
        expect(outputs(page, 1)).to_have_text("ran")
        expect(prompt(page, 1)).to_have_text("[1]:")
        cell = re.search(r"id (\w+)", said)
        assert cell, said
        agent.say("execute_cell", cells=cell[1])
        expect(prompt(page, 1)).to_have_text("[2]:")
        expect(outputs(page, 1)).to_have_text("waiting")
        expect(page.get_by_role("button", name=OFFER)).to_be_visible()
