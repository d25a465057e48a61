from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from jmcp_lab.server.pace import in_turns

if TYPE_CHECKING:
    import pytest


def parts_of(
    things: list[int], most: int, costs: dict[int, float], clock: Clock
) -> list[list[int]]:
    async def work() -> list[list[int]]:
        found = []
        async for part in in_turns(things, most):
            clock.now += sum(costs.get(thing, 0.0) for thing in part)
            found.append(list(part))
        return found

    return asyncio.run(work())


class Clock:
    now = 0.0

    def __call__(self) -> float:
        return self.now


def test_parts_grow_while_they_are_quick_and_shrink_where_they_are_slow(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    clock = Clock()
    monkeypatch.setattr("time.thread_time", clock)
    things = list(range(100))
    quick = parts_of(things, 16, {}, clock)
    assert [len(part) for part in quick] == [1, 8, 16, 16, 16, 16, 16, 11]
    slow = parts_of(things[:12], 16, dict.fromkeys(range(3, 12), 0.1), clock)
    assert [thing for part in quick for thing in part] == things
    assert [len(part) for part in slow] == [1, 8, 1, 1, 1]


def test_others_get_their_turn_only_after_a_while(monkeypatch: pytest.MonkeyPatch) -> None:
    clock = Clock()
    monkeypatch.setattr("time.thread_time", clock)
    slept: list[float] = []
    sleep = asyncio.sleep

    async def slower(seconds: float) -> None:
        slept.append(clock.now)
        await sleep(seconds)

    monkeypatch.setattr("asyncio.sleep", slower)
    parts_of(list(range(1000)), 100, {}, clock)
    assert slept == []
    parts_of([0, 1], 100, {0: 1.0, 1: 1.0}, clock)
    # Not after the last part: nobody waits for anything then.
    assert slept == [1.0]
