"""Cells that come, go and move one after the other, worked out first and then done at once.

Each is put where it belongs among those that the one before left behind, and that is where a
transaction for each would take its time: all that follows the document follows it each time.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from . import cells
from .changes import Deleted, Inserted, Moved
from .ordered_names import Order
from .prepared_update import Ahead

if TYPE_CHECKING:
    from .live_notebook import LiveNotebook


class Rearranging:
    """Steps that change which cells there are, and where.

    Parameters
    ----------
    notebook : LiveNotebook
        It must not change until `apply`.
    ahead : Ahead, optional
        What may know already what the cells have, and how they are arranged.
    """

    def __init__(self, notebook: LiveNotebook, ahead: Ahead | None = None) -> None:
        self._notebook = notebook
        self._ahead = ahead or Ahead(notebook)
        self._order = Order(notebook.ids)
        self._anew: dict[str, dict[str, Any]] = {}
        self._changed = False

    def restore(self, change: Deleted) -> Inserted | None:
        """Put a deleted cell back, if it is not there; return what that changes."""
        cell_id = change.cell_id
        if self._order.index(cell_id) is not None:
            return None
        self._order.insert(self._beside(change), cell_id)
        self._anew[cell_id] = change.content
        self._changed = True
        return Inserted(cell_id, change.content)

    def remove(self, change: Inserted) -> Deleted | None:
        """Take out a cell that was inserted, if it is there; return what that changes."""
        cell_id = change.cell_id
        if self._order.index(cell_id) is None:
            return None
        gone = Deleted(cell_id, self._content(cell_id), *self._order.neighbours(cell_id))
        self._order.remove(cell_id)
        self._anew.pop(cell_id, None)
        self._changed = True
        return gone

    def move_back(self, change: Moved) -> Moved | None:
        """Put a cell where it was, if it is there and elsewhere; return what that changes."""
        cell_id = change.cell_id
        if self._order.index(cell_id) is None:
            return None
        now = Moved(cell_id, *self._order.neighbours(cell_id))
        at = self._beside(change)
        if at in (now.index, now.index + 1):
            # Somebody moved it back already.
            return None
        self._anew[cell_id] = self._content(cell_id)
        self._order.remove(cell_id)
        self._order.insert(at - (at > now.index), cell_id)
        self._changed = True
        return now

    def apply(self, origin: str) -> None:
        """Do all of it, in one transaction."""
        if self._changed:
            cells.arrange(self._notebook, self._order.names(), self._anew, origin, self._ahead)

    async def work_out(self) -> None:
        """Work out how `apply` is done, where that takes long; the notebook may change after it."""
        wanted = self._order.names()
        gone = len({*self._notebook.ids}.difference(wanted))
        if self._changed:
            anew = cells.to_make(self._notebook, self._anew)
            await self._ahead.arrange(wanted, anew, gone)

    def _content(self, cell_id: str) -> dict[str, Any]:
        known = self._anew.get(cell_id)
        return self._ahead.wholes([cell_id])[0] if known is None else known

    def _beside(self, change: Deleted | Moved) -> int:
        return cells.beside(self._order, change.previous, change.following, change.index)
