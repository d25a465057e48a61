"""Find the cells in which people have their cursor, which each page reports in its awareness state.

The awareness state comes by the same connection as typed text, so it is equally recent, and it ends
with the connection. A page stops reporting some minutes after the last key
(`src/notebook/caret.ts`).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    from pycrdt import Awareness

FIELD = "jmcpCaret"
"""The field of a page's awareness state that names the cell being edited."""


class Room(Protocol):
    """A room in which people share a document."""

    @property
    def awareness(self) -> Awareness:
        """The awareness states of all its clients."""


def carets_in(room: Room) -> set[str]:
    """Return the ids of the cells that are being edited in some page."""
    states: list[Any] = list(room.awareness.states.values())
    return {
        found
        for state in states
        if isinstance(state, Mapping) and isinstance(found := state.get(FIELD), str)
    }
