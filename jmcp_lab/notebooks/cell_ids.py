"""The ids of a notebook's cells in order, with an index to find each one quickly."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Any, cast

from .deltas import replacements

if TYPE_CHECKING:
    from collections.abc import Iterable

HEAD = 8
"""Number of characters shown of a long cell id, if that prefix is unique."""

FEW = 8
"""Number of linear searches before an index is built; a single edit needs only a few."""


class CellIds:
    """The cell ids, updated as cells come and go.

    Parameters
    ----------
    ids : iterable of str

    Attributes
    ----------
    all : list of str
        In order. Only this class changes it.
    arrangement : int
        A counter that changes whenever cells are added, removed, moved or renamed.
    """

    def __init__(self, ids: Iterable[str]) -> None:
        self.all = list(ids)
        self.arrangement = 0
        self._heads: Counter[str] = Counter(cell_id[:HEAD] for cell_id in self.all)
        self._times: Counter[str] = Counter(self.all)
        self._twice: dict[str, int] = {}
        self._places: dict[str, int] | None = None
        self._by_head: dict[str, list[str]] | None = None
        self._asked = self._asked_for_heads = 0

    def index(self, cell_id: str) -> int | None:
        """Return the index of the first cell with an id, from 0, or None."""
        if self._places is None and self._asked >= FEW:
            # Iterate backwards, so that the first of several equal ids wins.
            last = len(self.all) - 1
            self._places = {each: last - at for at, each in enumerate(reversed(self.all))}
        if self._places is not None:
            return self._places.get(cell_id)
        self._asked += 1
        return self.all.index(cell_id) if cell_id in self else None

    def starting(self, start: str) -> list[str]:
        """Return the ids that start with a prefix, in order."""
        found = self.all
        if len(start) >= HEAD:
            self._asked_for_heads += 1
            if self._by_head is None and self._asked_for_heads > FEW:
                self._by_head = {}
                for cell_id in self.all:
                    self._by_head.setdefault(cell_id[:HEAD], []).append(cell_id)
            if self._by_head is not None:
                found = self._by_head.get(start[:HEAD], [])
        return [cell_id for cell_id in found if cell_id.startswith(start)]

    def __contains__(self, cell_id: str) -> bool:
        return self._times[cell_id] > 0

    def short(self, cell_id: str) -> str:
        """Return the prefix of a cell's id if it is unique, otherwise the whole id."""
        head = cell_id[:HEAD]
        return head if self._heads[head] <= 1 else cell_id

    # -- ids that more than one cell has -------------------------------------------------------

    @property
    def doubled(self) -> bool:
        """Whether a cell was added whose id another cell has."""
        return bool(self._twice)

    def doubles(self) -> dict[str, tuple[int, list[int]]]:
        """Return the duplicate ids, each with the index of its newest cell and of the others."""
        if len(self._times) == len(self.all):
            self._twice.clear()
            return {}
        found = {}
        for cell_id in [i for i, times in self._times.items() if times > 1]:
            places = [index for index, i in enumerate(self.all) if i == cell_id]
            keep = self._twice.get(cell_id, places[0])
            keep = keep if keep in places else places[-1]
            found[cell_id] = (keep, [index for index in places if index != keep])
        return found

    # -- following -----------------------------------------------------------------------------

    def rename(self, index: int, new: str) -> None:
        """Record that a cell has a new id."""
        self._gone(self.all[index])
        self._come(new)
        self.all[index] = new
        self._rearranged()

    def follow(self, delta: list[dict[str, Any]]) -> tuple[set[str], list[str]]:
        """Apply a Yjs delta of the list of cells.

        Returns
        -------
        set of str
            The ids that were added or removed.
        list of str
            Those that were removed.
        """
        self._rearranged()
        touched: set[str] = set()
        went: list[str] = []
        # The delta is in document order, so later entries do not shift these indexes.
        twice: dict[str, int] = {}
        for at, deleted, inserted in replacements(delta):
            gone, new = self.all[at : at + deleted], [cast("str", cell["id"]) for cell in inserted]
            for cell_id in gone:
                self._gone(cell_id)
            self._shift_doubles(at + deleted, len(new) - deleted)
            for offset, cell_id in enumerate(new):
                if cell_id in self:
                    twice[cell_id] = at + offset
            for cell_id in new:
                self._come(cell_id)
            self.all[at : at + deleted] = new
            touched.update(new)
            went += gone
        self._twice |= twice
        if len(self._times) == len(self.all):
            # A cell that was moved has been inserted before its old place was deleted.
            self._twice.clear()
        return touched.union(went), went

    def _rearranged(self) -> None:
        self.arrangement += 1
        self._places = self._by_head = None
        self._asked = self._asked_for_heads = 0

    def _come(self, cell_id: str) -> None:
        self._heads[cell_id[:HEAD]] += 1
        self._times[cell_id] += 1

    def _gone(self, cell_id: str) -> None:
        for counter, key in ((self._heads, cell_id[:HEAD]), (self._times, cell_id)):
            counter[key] -= 1
            if counter[key] <= 0:
                # Drop keys whose count is zero.
                del counter[key]

    def _shift_doubles(self, start: int, by: int) -> None:
        for cell_id, place in self._twice.items():
            if place >= start:
                self._twice[cell_id] = place + by
