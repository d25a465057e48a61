"""What a person said no to is not asked again, and who asks too much is stopped."""

from __future__ import annotations

import time
from pathlib import Path

import pytest

from jmcp_lab.calls.call import Call, CallState
from jmcp_lab.calls.ledger import KEPT
from jmcp_lab.errors import ConflictError, DeniedError
from jmcp_lab.permissions.patience import MAX_DENIALS, MAX_REQUESTS, REQUESTS_SECONDS
from jmcp_lab.permissions.recent_denials import REPEAT

from .test_gate import House


@pytest.fixture
def house(tmp_path: Path) -> House:
    return House(tmp_path)


async def deny(house: House, text: str) -> Call:
    house.text = text
    call = house.call()
    task = house.ask(call)
    await house.until(call, CallState.WAITING)
    house.gate.decide(call.id, "reject_once", str(call.action_hash), by="Ada")
    with pytest.raises(DeniedError):
        await task
    return call


async def test_a_denial_lasts_ten_minutes_however_often_the_agent_asks(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = await deny(house, "1 + 1")
    begun = time.monotonic()
    assert first.denied_until is not None
    for minutes in (1, 5, 9.9):
        monkeypatch.setattr(time, "monotonic", lambda m=minutes: begun + 60 * m)
        with pytest.raises(DeniedError, match="already denied"):
            await house.gate.permit(house.call(), house.agent, house.action, house)
    monkeypatch.setattr(time, "monotonic", lambda: begun + REPEAT.total_seconds() + 1)
    call = house.call()
    task = house.ask(call)
    await house.until(call, CallState.WAITING)
    house.gate.withdraw(call)
    with pytest.raises(DeniedError):
        await task


async def test_ask_me_again_applies_only_to_that_request(
    house: House,
) -> None:
    first, second = await deny(house, "1"), await deny(house, "2")
    with pytest.raises(DeniedError, match="press 'Ask me again'"):
        await house.gate.permit(house.call(), house.agent, house.action, house)
    house.gate.patience.ask_again(second.id)
    assert second.denied_until is None
    call = house.call()
    task = house.ask(call)
    await house.until(call, CallState.WAITING)
    house.gate.withdraw(call)
    with pytest.raises(DeniedError):
        await task
    with pytest.raises(ConflictError):
        house.gate.patience.ask_again(second.id)
    house.text = "1"
    with pytest.raises(DeniedError, match="already denied"):
        await house.gate.permit(house.call(), house.agent, house.action, house)
    assert first.repeats == 2


async def test_repeats_of_a_denied_request_are_counted_after_thousands_of_reads(
    house: House,
) -> None:
    first = await deny(house, "1")
    for _ in range(KEPT + 1):
        read = house.call()
        house.ledger.update(read, state=CallState.FAILED)
    with pytest.raises(DeniedError, match="already denied"):
        await house.gate.permit(house.call(), house.agent, house.action, house)
    assert house.ledger.get(first.id).repeats == 2


async def allow(house: House, text: str) -> None:
    house.text = text
    call = house.call()
    task = house.ask(call)
    await house.until(call, CallState.WAITING)
    house.gate.decide(call.id, "allow_once", str(call.action_hash), by="Ada")
    await task


async def test_three_denials_in_a_row_pause_the_agent_and_deny_its_requests(house: House) -> None:
    house.text = "waits"
    waiting = house.call()
    task = house.ask(waiting)
    await house.until(waiting, CallState.WAITING)
    for number in range(MAX_DENIALS):
        assert not house.agent.paused
        await deny(house, str(number))
    assert house.agent.paused
    with pytest.raises(DeniedError, match="said no to 3 of your requests in a row"):
        await task
    with pytest.raises(DeniedError, match="They can resume you"):
        house.gate.admit(house.call(), house.agent)
    assert house.gate.patience.why_paused(house.agent.id) == "denials"
    house.agents.update(house.agent.id, paused=False)
    assert house.gate.patience.why_paused(house.agent.id) is None
    # It begins anew.
    await deny(house, "again")
    assert not house.agent.paused


async def test_an_approval_resets_the_count_of_denials(house: House) -> None:
    for text in "abcd":
        await deny(house, text)
        await deny(house, text * 2)
        await allow(house, text * 3)
    assert not house.agent.paused


async def test_repeating_the_same_request_counts_as_one_denial(house: House) -> None:
    await deny(house, "1")
    for _ in range(10):
        with pytest.raises(DeniedError, match="already denied"):
            await house.gate.permit(house.call(), house.agent, house.action, house)
    assert not house.agent.paused


async def test_denials_of_one_agent_do_not_pause_another(house: House) -> None:
    other = house.agents.add("Grace's agent")[0]
    for number in range(MAX_DENIALS):
        await deny(house, str(number))
    assert house.agent.paused
    assert not other.paused


async def test_an_agent_that_asks_more_than_twenty_times_in_a_minute_is_paused(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    begun = time.monotonic()
    monkeypatch.setattr(time, "monotonic", lambda: begun)
    for number in range(MAX_REQUESTS):
        await allow(house, str(number))
    monkeypatch.setattr(time, "monotonic", lambda: begun + REQUESTS_SECONDS + 1)
    await allow(house, "a minute later")
    for number in range(MAX_REQUESTS - 1):
        await allow(house, f"again {number}")
    house.text = "one too many"
    with pytest.raises(DeniedError, match="asked more than 20 times in a minute"):
        await house.gate.permit(house.call(), house.agent, house.action, house)
    assert house.agent.paused
    assert house.gate.patience.why_paused(house.agent.id) == "flood"


async def test_pausing_an_agent_does_not_count_as_a_denial(house: House) -> None:
    house.agents.update(house.agent.id, paused=True)
    with pytest.raises(DeniedError, match="The user has paused you"):
        house.gate.admit(house.call(), house.agent)
    assert house.gate.patience.why_paused(house.agent.id) is None


async def test_stopping_a_request_counts_as_a_denial(house: House) -> None:
    for number in range(MAX_DENIALS):
        assert not house.agent.paused
        house.text = str(number)
        call = house.call()
        task = house.ask(call)
        await house.until(call, CallState.WAITING)
        assert house.gate.stop_request(call, "Ada")
        with pytest.raises(DeniedError, match="The user stopped this"):
            await task
        if number == 0:
            with pytest.raises(DeniedError, match="already denied"):
                await house.gate.permit(house.call(), house.agent, house.action, house)
    assert house.agent.paused
