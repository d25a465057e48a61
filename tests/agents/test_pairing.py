"""Programs that ask to be let in, and what becomes of them."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from jmcp_lab.agents.pairing import MAX_WAITING, PATIENCE, Pairings
from jmcp_lab.agents.registry import AgentRegistry
from jmcp_lab.errors import (
    ConflictError,
    DeniedError,
    InvalidArgumentError,
    NotFoundError,
    UnavailableError,
)

from .test_registry import Clock


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def registry(tmp_path: Path, clock: Clock) -> AgentRegistry:
    return AgentRegistry(tmp_path / "agents.json", clock=clock)


@pytest.fixture
def pairings(registry: AgentRegistry, clock: Clock) -> Pairings:
    return Pairings(registry, clock=clock)


async def test_an_accepted_program_gets_its_token_once(
    pairings: Pairings, registry: AgentRegistry
) -> None:
    asked = pairings.ask("Claude Code")
    assert pairings.take(asked.secret) is True
    waiting = asyncio.create_task(pairings.answered(asked.secret, 10))
    await asyncio.sleep(0)
    pairings.allow(asked.id, label="Ada's Claude", mode="ask")
    assert pairings.waiting() == []
    await waiting
    # Nobody is an agent who has not come for the token.
    assert registry.all() == []
    token = pairings.take(asked.secret)
    assert isinstance(token, str)
    [agent] = registry.all()
    assert (agent.label, agent.mode.value) == ("Ada's Claude", "ask")
    assert registry.verify(token) is agent
    with pytest.raises(NotFoundError):
        pairings.take(asked.secret)


async def test_what_the_panel_shows_of_a_program_gives_no_token(pairings: Pairings) -> None:
    asked = pairings.ask("Claude Code")
    pairings.allow(asked.id)
    for guess in (asked.id, "", "é", asked.secret[:-1]):
        with pytest.raises(NotFoundError):
            pairings.take(guess)


async def test_the_user_is_not_asked_again_soon_about_a_rejected_client(
    pairings: Pairings, clock: Clock
) -> None:
    asked = pairings.ask("Claude Code")
    pairings.turn_away(asked.id)
    await pairings.answered(asked.secret, 10)
    assert pairings.take(asked.secret) is False
    with pytest.raises(DeniedError, match="did not let Claude Code in"):
        pairings.ask("Claude\u200b Code")
    assert pairings.ask("Cursor").client == "Cursor"
    clock.forward(minutes=11)
    assert pairings.ask("Claude Code").client == "Claude Code"


async def test_a_program_that_was_stopped_in_between_finds_the_answer_when_it_returns(
    pairings: Pairings, clock: Clock
) -> None:
    asked = pairings.ask("Codex")
    clock.forward(minutes=14)
    pairings.allow(asked.id)
    clock.forward(minutes=14)
    assert isinstance(pairings.take(asked.secret), str)


async def test_a_question_that_nobody_answers_expires(pairings: Pairings, clock: Clock) -> None:
    asked = pairings.ask("Codex")
    clock.forward(minutes=16)
    assert pairings.waiting() == []
    with pytest.raises(NotFoundError):
        pairings.take(asked.secret)
    with pytest.raises(NotFoundError):
        pairings.allow(asked.id)


async def test_a_question_answered_in_one_window_cannot_be_answered_in_another(
    pairings: Pairings,
) -> None:
    asked = pairings.ask("Codex")
    pairings.turn_away(asked.id)
    with pytest.raises(ConflictError):
        pairings.allow(asked.id)


async def test_a_wrong_answer_changes_nothing(pairings: Pairings) -> None:
    asked = pairings.ask("Codex")
    for wrong in (
        {"mode": "root"},
        {"mode": "auto"},
        {"mode": "auto", "notebooks": ["*"], "until": "2h"},
        {"mode": "auto", "notebooks": ["a.ipynb"], "until": "9h"},
        {"label": ["x"]},
        {"notebooks": "a.ipynb"},
    ):
        with pytest.raises(InvalidArgumentError):
            pairings.allow(asked.id, **wrong)
    assert pairings.waiting() == [asked]
    pairings.allow(asked.id, mode="auto", notebooks=["a.ipynb"], until="2h")
    assert isinstance(pairings.take(asked.secret), str)


async def test_nobody_can_fill_the_panel_with_programs(pairings: Pairings) -> None:
    for number in range(MAX_WAITING):
        pairings.ask(f"Program {number}")
    with pytest.raises(UnavailableError):
        pairings.ask("One more")
    for wrong in ("", " \n", "\u202e", None, 7, {}):
        with pytest.raises(InvalidArgumentError):
            pairings.ask(wrong)


async def test_unanswered_programs_make_room_for_new_ones(pairings: Pairings, clock: Clock) -> None:
    crowd = [pairings.ask(f"Program {number}") for number in range(MAX_WAITING)]
    waiting = asyncio.create_task(pairings.answered(crowd[0].secret, 10))
    await asyncio.sleep(0)
    clock.now += PATIENCE
    mine = pairings.ask("Mine")
    assert pairings.waiting() == [*crowd[1:], mine]
    await waiting
    with pytest.raises(NotFoundError):
        pairings.take(crowd[0].secret)


async def test_a_program_keeps_waiting_when_it_cannot_become_an_agent(
    pairings: Pairings, registry: AgentRegistry, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = pairings.ask("Codex")
    pairings.allow(asked.id)

    def full(*_: object, **__: object) -> None:
        raise UnavailableError("The list of agents cannot be written.")

    with monkeypatch.context() as broken:
        broken.setattr(registry, "add", full)
        with pytest.raises(UnavailableError):
            pairings.take(asked.secret)
    assert isinstance(pairings.take(asked.secret), str)
