"""Find and read the cells of a live notebook, by id or by place."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, cast

from pycrdt import Array, Map

from ..calls.proposed import proposed
from ..errors import InvalidArgumentError, NotFoundError
from ..files.names import shown
from ..text.counting import count
from .cell_order import has_nothing_in, plain

if TYPE_CHECKING:
    from collections.abc import Sequence

    from .live_notebook import LiveNotebook


@dataclass(frozen=True, slots=True)
class CellView:
    """A cell's current state, without its outputs."""

    id: str
    position: int
    type: str
    source: str
    execution_count: int | None
    state: str


def find(notebook: LiveNotebook, ref: str) -> str:
    """Return the id of the cell that `ref` names: an id, or a unique prefix of one.

    Raises
    ------
    NotFoundError
        No cell matches, or more than one does. Positions are not accepted, because they shift while
        people work. A number that could be a position does not match an id that starts with its
        digits.
    """
    if notebook.index(ref) is not None:
        return ref
    found = notebook.starting(ref) if ref else []
    if len(found) == 1 and not (ref.isdecimal() and int(ref) <= len(notebook.ids)):
        return found[0]
    if len(found) > 1:
        raise NotFoundError(
            f"More than one cell of '{notebook.shown}' has an id that starts with '{shown(ref)}': "
            f"{shown(', '.join(found[:5]))}. Give more characters of the id."
        )
    ids = proposed("list_cells", notebook=notebook.path)
    raise NotFoundError(
        f"There is no cell '{shown(ref[:80])}' in '{notebook.shown}'. Name cells by id, not by "
        f"position; {ids} shows the ids. The cell may have been deleted."
    )


def view(notebook: LiveNotebook, index: int) -> CellView:
    """Return the cell at `index`, counted from 0."""
    return view_of(notebook.cell_at(index), index)


def view_of(cell: Map[Any], index: int) -> CellView:
    """Return a view of the shared cell at `index`, without a lookup that is slow for many cells."""
    cell_id, kind, source, count, state = plain(
        cell, "id", "cell_type", "source", "execution_count", "execution_state"
    )
    return CellView(
        id=str(cell_id),
        position=index + 1,
        type=str(kind),
        source=str(source),
        execution_count=int(count) if count is not None else None,
        state=str(state or "idle"),
    )


def may_fail(notebook: LiveNotebook, cell_id: str) -> bool:
    """Return whether a cell is tagged as one that raises an error on purpose."""
    cell = shared(notebook, cell_id)
    if has_nothing_in(cell, "metadata"):
        return False
    found = cell.get("metadata")
    tags = found.get("tags") if isinstance(found, Map) else None
    if isinstance(tags, Array):
        tags = tags.to_py()
    return isinstance(tags, list) and "raises-exception" in tags


def view_by_id(notebook: LiveNotebook, cell_id: str) -> CellView:
    """Return a cell.

    Raises
    ------
    NotFoundError
    """
    index = notebook.index(find(notebook, cell_id))
    assert index is not None
    return view(notebook, index)


def shared(notebook: LiveNotebook, cell_id: str) -> Map[Any]:
    """Return the shared map of a cell that exists."""
    return cast("Map[Any]", notebook.cell(cell_id))


def place(
    notebook: LiveNotebook, *, after: str | None, before: str | None, index: int | None
) -> int:
    """Return the index for new cells; the end if no place is given.

    Raises
    ------
    InvalidArgumentError
        More than one place, or an index outside the notebook.
    NotFoundError
    """
    size = len(notebook.ids)
    if sum(place is not None for place in (after, before, index)) > 1:
        raise InvalidArgumentError("Give only one of after, before and index.")
    if after is not None:
        return cast("int", notebook.index(find(notebook, after))) + 1
    if before is not None:
        return cast("int", notebook.index(find(notebook, before)))
    if index is None or index == -1:
        return size
    if not 0 <= index <= size:
        raise InvalidArgumentError(
            f"index {index} is outside '{notebook.shown}', which has {count(size, 'cell')}: 0 is "
            f"the top, {size} or -1 the end. Naming a cell is safer: after=<cell id>."
        )
    return index


def wholes(notebook: LiveNotebook, cell_ids: Sequence[str]) -> list[dict[str, Any]]:
    """Return cells as nbformat has them; see `cells.whole`."""
    with notebook.reading():
        found = list(notebook.document.cells_of(shared(notebook, i) for i in cell_ids))
    for cell_id, content in zip(cell_ids, found, strict=True):
        # nbformat 4.4 and older has no ids on disk, the open document has them always.
        content["id"] = cell_id
    return found
