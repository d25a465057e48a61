"""Gives memory that a flood of output needed back to the system."""

from __future__ import annotations

import asyncio
import ctypes
from functools import cache
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable


SOON_SECONDS = 3.0
"""So long after a flood of output pages and the file have theirs, and its memory is free."""


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


@cache
def _malloc_trim() -> Callable[[int], int] | None:
    """Return the function of glibc; other C libraries have none and give back by themselves."""
    try:
        trim: Callable[[int], int] = ctypes.CDLL(None).malloc_trim
    except (AttributeError, OSError, TypeError):
        return None
    return trim
