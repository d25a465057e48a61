"""Read and edit the cells of a live notebook, by id.

Every function that changes something is synchronous, so that nothing can change between its check
and its write.
"""

from __future__ import annotations

import secrets
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, cast

from pycrdt import Map, Text

from ..codec.cell_form import STANDARD, shared_output
from ..codec.values import document_form
from .cell_views import CellView as CellView
from .cell_views import find as find
from .cell_views import may_fail as may_fail
from .cell_views import place as place
from .cell_views import shared as shared
from .cell_views import view as view
from .cell_views import view_by_id as view_by_id
from .cell_views import view_of as view_of
from .cell_views import wholes as wholes
from .command_buttons import distrust, distrusted
from .places import beside as beside
from .places import neighbours as neighbours
from .places import places as places
from .places import take_out
from .shared_text import splice_shared

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from ..codec.prepared_outputs import PreparedOutput
    from ..text.three_way_merge import Splice
    from .live_notebook import LiveNotebook
    from .prepared_update import Ahead


MANY = 50
"""Number of cells from which Yjs takes longer to compute each event's path than to change the
cells.
"""

Results = tuple[list[dict[str, Any]], int | None]
"""The outputs of a cell, and its execution count."""


@dataclass(frozen=True, slots=True)
class NewCell:
    """A cell to insert."""

    source: str
    type: str = "code"
    id: str = field(default_factory=lambda: secrets.token_hex(4))


def trust(notebook: LiveNotebook, cell_id: str, trusted: bool, origin: str) -> None:
    """Set whether pages may run active content in a cell's outputs, such as scripts.

    JupyterLab itself writes this ``trusted`` flag when a person runs a cell. Saving drops the flag,
    and signs the notebook instead.
    """
    cell = notebook.cell(cell_id)
    if cell is None:
        return
    metadata = cell.get("metadata")
    if isinstance(metadata, Map) and metadata.get("trusted") is not trusted:
        with notebook.transaction(origin):
            metadata["trusted"] = trusted


def insert(notebook: LiveNotebook, index: int, new: Sequence[NewCell], origin: str) -> None:
    """Insert cells at `index`."""
    with notebook.transaction(origin):
        _need_ids(notebook)
        for offset, cell in enumerate(new):
            notebook.ycells.insert(index + offset, _made(notebook, cell))


def insert_whole(notebook: LiveNotebook, index: int, content: dict[str, Any], origin: str) -> None:
    """Insert a cell with everything it has: outputs, metadata, attachments."""
    with notebook.transaction(origin):
        _need_ids(notebook)
        notebook.ycells.insert(index, notebook.document.create_ycell(content))


def move(
    notebook: LiveNotebook,
    cell_ids: Sequence[str],
    index: int,
    origin: str,
    ahead: Ahead | None = None,
) -> bool:
    """Move cells, in the given order, to before the cell that is at `index` now.

    Yjs cannot move a cell, so each one is recreated with its id and its whole content.

    Returns
    -------
    bool
        Whether any cell had to be moved.
    """
    at, wanted = moved(notebook, cell_ids, index)
    if notebook.ids[at : at + len(cell_ids)] == list(cell_ids):
        # The cells are in place already. Leaving them alone keeps people's cursors and undo
        # history.
        return False
    contents = wholes(notebook, cell_ids) if ahead is None else ahead.wholes(cell_ids)
    notebook.removing(cell_ids, for_good=False)
    with notebook.transaction(origin):
        _need_ids(notebook)
        if ahead is not None and ahead.apply(wanted, dict(zip(cell_ids, contents, strict=True))):
            return True
        _remove(notebook, cell_ids)
        for offset, content in enumerate(contents):
            notebook.ycells.insert(at + offset, notebook.document.create_ycell(content))
    return True


def moved(notebook: LiveNotebook, cell_ids: Sequence[str], index: int) -> tuple[int, list[str]]:
    """Return the new index of cells that move, and the ids of all cells in their new order."""
    moving = set(cell_ids)
    at = sum(cell_id not in moving for cell_id in notebook.ids[:index])
    staying = [cell_id for cell_id in notebook.ids if cell_id not in moving]
    return at, [*staying[:at], *cell_ids, *staying[at:]]


