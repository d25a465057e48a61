"""The gate alone, with a ledger and a registry that are real."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

import pytest

from jmcp_lab.agents.agent import Agent
from jmcp_lab.agents.modes import EDIT
from jmcp_lab.agents.registry import AgentRegistry
from jmcp_lab.calls.call import (
    Action,
    Call,
    CallState,
    DecisionSource,
    Preview,
    PreviewItem,
    Target,
    ToolClass,
)
from jmcp_lab.calls.ledger import Ledger
from jmcp_lab.errors import ConflictError, DeniedError, InvalidArgumentError, NotFoundError
from jmcp_lab.permissions.gate import Gate
from jmcp_lab.permissions.patience import PENDING_PER_AGENT
from jmcp_lab.permissions.pending import AlreadyWaitingError


class House:
    """A gate, one agent in mode edit, and a cell whose text is `text`."""

    def __init__(self, folder: Path, expiry: timedelta = timedelta(minutes=15)) -> None:
        self.ledger = Ledger()
        self.agents = AgentRegistry(folder / "agents.json")
        self.gate = Gate(self.ledger, self.agents, expiry=expiry)
        self.agent = self.agents.add("Ada's agent", EDIT)[0]
        self.text = "1 + 1"
        self.gone = False
        self.asked_to_write = asyncio.Event()
        self.writable = asyncio.Event()
        self.writable.set()
        self.listeners: list[Callable[[set[str]], None]] = []

    def call(self, agent: Agent | None = None) -> Call:
        agent = agent or self.agent
        return self.ledger.open(agent.id, agent.label, "execute_cell", ToolClass.RUN, {})

    def action(self) -> Action:
        if self.gone:
            raise NotFoundError("There is no such cell.")
        return Action(
            "execute_cell",
            ToolClass.RUN,
            "Run cell 1 in a.ipynb",
            Target("a.ipynb", ("c1",), (1,), "python3", "f1"),
            Preview("code", (PreviewItem("Cell 1", "c1", self.text),)),
        )

    def ask(self, call: Call) -> asyncio.Task[Action]:
        return asyncio.create_task(self.gate.permit(call, self.agent, self.action, self))

    async def until(self, call: Call, state: CallState) -> None:
        async with asyncio.timeout(5):
            while call.state is not state:
                await self.ledger.changed(call, call.seq)

    def write(self, text: str) -> None:
        self.text = text
        for listener in self.listeners:
            listener({"c1"})

    # the watched document
    def on_change(self, listener: Callable[[set[str]], None]) -> Callable[[], None]:
        self.listeners.append(listener)
        return lambda: self.listeners.remove(listener)

    async def look(self) -> None:
        self.asked_to_write.set()
        await self.writable.wait()


@pytest.fixture
def house(tmp_path: Path) -> House:
    return House(tmp_path)


async def test_an_allowed_call_runs_what_was_shown(house: House) -> None:
    call = house.call()
    task = house.ask(call)
    await house.until(call, CallState.WAITING)
    assert call.action_hash is not None
    house.gate.decide(call.id, "allow_once", call.action_hash, by="Ada")
    action = await task
    assert action.preview is not None
    assert action.preview.items[0].text == "1 + 1"
    assert call.decision is not None
    assert (call.decision.by, call.decision.source) == ("Ada", DecisionSource.USER)


async def test_a_second_decision_is_refused(house: House) -> None:
    call = house.call()
    task = house.ask(call)
    await house.until(call, CallState.WAITING)
    digest = str(call.action_hash)
    house.gate.decide(call.id, "allow_once", digest, by="Ada")
    with pytest.raises(ConflictError):
        house.gate.decide(call.id, "reject_once", digest, by="Grace")
    await task
    with pytest.raises(ConflictError):
        house.gate.decide(call.id, "allow_once", digest, by="Grace")


async def test_a_changed_text_is_shown_again_and_asks_again(house: House) -> None:
    call = house.call()
    task = house.ask(call)
    await house.until(call, CallState.WAITING)
    old = str(call.action_hash)
    house.write("2 + 2")
    with pytest.raises(ConflictError, match="changed"):
        house.gate.decide(call.id, "allow_once", old, by="Ada")
    assert call.changed
    assert call.action is not None
    assert call.action.preview is not None
    assert call.action.preview.items[0].text == "2 + 2"
    assert not task.done()
    house.gate.decide(call.id, "allow_once", str(call.action_hash), by="Ada")
    action = await task
    assert action.preview is not None
    assert action.preview.items[0].text == "2 + 2"


async def test_a_text_that_changes_between_the_click_and_the_run_asks_again(
    house: House,
) -> None:
    call = house.call()
    task = house.ask(call)
    await house.until(call, CallState.WAITING)
    house.gate.decide(call.id, "allow_once", str(call.action_hash), by="Ada")
    house.write("evil()")
    await house.until(call, CallState.WAITING)
    assert call.changed
    house.gate.decide(call.id, "reject_once", str(call.action_hash), by="Ada")
    with pytest.raises(DeniedError):
        await task


async def test_a_cell_deleted_and_restored_is_not_run_without_an_answer(
    house: House,
) -> None:
    call = house.call()
    task = house.ask(call)
    await house.until(call, CallState.WAITING)
    house.writable.clear()
    house.gone = True
    house.write("1 + 1")
    # The card cannot be drawn; before the tool can say so, the cell is there again.
    await house.asked_to_write.wait()
    house.gone = False
    asked = asyncio.create_task(house.ledger.changed(call, call.seq))
    house.writable.set()
    await asyncio.wait({task, asked}, return_when=asyncio.FIRST_COMPLETED)
    assert not task.done()
    assert call.state is CallState.WAITING
    house.gate.decide(call.id, "reject_once", str(call.action_hash), by="Ada")
    with pytest.raises(DeniedError):
        await task


async def test_a_denial_carries_the_persons_reason(house: House) -> None:
    call = house.call()
    task = house.ask(call)
    await house.until(call, CallState.WAITING)
    house.gate.decide(
        call.id, "reject_once", str(call.action_hash), reason="Use the mean.", by="Ada"
    )
    with pytest.raises(DeniedError, match=r"Use the mean\."):
        await task
    assert call.state is CallState.DENIED


async def test_only_offered_options_are_accepted(house: House) -> None:
    call = house.call()
    task = house.ask(call)
    await house.until(call, CallState.WAITING)
    for option, until in (("reject_always", None), ("allow_always", "8h"), ("yes", None)):
        with pytest.raises(InvalidArgumentError):
            house.gate.decide(call.id, option, str(call.action_hash), until=until, by="Ada")
    with pytest.raises(NotFoundError):
        house.gate.decide("c_never", "allow_once", str(call.action_hash), by="Ada")
    house.gate.withdraw(call)
    with pytest.raises(DeniedError):
        await task


async def test_allow_for_30_minutes_covers_runs_in_that_notebook_and_no_other(
    house: House,
) -> None:
    call = house.call()
    task = house.ask(call)
    await house.until(call, CallState.WAITING)
    house.gate.decide(call.id, "allow_always", str(call.action_hash), by="Ada")
    await task
    house.text = "3 + 3"
    second = house.call()
    await house.gate.permit(second, house.agent, house.action, house)
    assert second.decision is not None
    assert second.decision.source is DecisionSource.GRANT
    (grant,) = house.gate.grants.valid()
    house.gate.grants.revoke(grant.id)
    third = house.call()
    task = house.ask(third)
    await house.until(third, CallState.WAITING)
    house.gate.withdraw(third)
    with pytest.raises(DeniedError):
        await task


@pytest.mark.parametrize("strict", ["ask", "look"])
async def test_a_stricter_mode_ends_grants(house: House, strict: str) -> None:
    first = house.call()
    task = house.ask(first)
    await house.until(first, CallState.WAITING)
    house.gate.decide(first.id, "allow_always", str(first.action_hash), by="Ada")
    await task
    house.agents.update(house.agent.id, label="Still Ada's agent")
    assert house.gate.grants.valid()
    house.agents.update(house.agent.id, mode=strict)
    assert not house.gate.grants.valid()
    house.agents.update(house.agent.id, mode="edit")
    second = house.call()
    task = house.ask(second)
    await house.until(second, CallState.WAITING)
    house.gate.withdraw(second)
    with pytest.raises(DeniedError):
        await task


async def test_a_grant_allows_calls_that_already_wait(house: House) -> None:
    first = house.call()
    one = house.ask(first)
    await house.until(first, CallState.WAITING)
    house.text = "4 + 4"
    second = house.call()
    two = house.ask(second)
    await house.until(second, CallState.WAITING)
    house.gate.decide(second.id, "allow_always", str(second.action_hash), by="Ada")
    await two
    # The first card showed another text, which is drawn anew before the grant covers it.
    await one
    assert first.decision is not None
    assert first.decision.source is DecisionSource.GRANT


async def test_the_same_request_again_joins_the_one_that_waits(house: House) -> None:
    first = house.call()
    task = house.ask(first)
    await house.until(first, CallState.WAITING)
    with pytest.raises(AlreadyWaitingError) as joined:
        await house.gate.permit(house.call(), house.agent, house.action, house)
    assert joined.value.call is first
    house.gate.withdraw(first)
    with pytest.raises(DeniedError):
        await task


async def test_a_denied_request_is_not_asked_again_at_once(house: House) -> None:
    first = house.call()
    task = house.ask(first)
    await house.until(first, CallState.WAITING)
    house.gate.decide(first.id, "reject_once", str(first.action_hash), by="Ada")
    with pytest.raises(DeniedError):
        await task
    for _ in range(3):
        again = house.call()
        with pytest.raises(DeniedError, match="already denied"):
            await house.gate.permit(again, house.agent, house.action, house)
    assert first.repeats == 4
    assert again.decision is not None
    # What the agent is told is not for the person.
    assert again.decision.reason is None


async def test_an_agent_cannot_flood_a_person_with_requests(house: House) -> None:
    tasks = []
    for number in range(PENDING_PER_AGENT):
        house.text = str(number)
        call = house.call()
        tasks.append(house.ask(call))
        await house.until(call, CallState.WAITING)
    house.text = "one more"
    with pytest.raises(DeniedError, match="already waiting"):
        await house.gate.permit(house.call(), house.agent, house.action, house)
    assert house.gate.deny_waiting(house.agent.id, "Ada") == PENDING_PER_AGENT
    await asyncio.gather(*tasks, return_exceptions=True)


async def test_a_pause_denies_waiting_requests(house: House) -> None:
    call = house.call()
    task = house.ask(call)
    await house.until(call, CallState.WAITING)
    house.agents.update(house.agent.id, paused=True)
    with pytest.raises(DeniedError, match="paused"):
        await task


async def test_a_stricter_mode_denies_waiting_requests(house: House) -> None:
    call = house.call()
    task = house.ask(call)
    await house.until(call, CallState.WAITING)
    house.agents.update(house.agent.id, mode="look")
    with pytest.raises(DeniedError, match="Look only"):
        await task


async def test_no_answer_never_counts_as_approval(tmp_path: Path) -> None:
    house = House(tmp_path, expiry=timedelta(milliseconds=20))
    call = house.call()
    with pytest.raises(DeniedError, match="Nobody answered"):
        await house.gate.permit(call, house.agent, house.action, house)
    assert call.decision is not None
    assert call.decision.source is DecisionSource.EXPIRED


async def test_many_simultaneous_decisions_allow_once(house: House) -> None:
    call = house.call()
    task = house.ask(call)
    await house.until(call, CallState.WAITING)
    digest = str(call.action_hash)

    async def decide(name: str) -> bool:
        try:
            house.gate.decide(call.id, "allow_once", digest, by=name)
        except ConflictError:
            return False
        return True

    results = await asyncio.gather(*(decide(f"p{number}") for number in range(50)))
    assert sum(results) == 1
    await task
