"""Limits how many wrong tokens one address may try."""

from __future__ import annotations

import time
from collections import OrderedDict, deque
from collections.abc import Callable

MAX_WRONG_TOKENS = 200
"""Maximum of wrong tokens that an address may try within the window."""

WINDOW_SECONDS = 60.0
"""Seconds for which a wrong token counts."""

MAX_ADDRESSES = 1024
"""Maximum of addresses that are remembered; the least recent one is forgotten."""


class WrongTokens:
    """The wrong tokens of the last minute, by address.

    A right token is never counted and never refused, so nobody can lock the owner out.

    Parameters
    ----------
    limit : int, optional
        How many wrong tokens an address may try in a minute.
    clock : callable, optional
    """

    def __init__(
        self, limit: int = MAX_WRONG_TOKENS, *, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._limit = limit
        self._clock = clock
        self._tries: OrderedDict[str, deque[float]] = OrderedDict()

    def exceeded(self, address: str) -> bool:
        """Count a wrong token, and return whether the address has tried too many."""
        now = self._clock()
        tries = self._tries.setdefault(address, deque(maxlen=self._limit))
        self._tries.move_to_end(address)
        while len(self._tries) > MAX_ADDRESSES:
            self._tries.popitem(last=False)
        while tries and now - tries[0] > WINDOW_SECONDS:
            tries.popleft()
        if len(tries) >= self._limit:
            return True
        tries.append(now)
        return False