def whole(notebook: LiveNotebook, cell_id: str) -> dict[str, Any]:
    """Return a cell in nbformat form, including outputs, metadata and attachments."""
    return wholes(notebook, [cell_id])[0]


def set_outputs(
    notebook: LiveNotebook,
    cell_id: str,
    outputs: list[dict[str, Any]],
    execution_count: int | None,
    origin: str,
) -> None:
    """Put outputs into a cell that has none."""
    refill(notebook, {cell_id: (outputs, execution_count)}, origin)


def refill(
    notebook: LiveNotebook,
    results: Mapping[str, Results],
    origin: str,
    prepared: Mapping[str, list[PreparedOutput]] | None = None,
) -> None:
    """Put outputs and execution counts into cells that have none.

    `prepared` has what was found out about the outputs in advance, by cell.
    """
    prepared = prepared or {}

    def fill(cell_id: str) -> None:
        outputs, execution_count = results[cell_id]
        cell = shared(notebook, cell_id)
        known = prepared.get(cell_id)
        forms = notebook.document.learn_results(cell_id, outputs, execution_count, known)
        cell["outputs"].extend([shared_output(form) for form in forms])
        cell["execution_count"] = document_form(execution_count)

    _each(notebook, list(results), fill, origin)


def delete(
    notebook: LiveNotebook, cell_ids: Sequence[str], origin: str, ahead: Ahead | None = None
) -> None:
    """Delete cells."""
    notebook.removing(cell_ids, for_good=True)
    with notebook.transaction(origin):
        _need_ids(notebook)
        if ahead is None or not ahead.apply(without(notebook, cell_ids), {}):
            _remove(notebook, cell_ids)


def without(notebook: LiveNotebook, cell_ids: Sequence[str]) -> list[str]:
    """Return the ids of the cells that remain after a deletion."""
    going = set(cell_ids)
    return [cell_id for cell_id in notebook.ids if cell_id not in going]


def _remove(notebook: LiveNotebook, cell_ids: Sequence[str]) -> None:
    take_out(notebook.ycells, sorted(cast("int", notebook.index(i)) for i in cell_ids))


def replace(notebook: LiveNotebook, cell_id: str, content: dict[str, Any], origin: str) -> None:
    """Recreate a cell in its place with the given content."""
    index = cast("int", notebook.index(cell_id))
    notebook.removing([cell_id], for_good=False)
    with notebook.transaction(origin):
        _need_ids(notebook)
        del notebook.ycells[index]
        notebook.ycells.insert(index, notebook.document.create_ycell(distrusted(content)))


def arrange(
    notebook: LiveNotebook,
    wanted: Sequence[str],
    anew: dict[str, dict[str, Any]],
    origin: str,
    ahead: Ahead | None = None,
) -> None:
    """Give the notebook exactly the wanted cells, in order.

    Parameters
    ----------
    notebook : LiveNotebook
    wanted : sequence of str
        Ids. Cells that are not listed are deleted.
    anew : dict
        The whole cells to create or recreate. The others stay, in their present order.
    origin : str
        The origin of the single transaction.
    ahead : Ahead, optional
        Work done in advance, which may contain the result.
    """
    ids, left = list(notebook.ids), set(wanted)
    anew = to_make(notebook, anew)
    for good in (True, False):
        out = [i for i in ids if (i not in left if good else i in left and i in anew)]
        if out:
            notebook.removing(out, for_good=good)
    with notebook.transaction(origin):
        _need_ids(notebook)
        if ahead is not None and ahead.apply(wanted, anew):
            return
        places_out = [n for n, i in enumerate(ids) if i not in left or i in anew]
        take_out(notebook.ycells, places_out)
        for index, cell_id in enumerate(wanted):
            if cell_id in anew:
                notebook.ycells.insert(index, notebook.document.create_ycell(anew[cell_id]))


