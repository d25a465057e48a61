"""Keep agents' edits to cells that a page moves or converts before it has received those edits.

Yjs cannot move a cell: the page deletes it and recreates it with the text that it knows. Edits that
an agent or another program made meanwhile are lost with the old cell. So this module keeps the last
edits of each cell for a while. Undoing the edits that the page had not received gives the text that
the page knew.
"""

from __future__ import annotations

import time
from bisect import bisect_left
from collections import OrderedDict
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from ...notebooks import cells
from ...text.rebase import rebase, union_merge
from ...text.three_way_merge import splice
from . import yjs_updates as updates

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from ...notebooks.live_notebook import LiveNotebook

RECREATED_ORIGIN = "jmcp:remade"
"""Origin of the transactions that merge edits into cells that pages recreated."""

KEPT_SECONDS = 3600.0
"""Seconds for which a page may not have received an edit, and still move the cell."""

MAX_EDITS = 32
"""Maximum number of edits kept of one cell; the oldest go first."""

MAX_CELLS = 200
MAX_BYTES = 8_000_000
"""Maximum size of the edits of one notebook, beside `MAX_CELLS`; the oldest go first."""


@dataclass(slots=True)
class _Written:
    """The last edits of one cell: its text before and after each."""

    at: float = 0.0
    edits: list[tuple[str, str]] = field(default_factory=list)
    moved: int = 0
    """The number of edits made before the server last recreated the cell."""

    @property
    def size(self) -> int:
        return sum(len(before) + len(after) for before, after in self.edits)


class RecreatedCells:
    """Follows one notebook, and merges edits into cells that pages recreate.

    Parameters
    ----------
    notebook : LiveNotebook
    clock : Callable[[], float], optional
        Returns the seconds of a monotonic clock.
    """

    def __init__(
        self, notebook: LiveNotebook, *, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._notebook = notebook
        self._clock = clock
        self._written: OrderedDict[str, _Written] = OrderedDict()
        self._size = 0
        self._before: dict[str, tuple[object, str]] = {}
        self._arrangement = 0
        notebook.on_edit(self._note)
        notebook.on_removal(self._note_move)

    def before_update(self, update: bytes) -> None:
        """Record the cells just before the document applies a page's update."""
        self._expire()
        if not updates.deletes(update):
            return
        if not self._before:
            self._arrangement = self._notebook.arrangement
        with self._notebook.reading():
            for cell_id, index in self._places(self._written).items():
                text = str(self._notebook.ycells[index]["source"])
                self._before.setdefault(cell_id, (self._notebook.item(index), text))

    def after_update(self) -> None:
        """Merge edits into the cells that the page has recreated."""
        before, self._before = self._before, {}
        if self._arrangement == self._notebook.arrangement:
            return
        # `LateEdits.join_doubles` merges a cell that exists twice; it knows both copies.
        doubles = self._notebook.doubles() if self._notebook.doubled else {}
        with self._notebook.reading():
            anew = [
                cell_id
                for cell_id, index in self._places(before).items()
                if cell_id not in doubles and self._notebook.item(index) != before[cell_id][0]
            ]
        for cell_id in anew:
            text, present = before[cell_id][1], str(self._notebook.source(cell_id))
            if present != text:
                known = self.known(cell_id, present, text)
                # Restoring a word that the page deleted is better than losing one that it never
                # received.
                lacks = (
                    union_merge(text, present) if known is None else rebase(known, text, present)
                )
                cells.edit(self._notebook, cell_id, lacks, RECREATED_ORIGIN)

    def known(self, cell_id: str, present: str, text: str, *, moved: bool = False) -> str | None:
        """Return the text that a page knew of a cell: one to which the page has only added text.

        Parameters
        ----------
        cell_id : str
        present : str
            The text that the page gave the cell.
        text : str
            The text that the page knew if it had received every edit.
        moved : bool, optional
            Whether `text` is from before the server recreated the cell.

        Returns
        -------
        str or None
            None if there are several candidates and none of them fits.
        """
        written = self._written.get(cell_id, _Written())
        edits = written.edits[: written.moved] if moved else written.edits
        known = None if edits else text
        if _has_all_of(text, present):
            known = text
        for before, after in reversed(edits):
            if known == present:
                break
            text = splice(text, rebase(after, before, text))
            if _has_all_of(text, present) and len(text) > len(known or ""):
                known = text
        return known

    def _places(self, cell_ids: Iterable[str]) -> dict[str, int]:
        """Return the indexes of those of the cells that exist."""
        places = {cell_id: index for index, cell_id in enumerate(self._notebook.ids)}
        return {cell_id: places[cell_id] for cell_id in cell_ids if cell_id in places}

    # -- keeping -------------------------------------------------------------------------------

    def _note(self, cell_id: str, before: str, after: str) -> None:
        found = self._written.pop(cell_id, None) or _Written()
        found.at = self._clock()
        found.edits.append((before, after))
        self._written[cell_id] = found
        self._size += len(before) + len(after)
        while len(found.edits) > MAX_EDITS:
            self._size -= sum(map(len, found.edits.pop(0)))
            found.moved = max(found.moved - 1, 0)
        self._expire()

    def _note_move(self, cell_ids: Sequence[str], *, for_good: bool) -> None:
        for cell_id in cell_ids:
            if (found := self._written.get(cell_id)) is not None:
                found.moved = len(found.edits)

    def _expire(self) -> None:
        since = self._clock() - KEPT_SECONDS
        while self._written:
            cell_id, oldest = next(iter(self._written.items()))
            many = len(self._written) > MAX_CELLS or self._size > MAX_BYTES
            if oldest.at > since and not many:
                return
            del self._written[cell_id]
            self._size -= oldest.size


def _has_all_of(text: str, present: str) -> bool:
    """Return whether `present` is `text` with at most one insertion."""
    head = _first(min(len(text), len(present)), lambda size: text[:size] != present[:size])
    return len(text) <= len(present) and present.endswith(text[head:])


def _first(most: int, differs: Callable[[int], bool]) -> int:
    """Return the largest size up to `most` at which nothing differs."""
    return bisect_left(range(1, most + 1), True, key=differs)
