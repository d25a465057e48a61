"""Where people's carets are: each page says it in its presence, beside what it types.

Presence comes by the same connection as the typing, so it is as new as that, and it ends with the
connection. A page stops saying it some minutes after the last key (`src/notebook/caret.ts`).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    from pycrdt import Awareness

FIELD = "jmcpCaret"
"""The part of a page's presence that names the cell which is being edited."""


class Room(Protocol):
    """What people share a document in."""

    @property
    def awareness(self) -> Awareness:
        """The presence of everybody in it."""


def carets_in(room: Room) -> set[str]:
    """Return the ids of the cells that are being edited in some page."""
    states: list[Any] = list(room.awareness.states.values())
    return {
        found
        for state in states
        if isinstance(state, Mapping) and isinstance(found := state.get(FIELD), str)
    }
