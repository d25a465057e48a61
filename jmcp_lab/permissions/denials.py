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
        if call.action is not None:
            self._denied[_key(call)] = (time.monotonic(), call)
            while len(self._denied) > KEPT:
                self._denied.popitem(last=False)

    def repeated(self, call: Call) -> Call | None:
        """Return the denied request that this one repeats, or None; repeating keeps it denied."""
        key = _key(call)
        known = self._denied.get(key)
        if known is None:
            return None
        since, first = known
        if time.monotonic() - since >= REPEAT_SECONDS:
            del self._denied[key]
            return None
        self._denied[key] = (time.monotonic(), first)
        return first


def _key(call: Call) -> str:
    return "" if call.action is None else call.action.action_hash(call.agent_id, any_kernel=True)
