"""A card that takes long to draw does not hold the server up while a person types."""

from __future__ import annotations

import asyncio
import time
from pathlib import Path

import pytest

from jmcp_lab.calls.call import Action, CallState
from jmcp_lab.errors import ConflictError

from .test_gate import House


class Slow(House):
    """A house whose action takes a while of the loop's time to work out."""

    draws = 0

    def action(self) -> Action:
        self.draws += 1
        end = time.thread_time() + 0.02
        while time.thread_time() < end:
            pass
        return super().action()


async def test_a_slow_card_is_not_updated_at_each_key_and_ends_up_current(
    tmp_path: Path,
) -> None:
    house = Slow(tmp_path)
    call = house.call()
    task = house.ask(call)
    await house.until(call, CallState.WAITING)
    house.write("first")
    await _drawn(house, 2)
    for key in range(100):
        house.write(f"key {key}")
        await asyncio.sleep(0)
    assert house.draws == 2
    await _drawn(house, 3)
    assert call.action is not None
    assert call.action.preview is not None
    assert call.action.preview.items[0].text == "key 99"
    task.cancel()


async def test_an_outdated_slow_card_cannot_be_approved(tmp_path: Path) -> None:
    house = Slow(tmp_path)
    call = house.call()
    task = house.ask(call)
    await house.until(call, CallState.WAITING)
    house.write("first")
    await _drawn(house, 2)
    shown = str(call.action_hash)
    house.write("something else")
    with pytest.raises(ConflictError, match="changed"):
        house.gate.decide(call.id, "allow_once", shown, by="Ada")
    assert not task.done()
    house.gate.decide(call.id, "allow_once", str(call.action_hash), by="Ada")
    action = await task
    assert action.preview is not None
    assert action.preview.items[0].text == "something else"


async def _drawn(house: Slow, draws: int) -> None:
    async with asyncio.timeout(20):
        while house.draws < draws:  # noqa: ASYNC110 - nobody is told of it
            await asyncio.sleep(0.01)
