"""What somebody who is no Jupyter server writes into the list of agents."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from jmcp_lab.agents.agent import Agent
from jmcp_lab.agents.modes import AUTO, EDIT, LOOK, MODES
from jmcp_lab.agents.offers import in_force, same
from jmcp_lab.agents.registry import AgentRegistry
from jmcp_lab.agents.tokens import hash_token, mint_token
from jmcp_lab.errors import ConflictError, InvalidArgumentError

LATER = "2099-01-01T00:00:00.000Z"


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "data" / "agents.json"


@pytest.fixture
def registry(path: Path) -> AgentRegistry:
    return AgentRegistry(path)


def soon(**span: float) -> str:
    return (datetime.now(UTC) + timedelta(**span)).isoformat(timespec="milliseconds")


def write(path: Path, change: Callable[[dict[str, Any]], None]) -> None:
    """Change the file as code in a kernel does."""
    data = json.loads(path.read_text())
    change(data)
    path.write_text(json.dumps(data))


def change_first(path: Path, **fields: Any) -> None:
    write(path, lambda data: data["agents"][0].update(fields))


LOOSER = [
    {"mode": "auto", "notebooks": ["**"], "until": LATER},
    {"mode": "auto", "notebooks": ["a.ipynb"], "until": "2h"},
    {"mode": "of-a-later-version"},
    {"notebooks": ["a.ipynb", "b.ipynb"]},
    {"notebooks": []},
    {"expires": LATER},
    {"expires": None},
    {"paused": False},
    {"label": "Someone else"},
    {"token_hash": hash_token(mint_token())},
]


@pytest.mark.parametrize("fields", LOOSER, ids=lambda fields: ",".join(fields))
@pytest.mark.parametrize("restarted", [False, True])
def test_a_looser_change_waits_and_has_no_effect(
    registry: AgentRegistry, path: Path, fields: dict[str, Any], restarted: bool
) -> None:
    agent, token = registry.add("Robot", notebooks=["a.ipynb"])
    registry.update(agent.id, paused=True)
    before = registry.get(agent.id)
    was = (before.mode, before.notebooks, before.until, before.expires, before.label)
    fields = dict(fields)
    if fields.get("until") == "2h":
        fields["until"] = soon(hours=2)
    change_first(path, **fields)
    server = AgentRegistry(path) if restarted else registry
    found = server.verify(token)
    assert found is not None
    expires = found.expires
    assert was[3] is not None
    assert expires is not None
    assert abs(expires - was[3]) < timedelta(seconds=1)
    assert (found.mode, found.notebooks, found.until, found.label) == (*was[:3], was[4])
    assert found.paused
    (offer,) = server.offers()
    assert offer.agent.id == agent.id
    assert offer.changes.keys() <= fields.keys()
    # A save for another reason neither takes it over nor loses it.
    server.hold(False)
    assert [each.id for each in AgentRegistry(path).offers()] == [offer.id]


def test_an_agent_that_nobody_connected_waits(registry: AgentRegistry, path: Path) -> None:
    registry.add("Robot")
    token = mint_token()

    def add(data: dict[str, Any]) -> None:
        new = {"id": "a_new", "label": "New", "token_hash": hash_token(token)}
        # Also with the seal of another one.
        data["agents"].append(data["agents"][0] | new)

    write(path, add)
    assert registry.verify(token) is None
    assert [agent.label for agent in registry.all()] == ["Robot"]
    (offer,) = registry.offers()
    assert offer.present is None
    registry.answer_offer(offer.id, accept=True)
    assert registry.verify(token) is not None
    assert registry.offers() == []
    assert AgentRegistry(path).verify(token) is not None


@pytest.mark.parametrize("restarted", [False, True])
@pytest.mark.parametrize(
    "fields",
    [
        {"mode": "look"},
        {"paused": True},
        {"expires": "soon"},
        {"notebooks": ["a.ipynb"]},
    ],
    ids=lambda fields: ",".join(fields),
)
def test_a_stricter_change_applies_at_once(
    registry: AgentRegistry, path: Path, fields: dict[str, Any], restarted: bool
) -> None:
    _, token = registry.add("Robot", notebooks=["a.ipynb", "b.ipynb"])
    fields = {key: soon(minutes=5) if value == "soon" else value for key, value in fields.items()}
    change_first(path, **fields)
    server = AgentRegistry(path) if restarted else registry
    found = server.verify(token)
    assert found is not None
    for name, value in fields.items():
        now = found.mode.value if name == "mode" else getattr(found, name)
        if name == "expires":
            assert now < datetime.now(UTC) + timedelta(minutes=6)
        else:
            assert now == (tuple(value) if isinstance(value, list) else value)
    assert server.offers() == []


@pytest.mark.parametrize("owner", ["bob", ""])
@pytest.mark.parametrize("restarted", [False, True])
def test_an_owner_written_from_outside_is_ignored(
    registry: AgentRegistry, path: Path, owner: str, restarted: bool
) -> None:
    agent, token = registry.add("Robot", LOOK, owner="ada")
    change_first(path, owner=owner)
    server = AgentRegistry(path) if restarted else registry
    found = server.verify(token)
    assert found is not None
    assert found.owner == "ada"
    # There is nothing to ask a person about, and nothing that comes with a yes to something else.
    assert server.offers() == []
    change_first(path, owner=owner, mode="edit")
    (offer,) = server.offers()
    assert offer.changes.keys() == {"mode"}
    server.answer_offer(offer.id, accept=True, owner="ada")
    assert (server.get(agent.id).mode, server.get(agent.id).owner) == (EDIT, "ada")
    # One that nobody let in belongs to who lets it in now.
    new = {"id": "a_new", "token_hash": hash_token(mint_token()), "owner": owner}
    write(path, lambda data: data["agents"].append(data["agents"][0] | new))
    (offer,) = server.offers()
    server.answer_offer(offer.id, accept=True, owner="ada")
    assert server.get("a_new").owner == AgentRegistry(path).get("a_new").owner == "ada"


def test_an_agent_that_is_removed_or_loses_its_token_is_disconnected(
    registry: AgentRegistry, path: Path
) -> None:
    _, first = registry.add("One")
    _, second = registry.add("Two")
    change_first(path, token_hash="")
    write(path, lambda data: data["agents"].pop(1))
    assert registry.verify(first) is None
    assert registry.verify(second) is None


@pytest.mark.parametrize("restarted", [False, True])
def test_only_a_server_can_resume_stopped_agents(
    registry: AgentRegistry, path: Path, restarted: bool
) -> None:
    registry.add("Robot")
    registry.hold(True)
    write(path, lambda data: data.update(stopped=False))
    server = AgentRegistry(path) if restarted else registry
    server.all()
    assert server.stopped
    server.hold(False)
    assert not AgentRegistry(path).stopped
    write(path, lambda data: data.update(stopped=True))
    server.all()
    assert server.stopped


def test_restoring_an_older_list_restores_no_permissions(
    registry: AgentRegistry, path: Path
) -> None:
    agent, token = registry.add("Robot")
    gone, old_token = registry.add("Gone")
    earlier = path.read_text()
    registry.update(agent.id, paused=True)
    registry.revoke(gone.id)
    registry.hold(True)
    path.write_text(earlier)
    found = registry.verify(token)
    assert found is not None
    assert found.paused
    assert registry.stopped
    assert registry.verify(old_token) is None
    # One record of that time among those of now, also over a restart.
    registry.hold(False)
    write(path, lambda data: data["agents"].__setitem__(0, json.loads(earlier)["agents"][0]))
    for server in (registry, AgentRegistry(path)):
        again = server.verify(token)
        assert again is None or again.paused


def test_an_entry_that_the_panel_could_not_make_can_only_be_discarded(
    registry: AgentRegistry, path: Path
) -> None:
    agent, token = registry.add("Robot")
    for fields in (
        {"mode": "auto", "notebooks": ["**"], "until": soon(hours=1)},
        {"mode": "auto", "notebooks": ["a.ipynb"], "until": LATER},
        {"mode": "edit", "notebooks": [], "until": None, "expires": LATER},
        {"mode": "edit", "expires": soon(days=3), "label": "X", "token_hash": "no hash"},
    ):
        change_first(path, **fields)
        (offer,) = registry.offers()
        with pytest.raises(InvalidArgumentError):
            registry.answer_offer(offer.id, accept=True)
        assert registry.offers()[0].id == offer.id
    registry.answer_offer(offer.id, accept=False)
    assert registry.offers() == []
    assert registry.get(agent.id).mode is EDIT
    again = AgentRegistry(path)
    assert again.offers() == []
    assert again.verify(token) is not None


def test_an_answer_applies_only_to_what_was_shown(registry: AgentRegistry, path: Path) -> None:
    registry.add("Robot", LOOK)
    change_first(path, mode="ask")
    (seen,) = registry.offers()
    change_first(path, mode="edit")
    with pytest.raises(ConflictError):
        registry.answer_offer(seen.id, accept=True)
    (offer,) = registry.offers()
    assert offer.agent.mode is EDIT
    registry.answer_offer(offer.id, accept=True)
    with pytest.raises(ConflictError):
        registry.answer_offer(offer.id, accept=True)
    assert registry.all()[0].mode is EDIT


def test_changes_by_another_server_apply_at_once_without_approval(
    registry: AgentRegistry, path: Path
) -> None:
    other = AgentRegistry(path)
    agent, token = other.add("Robot", LOOK)
    assert registry.verify(token) is not None
    registry.update(agent.id, mode="edit", notebooks=["a.ipynb", "b.ipynb"])
    other.verify(token)
    assert other.get(agent.id).mode is EDIT
    assert other.offers() == registry.offers() == []
    # What one of them let in, the other knows as well.
    change_first(path, mode="auto", until=soon(hours=1), notebooks=["a.ipynb"])
    (offer,) = other.offers()
    assert [each.id for each in registry.offers()] == [offer.id]
    registry.answer_offer(offer.id, accept=True)
    assert other.offers() == []
    other.all()
    assert other.get(agent.id).mode is AUTO


def test_without_the_key_every_entry_waits_after_a_restart(
    registry: AgentRegistry, path: Path
) -> None:
    _, token = registry.add("Robot")
    for key in path.parent.parent.glob("*.key"):
        key.unlink()
    # The server that runs knows what it knows.
    assert registry.verify(token) is not None
    again = AgentRegistry(path)
    assert again.verify(token) is None
    assert again.stopped
    (offer,) = again.offers()
    again.answer_offer(offer.id, accept=True)
    assert again.verify(token) is not None


NO_LISTS = ["[]", "{}", '{"version": 1, "agents": [1]}', "\udcff" * 3, "[" * 9]


@pytest.mark.parametrize("text", NO_LISTS)
def test_an_invalid_list_disconnects_no_agent(
    registry: AgentRegistry, path: Path, text: str
) -> None:
    _, token = registry.add("Robot")
    path.write_bytes(text.encode(errors="surrogateescape"))
    assert registry.verify(token) is not None


def test_a_list_with_too_many_agents_is_rejected(registry: AgentRegistry, path: Path) -> None:
    _, token = registry.add("Robot")
    write(
        path,
        lambda data: data["agents"].extend(
            data["agents"][0] | {"id": f"a_{number}"} for number in range(5000)
        ),
    )
    assert registry.verify(token) is not None
    assert registry.offers() == []


MOMENTS = st.sampled_from([datetime(2030, 1, day, tzinfo=UTC) for day in (1, 2, 3)])
AGENTS = st.builds(
    Agent,
    id=st.just("a_1"),
    label=st.sampled_from(["One", "Two"]),
    mode=st.sampled_from(list(MODES.values())),
    color=st.just(""),
    created=MOMENTS,
    token_hash=st.sampled_from(["", "1", "2"]),
    notebooks=st.sampled_from([(), ("a",), ("b",), ("a", "b")]),
    until=st.one_of(st.none(), st.just("stop"), MOMENTS),
    expires=st.one_of(st.none(), MOMENTS),
    paused=st.booleans(),
    owner=st.sampled_from(["", "ada", "bob"]),
)


@given(known=AGENTS, stored=AGENTS)
def test_no_stored_value_gives_an_agent_more_than_the_server_knows(
    known: Agent, stored: Agent
) -> None:
    now = in_force(known, stored)
    assert not known.mode.stricter_than(now.mode)
    assert (now.label, now.owner) == (known.label, known.owner)
    assert now.token_hash in ("", known.token_hash)
    assert now.paused or not known.paused
    assert known.expires is None or (now.expires is not None and now.expires <= known.expires)
    if known.notebooks:
        assert now.notebooks
        assert set(now.notebooks) <= set(known.notebooks)
    if now.mode is AUTO and isinstance(known.until, datetime):
        assert isinstance(now.until, datetime)
        assert now.until <= known.until
    # And once it counts, it does not change any more.
    assert same(in_force(now, stored), now)
