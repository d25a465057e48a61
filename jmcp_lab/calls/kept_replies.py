"""The replies that are kept, so that `wait` can give them again."""

from __future__ import annotations

from collections import deque
from typing import TYPE_CHECKING

from .call import Reply, TextPart

if TYPE_CHECKING:
    from .call import Call

KEPT_CHARACTERS = 20_000_000
"""How many characters of replies are kept."""

KEPT_AN_AGENT = 100
"""How many replies to one agent are kept. An agent asks for a late one soon after the call has
ended, not after a hundred others; and of a thousand runs the replies are most of what is kept."""

_WORDS = "The reply to this call is no longer kept. read_cells shows what is there now."
_GONE = {failed: Reply.of(_WORDS, is_error=failed) for failed in (False, True)}


class KeptReplies:
    """The latest replies to each agent; what is over the bounds says that it is gone.

    Parameters
    ----------
    characters, an_agent : int, optional
        The bounds, of all together and of one agent. The latest reply of all always stays.
    """

    def __init__(self, characters: int = KEPT_CHARACTERS, an_agent: int = KEPT_AN_AGENT) -> None:
        self._characters = characters
        self._an_agent = an_agent
        self._kept: dict[str, deque[Call]] = {}
        self._weight = 0

    def keep(self, call: Call) -> None:
        """Keep the reply to a call that has ended, or the one that it has now."""
        if call.weight:
            self.forget(call)
        call.weight = _weight(call.reply)
        self._weight += call.weight
        kept = self._kept.setdefault(call.agent_id, deque())
        kept.append(call)
        if len(kept) > self._an_agent:
            self._drop(kept[0])
        while self._weight > self._characters:
            others = [each[0] for each in self._kept.values() if each[0] is not call]
            if not others:
                return
            self._drop(min(others, key=lambda old: old.seq))

    def forget(self, call: Call) -> None:
        """Take a call out of the account: it is forgotten itself."""
        if not call.weight:
            return
        kept = self._kept[call.agent_id]
        kept.remove(call)
        if not kept:
            del self._kept[call.agent_id]
        self._weight -= call.weight
        call.weight = 0

    def _drop(self, call: Call) -> None:
        self.forget(call)
        call.reply = _GONE[call.reply is not None and call.reply.is_error]


def _weight(reply: Reply | None) -> int:
    """Return how many characters a reply has; one that says nothing counts as one."""
    parts = reply.parts if reply is not None else ()
    length = sum(len(part.text if isinstance(part, TextPart) else part.data) for part in parts)
    return max(length, 1)
