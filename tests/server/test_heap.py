from __future__ import annotations

import asyncio
import ctypes

import pytest

from jmcp_lab.server import heap
from jmcp_lab.server.heap import Heap


async def test_memory_is_released_once_after_work_and_again_after_more(
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


def test_memory_can_be_released_on_every_system() -> None:
    heap.give_back()


def test_threads_share_two_heaps_unless_configured(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    asked: list[tuple[int, int]] = []

    class Library:
        @staticmethod
        def mallopt(what: int, value: int) -> None:
            asked.append((what, value))

    monkeypatch.setattr(ctypes, "CDLL", lambda _name: Library)
    monkeypatch.delenv("MALLOC_ARENA_MAX", raising=False)
    heap.keep_few_arenas()
    assert asked == [(-8, 2)]
    monkeypatch.setenv("MALLOC_ARENA_MAX", "4")
    heap.keep_few_arenas()
    monkeypatch.setattr(ctypes, "CDLL", lambda _name: object())
    monkeypatch.delenv("MALLOC_ARENA_MAX")
    heap.keep_few_arenas()
    assert len(asked) == 1
