"""The placeholder cell that an empty notebook has while it is open.

A page cannot show a notebook without cells, so the live document of one has a blank cell. It
becomes part of the file only when somebody writes in it. An agent's first cells replace it.
"""

from __future__ import annotations

import uuid
from typing import TYPE_CHECKING, Any

from ..codec.cell_form import source_of
from . import cells
from .changes import Change, Deleted, Inserted

if TYPE_CHECKING:
    from collections.abc import Sequence

    from .cells import NewCell
    from .live_notebook import LiveNotebook

_NAMESPACE = uuid.UUID("8a1c6f0e-6f0b-4d3c-9a55-2f1d0f3f7b1e")


def blank_id(path: str) -> str:
    """Return the id of a notebook's blank cell.

    The id is the same on every reading of the file, so a returning page recognizes the cell.
    """
    return str(uuid.uuid5(_NAMESPACE, path))


def blank_cell(path: str) -> dict[str, Any]:
    """Return a blank cell, as jupyter-ydoc creates it for a notebook without cells."""
    return {
        "id": blank_id(path),
        "cell_type": "code",
        "execution_count": None,
        # A cell without outputs has nothing untrusted.
        "metadata": {"trusted": True},
        "outputs": [],
        "source": "",
    }


def is_blank(cell: dict[str, Any]) -> bool:
    """Return whether a cell is empty: no text, no outputs, no metadata."""
    return (
        cell.get("cell_type") == "code"
        and not source_of(cell)
        and not cell.get("outputs")
        and cell.get("execution_count") is None
        and not set(cell.get("metadata", {})) - {"trusted"}
    )


def insert(notebook: LiveNotebook, index: int, new: Sequence[NewCell], origin: str) -> list[Change]:
    """Insert cells at `index`, or replace the blank cell if it is the only cell.

    Returns
    -------
    list of Change
        The resulting changes, for a later undo.
    """
    changes: list[Change] = []
    if (gone := _making_way(notebook)) is None:
        cells.insert(notebook, index, new, origin)
    else:
        changes.append(Deleted(gone, cells.whole(notebook, gone), None, None, 0))
        # A person's keystrokes may be on their way to this cell. They will restore it.
        notebook.removing([gone], for_good=True)
        with notebook.transaction(origin):
            cells.insert(notebook, 1, new, origin)
            del notebook.ycells[0]
    return [*changes, *(Inserted(cell.id, cells.whole(notebook, cell.id)) for cell in new)]


def make_way(notebook: LiveNotebook, origin: str) -> None:
    """Remove the blank cell if other cells have been added and nobody is editing it."""
    blank = notebook.blank
    index = None if blank is None else notebook.index(blank)
    if blank is None or index is None or len(notebook.ids) == 1:
        return
    if blank not in notebook.carets() and is_blank(cells.whole(notebook, blank)):
        notebook.removing([blank], for_good=True)
        with notebook.transaction(origin):
            del notebook.ycells[index]


def _making_way(notebook: LiveNotebook) -> str | None:
    """Return the id of the blank cell if it is the only cell and nobody is editing it."""
    if notebook.blank is None or notebook.ids != [notebook.blank]:
        return None
    if notebook.blank in notebook.carets():
        return None
    return notebook.blank if is_blank(cells.whole(notebook, notebook.blank)) else None
