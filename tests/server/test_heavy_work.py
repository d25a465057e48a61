"""Heavy work is done one at a time, in order, and lets the event loop in."""

from __future__ import annotations

import asyncio
import sys
import threading
from concurrent.futures import ThreadPoolExecutor

import pytest

from jmcp_lab.server.heavy_work import SWITCH_SECONDS, alone, in_short_turns, in_turn

WAIT = 30


def test_turns_are_first_come_first_served() -> None:
    order: list[int] = []
    asked = [threading.Event() for _ in range(20)]
    go = threading.Event()

    def work(number: int) -> None:
        asked[number].set()
        in_turn(order.append, number)

    def first() -> None:
        asked[0].set()
        assert go.wait(WAIT)
        order.append(0)

    with ThreadPoolExecutor(20) as threads:
        waiting = [threads.submit(in_turn, first)]
        assert asked[0].wait(WAIT)
        for number in range(1, 20):
            before = _in_line()
            waiting.append(threads.submit(work, number))
            assert asked[number].wait(WAIT)
            _until_in_line(before + 1)
        go.set()
        for each in waiting:
            each.result(WAIT)
    assert order == list(range(20))


def _in_line() -> int:
    from jmcp_lab.server import heavy_work as heavy

    return len(heavy._line._waiting)


def _until_in_line(count: int) -> None:
    done = threading.Event()
    for _ in range(10_000):
        if _in_line() >= count:
            return
        done.wait(0.001)
    raise AssertionError("It did not ask for its turn")


def test_only_one_has_its_turn_at_a_time() -> None:
    inside: list[int] = []
    most: list[int] = []

    def work() -> None:
        inside.append(1)
        most.append(len(inside))
        inside.pop()

    with ThreadPoolExecutor(8) as threads:
        for each in [threads.submit(in_turn, work) for _ in range(500)]:
            each.result(WAIT)
    assert len(most) == 500
    assert set(most) == {1}


def test_an_exception_passes_the_turn_to_the_next() -> None:
    with pytest.raises(ZeroDivisionError):
        in_turn(lambda: 1 / 0)
    assert in_turn(lambda: 2) == 2


def test_threads_take_short_turns_only_while_there_is_heavy_work() -> None:
    usual = sys.getswitchinterval()
    with alone():
        assert sys.getswitchinterval() == pytest.approx(SWITCH_SECONDS)
        with ThreadPoolExecutor(1) as threads:
            inner = threads.submit(in_short_turns, sys.getswitchinterval)
            assert inner.result(WAIT) == pytest.approx(SWITCH_SECONDS)
        assert sys.getswitchinterval() == pytest.approx(SWITCH_SECONDS)
    assert sys.getswitchinterval() == pytest.approx(usual)


async def test_the_event_loop_continues_while_work_waits_for_its_turn() -> None:
    go = threading.Event()
    first = asyncio.create_task(asyncio.to_thread(in_turn, go.wait, WAIT))
    second = asyncio.create_task(asyncio.to_thread(in_turn, lambda: 2))
    for _ in range(100):
        await asyncio.sleep(0)
    assert not second.done()
    go.set()
    assert await first
    assert await second == 2
