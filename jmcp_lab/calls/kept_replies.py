"""The replies that are kept so that `wait` can return them again."""

from __future__ import annotations

from collections import deque
from typing import TYPE_CHECKING

from .call import Reply, TextPart

if TYPE_CHECKING:
    from .call import Call

MAX_CHARACTERS = 20_000_000
"""Maximum characters of all kept replies."""

MAX_PER_AGENT = 100
"""Maximum number of kept replies to one agent. An agent asks for a late reply soon after the call
has ended, not after a hundred others, and the replies of a thousand runs are most of what is kept.
"""

_WORDS = "The server no longer has the reply to this call. read_cells shows the current cells."
_GONE = {failed: Reply.of(_WORDS, is_error=failed) for failed in (False, True)}


class KeptReplies:
    """The latest replies to each agent; older ones are replaced with a note that they are gone.

    Parameters
    ----------
    characters, an_agent : int, optional
        The limits for all replies together, and for one agent. The latest reply of all always
        stays.
    """

    def __init__(self, characters: int = MAX_CHARACTERS, an_agent: int = MAX_PER_AGENT) -> None:
        self._characters = characters
        self._an_agent = an_agent
        self._kept: dict[str, deque[Call]] = {}
        self._weight = 0

    def keep(self, call: Call) -> None:
        """Keep the present reply to a call that has ended."""
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
        """Remove a call from the account, because it is forgotten itself."""
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
    """Return the number of characters in a reply, at least 1."""
    parts = reply.parts if reply is not None else ()
    length = sum(len(part.text if isinstance(part, TextPart) else part.data) for part in parts)
    return max(length, 1)
