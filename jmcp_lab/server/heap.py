"""Gives memory that agents' work needed for a while back to the system."""

from __future__ import annotations

import asyncio
import ctypes
import os
from contextlib import suppress
from functools import cache
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable


SOON_SECONDS = 3.0
"""So long after a flood of output pages and the file have theirs, and its memory is free."""

WORK_SECONDS = 60.0
"""How often memory is given back while agents work: it takes a thread some milliseconds."""

ARENAS = 2

_ARENA_MAX = -8
"""``M_ARENA_MAX`` of glibc's ``malloc.h``."""


class Heap:
    """Gives memory back now and then while there is work, and once after it.

    Outputs, replies and updates of many sizes come and go in all threads. What stays of each holds
    a hole open: after half an hour of runs 60 MB of a server's 280 were holes.
    """

    def __init__(self) -> None:
        self._due: asyncio.TimerHandle | None = None

    def worked(self) -> None:
        """Note that something was done."""
        if self._due is not None:
            return
        # Before the server runs there is no loop, and nothing to give back.
        with suppress(RuntimeError):
            self._due = asyncio.get_running_loop().call_later(WORK_SECONDS, self._give_back)

    def _give_back(self) -> None:
        self._due = None
        asyncio.get_running_loop().run_in_executor(None, give_back)


def give_back_soon() -> None:
    """Give memory back in a moment, in a thread."""
    loop = asyncio.get_running_loop()
    loop.call_later(SOON_SECONDS, loop.run_in_executor, None, give_back)


def give_back() -> None:
    """Give free memory back, where the C library can be asked to; takes some milliseconds.

    Messages that come and go by the hundred thousand leave holes between what stays, and glibc
    keeps these for later: after each 100 MB of output the server was 60 to 130 MB larger.
    """
    trim = _malloc_trim()
    if trim is not None:
        trim(0)


def keep_few_arenas() -> None:
    """Let threads share two heaps, where the C library can be asked to.

    glibc gives threads up to eight heaps for each processor, so that they need not wait for each
    other, and each keeps holes of its own. Python's threads hardly ever allocate at the same time.
    With two the server grew by 144 MB while three agents read notebooks of 50 MB, and 18 MB of that
    stayed; with sixteen by 245 MB, and 74 MB stayed.
    """
    if "MALLOC_ARENA_MAX" in os.environ or "arena_max" in os.environ.get("GLIBC_TUNABLES", ""):
        # Somebody has decided.
        return
    # Other C libraries have no such function, or take no such parameter.
    with suppress(AttributeError, OSError, TypeError):
        ctypes.CDLL(None).mallopt(_ARENA_MAX, ARENAS)


@cache
def _malloc_trim() -> Callable[[int], int] | None:
    """Return the function of glibc; other C libraries have none and give back by themselves."""
    try:
        trim: Callable[[int], int] = ctypes.CDLL(None).malloc_trim
    except (AttributeError, OSError, TypeError):
        return None
    return trim
