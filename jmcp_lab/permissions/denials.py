"""What people have just said no to, so that the same is not asked again at once."""

from __future__ import annotations

import time
from collections import OrderedDict
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from ..calls.call import Call

REPEAT_SECONDS = 30.0
"""For how long the same request is denied again without asking, counted from the last no."""

KEPT = 500


class Denials:
    """Denied requests by what they would have done."""

    def __init__(self) -> None:
        self._denied: OrderedDict[str, tuple[float, Call]] = OrderedDict()

    def add(self, call: Call) -> None:
        """Remember a request that a person denied."""
        if call.action_hash is not None:
            self._denied[call.action_hash] = (time.monotonic(), call)
            while len(self._denied) > KEPT:
                self._denied.popitem(last=False)

    def repeated(self, action_hash: str) -> Call | None:
        """Return the denied request that this one repeats, or None; repeating keeps it denied."""
        known = self._denied.get(action_hash)
        if known is None:
            return None
        since, first = known
        if time.monotonic() - since >= REPEAT_SECONDS:
            del self._denied[action_hash]
            return None
        self._denied[action_hash] = (time.monotonic(), first)
        return first
