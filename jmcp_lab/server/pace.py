"""Goes through many things on the event loop so that its other work has its turn in between.

A cell may be a line of text or a million numbers, and which it is shows only when it is read. So
the first part is one thing; then parts grow for as long as they are quick.
"""

from __future__ import annotations

import asyncio
import time
from typing import TYPE_CHECKING, TypeVar

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Sequence

TURN_SECONDS = 0.02
"""How long the event loop is held, as far as one thing takes no longer."""

MOST_GROWTH = 8
"""How many times as long as the last one a part may be."""

Thing = TypeVar("Thing")


async def in_turns(things: Sequence[Thing], most: int) -> AsyncIterator[Sequence[Thing]]:
    """Yield parts of a sequence, from its beginning to its end.

    Parameters
    ----------
    things : sequence
    most : int
        The longest part.
    """
    at, size = 0, 1
    turn = time.thread_time()
    while at < len(things):
        began = time.thread_time()
        yield things[at : at + size]
        at += size
        now = time.thread_time()
        # Each part has a cost of its own, so that they grow fast.
        longer = min(int(TURN_SECONDS / max(now - began, 1e-6)), MOST_GROWTH) or 1
        size = min(longer * size, most)
        if now - began > 2 * TURN_SECONDS:
            size = max(1, int(size * TURN_SECONDS / (now - began)))
        if now - turn > TURN_SECONDS and at < len(things):
            await asyncio.sleep(0)
            turn = time.thread_time()
