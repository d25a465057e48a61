"""Read a consistent snapshot of a notebook in slices."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from .cell_order import plain
from .prepared_update import Ahead

if TYPE_CHECKING:
    from collections.abc import Sequence

    from .live_notebook import LiveNotebook


async def content_at_one_moment(notebook: LiveNotebook) -> dict[str, Any]:
    """Return the file form of the whole notebook as of the moment when this returns.

    It reads cells in slices, and rereads those that changed meanwhile at the end. Cells may be
    added and removed all the time, for example while an agent tidies up thousands of them.
    """
    document = notebook.document
    if notebook.doubled:
        # The document decides which of two cells with one id stays.
        return document.get()
    started, form = document.begin_writing(), _format(notebook)
    with Ahead(notebook, _as_saved) as ahead:
        await ahead.read(list(notebook.ids))
        if notebook.doubled or _format(notebook) != form:
            # The first edit of a notebook in an old format gives ids to all its cells.
            return document.get()
        ids = list(notebook.ids)
        return document.put_together(started, ids, ahead.wholes(ids))


def _format(notebook: LiveNotebook) -> list[Any]:
    return plain(notebook.meta, "nbformat", "nbformat_minor")


def _as_saved(notebook: LiveNotebook, cell_ids: Sequence[str]) -> list[dict[str, Any]]:
    with notebook.reading():
        found = [notebook.cell(cell_id) for cell_id in cell_ids]
        return list(notebook.document.cells_of(cell for cell in found if cell is not None))
