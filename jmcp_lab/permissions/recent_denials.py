"""Recent denials, so that the same request is not asked again for a while."""

from __future__ import annotations

import time
from collections import OrderedDict
from datetime import timedelta
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from ..calls.call import Call

REPEAT = timedelta(minutes=10)
"""Time after a denial for which the same request is denied without asking."""

MAX_KEPT = 500


class Denials:
    """Denied requests, by the action that they asked for."""

    def __init__(self) -> None:
        self._denied: OrderedDict[str, tuple[float, Call]] = OrderedDict()

    def add(self, call: Call) -> None:
        """Record a request that a person denied."""
        if call.action is not None:
            self._denied[_key(call)] = (time.monotonic(), call)
            while len(self._denied) > MAX_KEPT:
                self._denied.popitem(last=False)

    def repeated(self, call: Call) -> Call | None:
        """Return the denied request that this one repeats, or None."""
        key = _key(call)
        known = self._denied.get(key)
        if known is None:
            return None
        since, first = known
        if time.monotonic() - since >= REPEAT.total_seconds():
            del self._denied[key]
            return None
        return first

    def forget(self, call: Call) -> bool:
        """Let the same request ask again; return whether it would have been denied."""
        # Search by the call, because its preview is no longer kept.
        keys = [key for key, (_, denied) in self._denied.items() if denied is call]
        for key in keys:
            del self._denied[key]
        return bool(keys)


def _key(call: Call) -> str:
    return "" if call.action is None else call.action.action_hash(call.agent_id, any_kernel=True)
