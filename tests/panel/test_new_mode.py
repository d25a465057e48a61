"""A mode is one record: the interface, the policy and the agent's first call all ask the table."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest

from jmcp_lab.agents.modes import EDIT, MODES, Mode, Verdict, stored_mode
from jmcp_lab.agents.registry import AgentRegistry
from jmcp_lab.calls.call import Action, Call, CallState, Target, ToolClass
from jmcp_lab.errors import DeniedError
from jmcp_lab.permissions.policy import Subject, decide

from ..support.rest import Panel

MADE_UP = Mode(
    value="runner",
    label="Run freely, never edit",
    told="Runs happen at once; you may not edit.",
    rules=EDIT.rules | {"run": Verdict.ALLOW, "edit": Verdict.DENY},
)


@pytest.fixture
def made_up(monkeypatch: pytest.MonkeyPatch) -> Iterator[Mode]:
    """Add a mode to the table, and touch nothing else."""
    with monkeypatch.context() as table:
        table.setitem(MODES, MADE_UP.value, MADE_UP)
        yield MADE_UP


def action(kind: ToolClass) -> Action:
    return Action("t", kind, "Do it", Target("a.ipynb", file_id="f"))


async def permit(panel: Panel, agent_id: str, kind: ToolClass) -> Call:
    agent = panel.app.agents.get(agent_id)
    call = panel.app.ledger.open(agent.id, agent.label, "t", kind, {})
    panel.app.gate.admit(call, agent)
    async with asyncio.timeout(5):
        await panel.app.gate.permit(call, agent, lambda: action(kind))
    return call


async def test_a_new_mode_record_works_in_the_interface_and_the_policy(
    panel: Panel, made_up: Mode
) -> None:
    browser = await panel.browser()
    minted = await browser.post("agents", json={"label": "Robot", "mode": "runner"})
    assert minted.status_code == 201, minted.text
    (agent,) = (await browser.get("state")).json()["agents"]
    assert agent["mode"] == "runner"
    assert (await permit(panel, agent["id"], ToolClass.RUN)).state is CallState.RUNNING
    with pytest.raises(DeniedError, match="'Run freely, never edit', which does not allow editing"):
        await permit(panel, agent["id"], ToolClass.EDIT)
    known = await browser.post("agents", json={"label": "Robot", "mode": "root"})
    assert "look, ask, edit, auto, runner" in known.json()["message"]


async def test_a_person_changes_an_agent_to_a_new_mode_and_a_program_pairs_with_it(
    panel: Panel, made_up: Mode
) -> None:
    agent, _ = panel.app.agents.add("Robot")
    browser = await panel.browser()
    changed = await browser.patch(f"agents/{agent.id}", json={"mode": "runner"})
    assert changed.json()["mode"] == "runner"
    pairing = panel.app.pairings.ask("Client")
    choice = {"option": "allow_once", "label": "Client", "mode": "runner"}
    answer = await browser.post(f"pairing/{pairing.id}/decision", json=choice)
    assert answer.is_success, answer.text
    assert pairing.mode is made_up


async def test_a_new_mode_with_an_end_needs_what_its_record_requires(
    panel: Panel, monkeypatch: pytest.MonkeyPatch
) -> None:
    timed = replace(MADE_UP, after_end=EDIT, only_chosen=True)
    monkeypatch.setitem(MODES, timed.value, timed)
    browser = await panel.browser()
    wanted: dict[str, object] = {"label": "Robot", "mode": "runner"}
    assert "chosen notebooks" in (await browser.post("agents", json=wanted)).json()["message"]
    wanted["notebooks"] = ["a.ipynb"]
    assert "needs an end" in (await browser.post("agents", json=wanted)).json()["message"]
    wanted["until"] = "30m"
    assert (await browser.post("agents", json=wanted)).status_code == 201


async def test_an_agent_of_an_unknown_mode_is_shown_and_may_not_even_read(
    panel: Panel, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as newer:
        newer.setitem(MODES, MADE_UP.value, MADE_UP)
        agent, _ = panel.app.agents.add("Robot", MADE_UP)
    panel.app.agents = AgentRegistry(tmp_path / "agents" / "agents.json")
    (shown,) = (await (await panel.browser()).get("state")).json()["agents"]
    assert shown["mode"] == "runner"
    with pytest.raises(DeniedError, match="does not know this agent's mode 'runner'"):
        await permit(panel, agent.id, ToolClass.READ)


@pytest.mark.parametrize("kind", ToolClass)
def test_the_policy_allows_an_unknown_mode_nothing(kind: ToolClass) -> None:
    subject = Subject("a", stored_mode("of-a-later-version"))
    ruling = decide(subject, action(kind), [], datetime.now(UTC))
    assert ruling.verdict is Verdict.DENY
    assert "another mode" in ruling.reason
