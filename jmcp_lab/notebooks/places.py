"""Find where cells stand among the others, and where to put them back."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Protocol, cast

from .ordered_names import Order

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pycrdt import Array

    from .live_notebook import LiveNotebook


class Ordered(Protocol):
    """An ordered collection of cells."""

    def index(self, cell_id: str, /) -> int | None:
        """Return the index of a cell, from 0, or None."""

    def __len__(self) -> int:
        """Return the number of cells."""


def neighbours(notebook: LiveNotebook, cell_id: str) -> tuple[str | None, str | None, int]:
    """Return the ids before and after a cell, and its index."""
    ids, index = notebook.ids, cast("int", notebook.index(cell_id))
    after = ids[index + 1] if index + 1 < len(ids) else None
    return ids[index - 1] if index else None, after, index


def places(
    notebook: LiveNotebook, cell_ids: Sequence[str]
) -> list[tuple[str | None, str | None, int]]:
    """Return each cell's neighbours and index, as the cells are removed one by one.

    A neighbour that is removed as well cannot show the way back, unless it is restored first. If
    the cells are restored in reverse order, each one finds the neighbours that it had when it was
    removed.
    """
    order = Order(notebook.ids)
    found = []
    for cell_id in cell_ids:
        found.append(order.neighbours(cell_id))
        order.remove(cell_id)
    return found


def beside(cells: Ordered, previous: str | None, following: str | None, index: int) -> int:
    """Return the index for a restored cell: next to a former neighbour, if one still exists."""
    if previous is not None and (found := cells.index(previous)) is not None:
        return found + 1
    if following is not None and (found := cells.index(following)) is not None:
        return found
    return min(index, len(cells)) if previous is not None else 0


def take_out(shared: Array[Any], places: Sequence[int]) -> None:
    """Delete the cells at these ascending indexes; delete adjacent ones together."""
    for end in range(len(places), 0, -1):
        if end < len(places) and places[end] == places[end - 1] + 1:
            continue
        start = end - 1
        while start and places[start - 1] == places[start] - 1:
            start -= 1
        del shared[places[start] : places[end - 1] + 1]