def to_make(notebook: LiveNotebook, anew: dict[str, dict[str, Any]]) -> dict[str, dict[str, Any]]:
    """Return cells that are about to be created, without trust where they must not have it."""
    with notebook.reading():
        before = {cell_id: notebook.source(cell_id) or "" for cell_id in anew}
    return {cell_id: distrusted(content, before[cell_id]) for cell_id, content in anew.items()}


def edit(notebook: LiveNotebook, cell_id: str, splices: Sequence[Splice], origin: str) -> None:
    """Apply splices of its current text to a cell."""
    edit_all(notebook, {cell_id: splices}, origin)


def edit_all(notebook: LiveNotebook, edits: Mapping[str, Sequence[Splice]], origin: str) -> None:
    """Apply splices of their current texts to cells, in one transaction."""
    texts = {cell_id: cast("Text", shared(notebook, cell_id)["source"]) for cell_id in edits}
    before = {cell_id: str(text) for cell_id, text in texts.items()}
    with notebook.transaction(origin):
        _need_ids(notebook)
        for cell_id, text in texts.items():
            splice_shared(text, edits[cell_id])
            distrust(shared(notebook, cell_id), before[cell_id])
    for cell_id, splices in edits.items():
        if splices:
            notebook.has_edited(cell_id, before[cell_id])


def retype(notebook: LiveNotebook, cell_id: str, cell_type: str, origin: str) -> None:
    """Change the type of a cell; its id, text, metadata and attachments stay.

    A page does not follow a change of ``cell_type`` in a cell that it has drawn. So the cell is
    recreated, as JupyterLab's own command does.
    """
    old = whole(notebook, cell_id)
    new: dict[str, Any] = {
        "id": cell_id,
        "cell_type": cell_type,
        "source": old.get("source", ""),
        "metadata": {k: v for k, v in old.get("metadata", {}).items() if k != "trusted"},
    }
    new |= {key: value for key, value in old.items() if key not in STANDARD}
    if cell_type == "code":
        new |= {"outputs": [], "execution_count": None}
    elif "attachments" in old:
        new["attachments"] = old["attachments"]
    replace(notebook, cell_id, new, origin)


def clear_outputs(notebook: LiveNotebook, cell_ids: Sequence[str], origin: str) -> None:
    """Remove outputs and execution counts."""

    def clear(cell_id: str) -> None:
        cell = notebook.cell(cell_id)
        if cell is not None and cell["cell_type"] == "code":
            cell["outputs"].clear()
            cell["execution_count"] = None

    _each(notebook, cell_ids, clear, origin)


def _each(
    notebook: LiveNotebook, cell_ids: Sequence[str], change: Callable[[str], None], origin: str
) -> None:
    """Change the outputs of cells; for many cells, avoid slow Yjs events, see `CellEvents`."""
    if len(cell_ids) < MANY:
        with notebook.transaction(origin):
            _need_ids(notebook)
            for cell_id in cell_ids:
                change(cell_id)
        return
    with notebook.events.unasked(cell_ids):
        # Yjs drops an ended subscription only at its next event, so change one cell by itself
        # first.
        for part in (cell_ids[:1], cell_ids[1:]):
            with notebook.transaction(origin):
                _need_ids(notebook)
                for cell_id in part:
                    change(cell_id)


def _made(notebook: LiveNotebook, cell: NewCell) -> Map[Any]:
    content: dict[str, Any] = {
        "id": cell.id,
        "cell_type": cell.type,
        "source": cell.source,
        "metadata": {},
    }
    if cell.type == "code":
        content |= {"outputs": [], "execution_count": None}
    return notebook.document.create_ycell(distrusted(content))


def _need_ids(notebook: LiveNotebook) -> None:
    """Raise an nbformat 4.0 to 4.4 notebook to 4.5, whose cells have ids on disk."""
    meta = notebook.meta
    if int(meta.get("nbformat", 4)) == 4 and int(meta.get("nbformat_minor", 5)) < 5:
        meta["nbformat_minor"] = 5
