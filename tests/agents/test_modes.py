"""A mode that another version wrote costs the agent that has it, and nobody else."""

from __future__ import annotations

import json
import re
import runpy
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from jmcp_lab.agents.modes import EDIT, LOOK, MODES, Mode, stored_mode
from jmcp_lab.agents.registry import AgentRegistry
from jmcp_lab.errors import InvalidArgumentError

ROOT = Path(__file__).parents[2]

LATER = Mode("later", "Work later", "Later.", EDIT.rules, only_chosen=True, after_end=EDIT)
"""A mode that only the newer of two versions has."""


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "data" / "agents.json"


@pytest.fixture
def tokens(path: Path, monkeypatch: pytest.MonkeyPatch) -> dict[str, str]:
    """Let a newer version add three agents, one of them in its new mode; return their tokens."""
    with monkeypatch.context() as newer:
        newer.setitem(MODES, LATER.value, LATER)
        registry = AgentRegistry(path)
        return {
            "first": registry.add("first")[1],
            "later": registry.add("later", LATER, notebooks=["a.ipynb"], until="2h")[1],
            "last": registry.add("last", LOOK)[1],
        }


def stored(path: Path, label: str) -> dict[str, object]:
    (found,) = (each for each in json.loads(path.read_text())["agents"] if each["label"] == label)
    return found


def test_an_unknown_mode_in_the_list_affects_only_that_agent(
    path: Path, tokens: dict[str, str]
) -> None:
    registry = AgentRegistry(path)
    assert [each.mode.value for each in registry.all()] == ["edit", "later", "look"]
    assert [each.mode.known for each in registry.all()] == [True, False, True]
    assert registry.offers() == []
    assert not path.with_name("agents.json.unreadable").exists()
    for label, token in tokens.items():
        agent = registry.verify(token)
        assert agent is not None
        assert agent.label == label


def test_an_agent_with_an_unknown_mode_is_saved_unchanged_and_works_again_in_its_own_version(
    path: Path, tokens: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    before = stored(path, "later")
    older = AgentRegistry(path)
    older.add("another")
    older.update(older.all()[0].id, paused=True)
    unsealed = {"sealed": None}
    assert stored(path, "later") | unsealed == before | unsealed
    with monkeypatch.context() as newer:
        newer.setitem(MODES, LATER.value, LATER)
        agent = AgentRegistry(path).verify(tokens["later"])
        assert agent is not None
        assert agent.mode is LATER
        assert agent.until is not None


def test_the_end_time_of_an_unknown_mode_does_not_make_it_a_known_mode(
    path: Path, tokens: dict[str, str]
) -> None:
    clock = datetime.now(UTC)
    registry = AgentRegistry(path, clock=lambda: clock)
    assert len(registry.all()) == 3
    clock += timedelta(hours=3)
    agent = registry.verify(tokens["later"])
    assert agent is not None
    assert not agent.mode.known


def test_a_person_can_give_an_agent_with_an_unknown_mode_a_known_one(
    path: Path, tokens: dict[str, str]
) -> None:
    registry = AgentRegistry(path)
    agent = registry.verify(tokens["later"])
    assert agent is not None
    registry.update(agent.id, paused=True)
    assert (agent.mode.value, agent.mode.known) == ("later", False)
    with pytest.raises(InvalidArgumentError, match="look, ask, edit, auto"):
        registry.update(agent.id, mode="later")
    registry.update(agent.id, mode="look", paused=False)
    assert agent.mode is LOOK
    assert agent.until is None


def test_an_unknown_mode_written_from_outside_cannot_be_accepted(
    path: Path, tokens: dict[str, str]
) -> None:
    registry = AgentRegistry(path)
    data = json.loads(path.read_text())
    data["agents"][0]["mode"] = "later"
    path.write_text(json.dumps(data))
    (offer,) = registry.offers()
    assert registry.get(offer.agent.id).mode is EDIT
    with pytest.raises(InvalidArgumentError, match="does not know the mode 'later'"):
        registry.answer_offer(offer.id, accept=True)


@pytest.mark.parametrize("value", [None, 7, "", "two words", "x" * 41])
def test_a_value_that_cannot_be_a_mode_in_any_version_is_rejected(value: object) -> None:
    with pytest.raises(ValueError, match="no mode"):
        stored_mode(value)


def test_each_mode_has_a_rule_for_every_kind_of_action() -> None:
    for mode in MODES.values():
        assert mode.rules.keys() == LOOK.rules.keys()
        assert mode.label
        assert mode.told
        assert mode.after_end is None or not mode.after_end.ends


def test_the_table_of_modes_in_the_readme_matches_the_code() -> None:
    script = runpy.run_path(str(ROOT / "scripts" / "update_readme.py"))
    readme = (ROOT / "README.md").read_text()
    assert script["between"](readme, "modes", script["modes_table"]()) == readme


def test_the_panel_has_the_same_modes_in_the_same_order_under_the_same_labels() -> None:
    text = (ROOT / "src" / "model" / "modes.ts").read_text()
    records = re.findall(
        r"value: '([^']+)',\s+label: trans => trans\.__\('([^']+)'\),.*?bounded: (true|false)",
        text,
        re.DOTALL,
    )
    assert records == [
        (mode.value, mode.label, "true" if mode.only_chosen or mode.ends else "false")
        for mode in MODES.values()
    ]
