"""A copy of a document in which removed cells still exist, so that late edits to them can be read.

Yjs cannot move a cell, so agents and programs delete it and recreate it. Keystrokes that a page
sent before it learned of that belong to the old cell, and Yjs drops them on arrival. The copy
follows the document except for the deletions that `keep` announces. Late keystrokes are applied to
the copy and can be read there. The copy deletes large parts that it does not need, outputs above
all, also from cells that arrive later.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, cast

from pycrdt import Array, ArrayEvent, Assoc, Doc

from ...notebooks.deltas import replacements
from . import yjs_updates as updates

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

BIG = ("outputs", "attachments")
"""Parts of a cell that the copy does not keep."""

THIN_FROM = 4_000_000
"""Size in bytes from which thinning pays off: a pass over 5,000 cells takes 0.2 s."""


class OutdatedCopyError(Exception):
    """The copy no longer matches the document, so a new one is needed."""


@dataclass(slots=True, eq=False)
class RemovedCell:
    """A cell that was removed from its place."""

    cell_id: str
    text: str
    """The source at the last check."""

    content: dict[str, Any] | None
    """The whole cell, if it was deleted for good."""

    neighbours: tuple[str | None, str | None, int]
    size: int
    until: float
    index: int | None = None
    """The index in the copy; None after a page has deleted or recreated the cell."""


@dataclass(slots=True)
class _Removal:
    """The deletions of one transaction that the copy does not follow."""

    items: list[tuple[int, int]] = field(default_factory=list)
    """The Yjs ids of the removed entries in the list of cells."""

    deleted: updates.Ids = field(default_factory=dict)
    late: updates.Ids = field(default_factory=dict)
    """The ids that pages have inserted since."""

    removed: list[RemovedCell] = field(default_factory=list)


class ShadowCopy:
    """The copy, and the cells in it that the document no longer has.

    Parameters
    ----------
    base : bytes
        The document's whole state.
    """

    def __init__(self, base: bytes) -> None:
        self._ydoc: Doc[Any] = Doc()
        self._ydoc.apply_update(base)
        self._cells = cast("Array[Any]", self._ydoc.get("cells", type=Array))
        self.removed: list[RemovedCell] = []
        """The removed cells, oldest first."""
        self._removals: list[_Removal] = []
        self._coming: _Removal | None = None
        self._touched: set[int] = set()
        self._new: list[Any] = []
        self._recreated: list[RemovedCell] = []
        self._seen = len(base)
        self._thinned = False
        self._thin_if_big()
        self._subscription = cast("Any", self._cells).observe_deep(self._on_change)

    @property
    def size(self) -> int:
        """The approximate size of the removed cells."""
        return sum(cell.size for cell in self.removed)

    @property
    def expecting(self) -> bool:
        """Whether `keep` has announced cells that are not removed yet."""
        return self._coming is not None

    # -- removed cells ---------------------------------------------------------------------------

    def keep(self, places: Sequence[int], removed: Sequence[RemovedCell]) -> None:
        """Keep the cells at these indexes of the document, which its next transaction removes.

        Raises
        ------
        OutdatedCopyError
        """
        coming = self._coming or _Removal()
        standing = sorted(self._removed_places())
        for place, cell in zip(places, removed, strict=True):
            cell.index = at = _among(standing, place)
            if at >= len(self._cells) or str(self._cells[at]["id"]) != cell.cell_id:
                raise OutdatedCopyError
            item = cast("Any", self._cells.sticky_index(at, Assoc.AFTER).to_json())["item"]
            coming.items.append((item["client"], item["clock"]))
        coming.removed += removed
        self._coming = coming

    def _removed_places(self) -> Iterator[int]:
        return (cell.index for cell in self.removed if cell.index is not None)

    def drop(self, cell: RemovedCell) -> None:
        """Discard a removed cell."""
        self.removed.remove(cell)
        if cell.index is not None:
            del self._cells[cell.index]
        for removal in self._removals:
            if cell in removal.removed:
                removal.removed.remove(cell)
        self._removals = [removal for removal in self._removals if removal.removed]

    # -- following -----------------------------------------------------------------------------

    def follow(self, update: bytes) -> None:
        """Apply a transaction of the document.

        Text that a transaction both inserts and deletes is a late edit to a removed cell, so the
        copy keeps it.
        """
        removal, self._coming = self._coming, None
        if removal is not None or updates.deletes(update):
            structs, inserted, deleted = updates.split(update)
            deleted = updates.without(deleted, inserted)
            if removal is not None:
                removal.deleted, deleted = deleted, {}
                self._removals.append(removal)
                self.removed += removal.removed
            update = updates.join(structs, deleted)
        self._apply(update)

    def feed(self, update: bytes) -> None:
        """Apply a page's update, just before or after the document applies it.

        A returning page sends all deletions that it knows, including those that it only received.
        When a page deletes a cell that is already removed, that adds no information, so text that
        others typed there stays. The same holds for all late text of pages in that cell: the page
        deleted it only along with the cell, when it learned of the removal.
        """
        if self._removals:
            structs, inserted, deleted = updates.split(update)
            for removal in self._removals:
                removal.late = updates.union(removal.late, inserted)
                if all(updates.holds(deleted, *item) for item in removal.items):
                    deleted = updates.without(deleted, removal.deleted)
                    deleted = updates.without(deleted, removal.late)
                    self._recreated += removal.removed
            update = updates.join(structs, deleted)
        self._apply(update)

    def feed_removal(self, update: bytes) -> None:
        """Apply the page's update that removes the cells just announced with `keep`."""
        structs, _, _ = updates.split(update)
        self._apply(updates.join(structs, {}))

    def _apply(self, update: bytes) -> None:
        self._ydoc.apply_update(update)
        self._seen += len(update)
        new, self._new = self._new, []
        if self._thinned and new:
            self._thin(new)
        self._thin_if_big()

    def known(self, cell_id: str) -> str | None:
        """Return the earlier source of a cell that both an agent and a page recreated.

        Prefer the source of the cell that the page has just deleted.
        """
        known = [cell for cell in self.removed if cell.cell_id == cell_id]
        recreated = [cell for cell in known if cell.index is None or cell in self._recreated]
        return (recreated or known)[-1].text if known else None

    def typed(self) -> list[tuple[RemovedCell, str, str]]:
        """Return the removed cells with new late edits, each with its text before and now."""
        found = []
        touched, self._touched = self._touched, set()
        self._recreated.clear()
        for cell in [cell for cell in self.removed if cell.index is None]:
            self.drop(cell)
        for cell in self.removed:
            if id(cell) in touched and cell.index is not None:
                text = str(self._cells[cell.index]["source"])
                if text != cell.text:
                    found.append((cell, cell.text, text))
                    cell.text = text
        return found

    def _on_change(self, events: list[Any], _transaction: object) -> None:
        for event in events:
            if not event.path and isinstance(event, ArrayEvent):
                self._shift_all(cast("Any", event).delta)
        changed = {event.path[0] for event in events if event.path}
        for cell in self.removed:
            if cell.index in changed:
                self._touched.add(id(cell))

    def _shift_all(self, delta: list[dict[str, Any]]) -> None:
        """Update the indexes of the removed cells."""
        for index, deleted, inserted in replacements(delta):
            self._new += inserted
            self._shift(index, deleted, len(inserted))

    def _shift(self, at: int, deleted: int, inserted: int) -> None:
        coming = self._coming.removed if self._coming else []
        for cell in [*self.removed, *coming]:
            if cell.index is None or cell.index < at:
                continue
            cell.index = None if cell.index < at + deleted else cell.index + inserted - deleted

    # -- staying small -------------------------------------------------------------------------

    def _thin_if_big(self) -> None:
        """Thin out all cells once, when the copy is large; later cells are thinned on arrival."""
        if not self._thinned and self._seen > THIN_FROM:
            self._thinned = True
            self._thin(self._cells)

    def _thin(self, found: Iterable[Any]) -> None:
        """Delete the parts that the copy does not need; later edits to them have no effect."""
        with self._ydoc.transaction():
            for cell in found:
                for key in BIG:
                    if key in cell:
                        del cell[key]


def _among(standing: Sequence[int], place: int) -> int:
    """Return the copy's index for an index of the document; removed cells stand in between."""
    for index in standing:
        if index > place:
            break
        place += 1
    return place
