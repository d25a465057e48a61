"""How many wrong tokens one address may try."""

from __future__ import annotations

import time
from collections import OrderedDict, deque
from collections.abc import Callable

WRONG_TOKENS = 200
WINDOW = 60.0
MOST_ADDRESSES = 1024


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
        self, limit: int = WRONG_TOKENS, *, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._limit = limit
        self._clock = clock
        self._tries: OrderedDict[str, deque[float]] = OrderedDict()

    def exceeded(self, address: str) -> bool:
        """Count a wrong token; return whether the address has tried too many."""
        now = self._clock()
        tries = self._tries.setdefault(address, deque(maxlen=self._limit))
        self._tries.move_to_end(address)
        while len(self._tries) > MOST_ADDRESSES:
            self._tries.popitem(last=False)
        while tries and now - tries[0] > WINDOW:
            tries.popleft()
        if len(tries) >= self._limit:
            return True
        tries.append(now)
        return False
