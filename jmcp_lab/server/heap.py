"""Return memory that agents' work needed for a while to the system."""

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
"""Seconds after a flood of output until pages and the file have it, and its memory is free."""

WORK_SECONDS = 60.0
"""Seconds between two trims while agents work; a trim takes a thread some milliseconds."""

ARENAS = 2

_ARENA_MAX = -8
"""Value of ``M_ARENA_MAX`` in glibc's ``malloc.h``."""


class Heap:
    """Returns memory to the system from time to time during work, and once after it.

    Outputs, replies and updates of many sizes come and go in all threads, and what stays of each
    keeps a hole open. After half an hour of runs, 60 MB of a server's 280 MB were holes.
    """

    def __init__(self) -> None:
        self._due: asyncio.TimerHandle | None = None

    def worked(self) -> None:
        """Record that some work was done."""
        if self._due is not None:
            return
        # Before the server runs, there is no event loop, and no memory to return.
        with suppress(RuntimeError):
            self._due = asyncio.get_running_loop().call_later(WORK_SECONDS, self._give_back)

    def _give_back(self) -> None:
        self._due = None
        asyncio.get_running_loop().run_in_executor(None, give_back)


def give_back_soon() -> None:
    """Return memory to the system shortly, in a thread."""
    loop = asyncio.get_running_loop()
    loop.call_later(SOON_SECONDS, loop.run_in_executor, None, give_back)


def give_back() -> None:
    """Return free memory to the system if the C library supports it; takes some milliseconds.

    Hundreds of thousands of short-lived messages leave holes between what stays, and glibc keeps
    these for later use. After each 100 MB of output, the server was 60 to 130 MB larger.
    """
    trim = _malloc_trim()
    if trim is not None:
        trim(0)


def keep_few_arenas() -> None:
    """Make threads share two arenas if the C library supports it.

    glibc gives threads up to eight arenas for each processor, so that they need not wait for each
    other, and each arena keeps holes of its own. Python's threads hardly ever allocate at the same
    time. While three agents read notebooks of 50 MB, the server grew by 144 MB with two arenas, and
    18 MB of that stayed. With sixteen arenas it grew by 245 MB, and 74 MB stayed.
    """
    if "MALLOC_ARENA_MAX" in os.environ or "arena_max" in os.environ.get("GLIBC_TUNABLES", ""):
        # An administrator has set this already.
        return
    # Other C libraries lack this function, or do not accept the parameter.
    with suppress(AttributeError, OSError, TypeError):
        ctypes.CDLL(None).mallopt(_ARENA_MAX, ARENAS)


@cache
def _malloc_trim() -> Callable[[int], int] | None:
    """Return glibc's function; other C libraries have none and return memory by themselves."""
    try:
        trim: Callable[[int], int] = ctypes.CDLL(None).malloc_trim
    except (AttributeError, OSError, TypeError):
        return None
    return trim
