"""Compute a sequence of insertions, deletions and moves of cells first, then apply it at once.

Each step places a cell relative to the result of the previous one. With one transaction for each
step, everything that follows the document would do its work each time, which takes long.
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
    """A sequence of steps that change which cells exist, and their order.

    Parameters
    ----------
    notebook : LiveNotebook
        It must not change until `apply`.
    ahead : Ahead, optional
        Work done in advance: cell contents, and the prepared arrangement.
    """

    def __init__(self, notebook: LiveNotebook, ahead: Ahead | None = None) -> None:
        self._notebook = notebook
        self._ahead = ahead or Ahead(notebook)
        self._order = Order(notebook.ids)
        self._anew: dict[str, dict[str, Any]] = {}
        self._changed = False

    def restore(self, change: Deleted) -> Inserted | None:
        """Restore a deleted cell if it is missing; return the resulting change."""
        cell_id = change.cell_id
        if self._order.index(cell_id) is not None:
            return None
        self._order.insert(self._beside(change), cell_id)
        self._anew[cell_id] = change.content
        self._changed = True
        return Inserted(cell_id, change.content)

    def remove(self, change: Inserted) -> Deleted | None:
        """Remove an inserted cell if it exists; return the resulting change."""
        cell_id = change.cell_id
        if self._order.index(cell_id) is None:
            return None
        gone = Deleted(cell_id, self._content(cell_id), *self._order.neighbours(cell_id))
        self._order.remove(cell_id)
        self._anew.pop(cell_id, None)
        self._changed = True
        return gone

    def move_back(self, change: Moved) -> Moved | None:
        """Move a cell back if it exists and is elsewhere; return the resulting change."""
        cell_id = change.cell_id
        if self._order.index(cell_id) is None:
            return None
        now = Moved(cell_id, *self._order.neighbours(cell_id))
        at = self._beside(change)
        if at in (now.index, now.index + 1):
            # Somebody has moved the cell back already.
            return None
        self._anew[cell_id] = self._content(cell_id)
        self._order.remove(cell_id)
        self._order.insert(at - (at > now.index), cell_id)
        self._changed = True
        return now

    def apply(self, origin: str) -> None:
        """Apply all steps in one transaction."""
        if self._changed:
            cells.arrange(self._notebook, self._order.names(), self._anew, origin, self._ahead)

    async def work_out(self) -> None:
        """Prepare `apply` if it takes long; afterwards the notebook may change."""
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
