"""What a notebook says at one moment, worked out in slices."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from .cell_order import plain
from .prepared_update import Ahead

if TYPE_CHECKING:
    from collections.abc import Sequence

    from .live_notebook import LiveNotebook


async def content_at_one_moment(notebook: LiveNotebook) -> dict[str, Any]:
    """Return what the file is to say, all of it as it is when this returns.

    Cells are read in slices, and those that change meanwhile once more at the end: cells may come
    and go all the while, as while an agent tidies up thousands of them.
    """
    document = notebook.document
    if notebook.doubled:
        # Which of two cells with one id stays is for the document to say.
        return document.get()
    started, form = document.begin_writing(), _format(notebook)
    with Ahead(notebook, _as_saved) as ahead:
        await ahead.read(list(notebook.ids))
        if notebook.doubled or _format(notebook) != form:
            # The first edit of an old notebook gives all its cells ids.
            return document.get()
        ids = list(notebook.ids)
        return document.put_together(started, ids, ahead.wholes(ids))


def _format(notebook: LiveNotebook) -> list[Any]:
    return plain(notebook.meta, "nbformat", "nbformat_minor")


def _as_saved(notebook: LiveNotebook, cell_ids: Sequence[str]) -> list[dict[str, Any]]:
    with notebook.reading():
        found = [notebook.cell(cell_id) for cell_id in cell_ids]
        return list(notebook.document.cells_of(cell for cell in found if cell is not None))
