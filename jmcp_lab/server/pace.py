"""Process many items on the event loop with pauses for its other work.

A cell may be a line of text or a million numbers, and only reading it shows which. So the first
part is a single item, and parts grow for as long as they are quick.
"""

from __future__ import annotations

import asyncio
import time
from typing import TYPE_CHECKING, TypeVar

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Sequence

TURN_SECONDS = 0.02
"""Maximum seconds for which the event loop is blocked, unless a single item takes longer."""

MAX_GROWTH = 8
"""Maximum factor by which a part may be longer than the one before."""

PAUSE_SHARE = 0.25
"""Share of a turn's time for which the next turn waits."""

MAX_PAUSE = 0.05
"""Maximum seconds between two turns."""

Thing = TypeVar("Thing")


async def in_turns(things: Sequence[Thing], most: int) -> AsyncIterator[Sequence[Thing]]:
    """Yield consecutive parts of a sequence.

    Parameters
    ----------
    things : sequence
    most : int
        The maximum length of a part.
    """
    at, size = 0, 1
    turn = time.thread_time()
    while at < len(things):
        began = time.thread_time()
        yield things[at : at + size]
        at += size
        now = time.thread_time()
        # Each part has a fixed cost, so let them grow fast.
        longer = min(int(TURN_SECONDS / max(now - began, 1e-6)), MAX_GROWTH) or 1
        size = min(longer * size, most)
        if now - began > 2 * TURN_SECONDS:
            size = max(1, int(size * TURN_SECONDS / (now - began)))
        if now - turn > TURN_SECONDS and at < len(things):
            # A page's request takes about ten steps of the loop. If the next turn came after a
            # single one, each of these steps would wait for a whole turn.
            await asyncio.sleep(min((now - turn) * PAUSE_SHARE, MAX_PAUSE))
            turn = time.thread_time()
