"""One list of agents, and several servers that write it at the same time."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule, run_state_machine_as_test

from jmcp_lab.agents.registry import AgentRegistry
from jmcp_lab.errors import NotFoundError, UnavailableError

PROGRAM = """
import sys
from pathlib import Path
from jmcp_lab.agents.registry import AgentRegistry
registry = AgentRegistry(Path(sys.argv[1]))
name, rounds = sys.argv[2], int(sys.argv[3])
sys.stdin.readline()
mine = []
for number in range(rounds):
    agent, token = registry.add(f"{name}-{number}")
    mine.append(agent)
    assert registry.verify(token) is agent
    registry.seen(agent, {"name": name, "version": "1"})
    if number % 2:
        registry.revoke(mine[number - 1].id)
    if number % 3 == 0:
        registry.update(agent.id, paused=True)
"""
ROUNDS = 12


def test_servers_that_add_and_revoke_at_the_same_time_lose_nothing(tmp_path: Path) -> None:
    path = tmp_path / "data" / "agents.json"
    names = ["a", "b", "c"]
    command = [sys.executable, "-c", PROGRAM, str(path)]
    running = [
        subprocess.Popen([*command, name, str(ROUNDS)], stdin=subprocess.PIPE) for name in names
    ]
    for process in running:
        assert process.stdin is not None
        process.stdin.write(b"go\n")
        process.stdin.close()
    assert [process.wait(120) for process in running] == [0] * len(names)
    stored = json.loads(path.read_text())["agents"]
    labels = sorted(record["label"] for record in stored)
    kept = [number for number in range(ROUNDS) if number % 2 or number == ROUNDS]
    assert labels == sorted(f"{name}-{number}" for name in names for number in kept)
    paused = sorted(record["label"] for record in stored if record["paused"])
    assert paused == sorted(f"{name}-{n}" for name in names for n in kept if n % 3 == 0)


class Servers(RuleBasedStateMachine):
    """Several registries of one file say the same, whoever did what."""

    folder: Path

    def __init__(self) -> None:
        super().__init__()
        number = len(list(self.folder.iterdir()))
        path = self.folder / str(number) / "agents.json"
        self.servers = [AgentRegistry(path) for _ in range(3)]
        self.tokens: dict[str, str] = {}
        self.paused: set[str] = set()
        self.stopped = False

    def some(self, which: int) -> str | None:
        ids = sorted(self.tokens)
        return ids[which % len(ids)] if ids else None

    @rule(server=st.integers(0, 2))
    def add(self, server: int) -> None:
        agent, token = self.servers[server].add("Robot")
        self.tokens[agent.id] = token

    @rule(server=st.integers(0, 2), which=st.integers(0, 9))
    def revoke(self, server: int, which: int) -> None:
        if (agent_id := self.some(which)) is not None:
            self.servers[server].revoke(agent_id)
            del self.tokens[agent_id]
            self.paused.discard(agent_id)

    @rule(server=st.integers(0, 2), which=st.integers(0, 9), paused=st.booleans())
    def pause(self, server: int, which: int, paused: bool) -> None:
        if (agent_id := self.some(which)) is not None:
            self.servers[server].update(agent_id, paused=paused)
            (self.paused.add if paused else self.paused.discard)(agent_id)

    @rule(server=st.integers(0, 2), stopped=st.booleans())
    def hold(self, server: int, stopped: bool) -> None:
        self.servers[server].hold(stopped)
        self.stopped = stopped

    @rule(server=st.integers(0, 2), which=st.integers(0, 9))
    def see(self, server: int, which: int) -> None:
        registry = self.servers[server]
        if (agent_id := self.some(which)) is not None:
            try:
                agent = registry.get(agent_id)
            except NotFoundError:
                return  # it has not looked since the agent was let in
            registry.seen(agent, {"name": f"client {which}"})

    @invariant()
    def all_say_the_same(self) -> None:
        for registry in self.servers:
            assert {agent.id for agent in registry.all()} == set(self.tokens)
            assert {agent.id for agent in registry.all() if agent.paused} == self.paused
            assert registry.stopped == self.stopped
            for agent_id, token in self.tokens.items():
                found = registry.verify(token)
                assert found is not None
                assert found.id == agent_id


def test_servers_with_the_same_root_agree_whichever_made_the_change(tmp_path: Path) -> None:
    Servers.folder = tmp_path
    run_state_machine_as_test(
        Servers, settings=settings(max_examples=25, stateful_step_count=15, deadline=None)
    )


def test_what_was_revoked_while_nothing_could_be_written_stays_revoked(tmp_path: Path) -> None:
    path = tmp_path / "agents" / "agents.json"
    one, other = AgentRegistry(path), AgentRegistry(path)
    gone, token = one.add("gone")
    path.parent.rename(tmp_path / "away")
    (tmp_path / "agents").write_text("no folder")
    with pytest.raises(UnavailableError, match="could not be written"):
        one.revoke(gone.id)
    (tmp_path / "agents").unlink()
    (tmp_path / "away").rename(path.parent)
    other.add("another")
    assert one.verify(token) is None
    one.add("third")
    assert other.verify(token) is None
