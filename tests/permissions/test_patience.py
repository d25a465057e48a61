"""What a person said no to is not asked again, and who asks too much is stopped."""

from __future__ import annotations

import time
from pathlib import Path

import pytest

from jmcp_lab.calls.call import Call, CallState
from jmcp_lab.calls.ledger import KEPT
from jmcp_lab.errors import ConflictError, DeniedError
from jmcp_lab.permissions.denials import REPEAT

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


async def test_a_no_holds_for_ten_minutes_from_the_no_however_often_it_is_asked(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = await deny(house, "1 + 1")
    begun = time.monotonic()
    assert first.denied_until is not None
    for minutes in (1, 5, 9.9):
        monkeypatch.setattr(time, "monotonic", lambda m=minutes: begun + 60 * m)
        with pytest.raises(DeniedError, match="already said no"):
            await house.gate.permit(house.call(), house.agent, house.action, house)
    monkeypatch.setattr(time, "monotonic", lambda: begun + REPEAT.total_seconds() + 1)
    call = house.call()
    task = house.ask(call)
    await house.until(call, CallState.WAITING)
    house.gate.withdraw(call)
    with pytest.raises(DeniedError):
        await task


async def test_a_person_who_changed_their_mind_is_asked_again_for_that_and_nothing_else(
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
    with pytest.raises(DeniedError, match="already said no"):
        await house.gate.permit(house.call(), house.agent, house.action, house)
    assert first.repeats == 2


async def test_a_denied_request_is_counted_also_after_thousands_of_reads(house: House) -> None:
    first = await deny(house, "1")
    for _ in range(KEPT + 1):
        read = house.call()
        house.ledger.update(read, state=CallState.FAILED)
    with pytest.raises(DeniedError, match="already said no"):
        await house.gate.permit(house.call(), house.agent, house.action, house)
    assert house.ledger.get(first.id).repeats == 2
