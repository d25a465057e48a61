from __future__ import annotations

import asyncio

import pytest

from jmcp_lab import heap
from jmcp_lab.heap import Heap


async def test_memory_is_given_back_once_for_all_that_was_done_and_again_after_more(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    given = asyncio.Queue[None]()
    loop = asyncio.get_running_loop()

    def give_back() -> None:
        loop.call_soon_threadsafe(given.put_nowait, None)

    monkeypatch.setattr(heap, "give_back", give_back)
    monkeypatch.setattr(heap, "WORK_SECONDS", 0)
    memory = Heap()
    for _ in range(3):
        memory.worked()
    await asyncio.wait_for(given.get(), 30)
    memory.worked()
    await asyncio.wait_for(given.get(), 30)
    assert given.empty()


def test_work_before_the_server_runs_needs_no_loop() -> None:
    Heap().worked()


def test_memory_can_be_given_back_on_every_system() -> None:
    heap.give_back()
