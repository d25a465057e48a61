"""Reading and editing the cells of a live notebook, by id.

Every function that changes something is synchronous: what it looked at is what it changes.
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

    from ..text.three_way_merge import Splice
    from .live_notebook import LiveNotebook
    from .prepared_update import Ahead


MANY = 50
"""Of so many cells Yjs takes longer to say where each is than to change them."""

Results = tuple[list[dict[str, Any]], int | None]
"""Outputs of a cell, and its execution count."""


@dataclass(frozen=True, slots=True)
class NewCell:
    """A cell to insert."""

    source: str
    type: str = "code"
    id: str = field(default_factory=lambda: secrets.token_hex(4))


def trust(notebook: LiveNotebook, cell_id: str, trusted: bool, origin: str) -> None:
    """Say whether pages may run what is in the outputs of a cell, such as scripts.

    It is the ``trusted`` that JupyterLab itself writes when a person runs a cell; saving drops
    it, and signs the notebook instead.
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
    """Move cells, in the order given, to before what is at `index` now.

    Yjs cannot move: each cell is made anew, with its id and everything it has.

    Returns
    -------
    bool
        Whether any was to be moved.
    """
    at, wanted = moved(notebook, cell_ids, index)
    if notebook.ids[at : at + len(cell_ids)] == list(cell_ids):
        # They are there, with all that people have in them, and their undo history.
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
    """Return where cells that move are after that, and all cells in their order."""
    moving = set(cell_ids)
    at = sum(cell_id not in moving for cell_id in notebook.ids[:index])
    staying = [cell_id for cell_id in notebook.ids if cell_id not in moving]
    return at, [*staying[:at], *cell_ids, *staying[at:]]


def whole(notebook: LiveNotebook, cell_id: str) -> dict[str, Any]:
    """Return a cell as nbformat has it, outputs, metadata and attachments included."""
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


def refill(notebook: LiveNotebook, results: Mapping[str, Results], origin: str) -> None:
    """Put outputs and execution counts into cells that have none."""

    def fill(cell_id: str) -> None:
        outputs, execution_count = results[cell_id]
        cell = shared(notebook, cell_id)
        forms = notebook.document.learn_results(cell_id, outputs, execution_count)
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
    """Return the cells that stay where some are deleted."""
    going = set(cell_ids)
    return [cell_id for cell_id in notebook.ids if cell_id not in going]


def _remove(notebook: LiveNotebook, cell_ids: Sequence[str]) -> None:
    take_out(notebook.ycells, sorted(cast("int", notebook.index(i)) for i in cell_ids))


def replace(notebook: LiveNotebook, cell_id: str, content: dict[str, Any], origin: str) -> None:
    """Make a cell anew in its place, as `content` says."""
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
    """Make the cells those that are wanted, in that order.

    Parameters
    ----------
    notebook : LiveNotebook
    wanted : sequence of str
        Ids. Cells that are not named are deleted.
    anew : dict
        The cells to make anew, or to make, whole. The others stay, in the order that they have.
    origin : str
        Of the one transaction.
    ahead : Ahead, optional
        What may know already how that is done.
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
    """Return cells that are about to be made as they are made, without trust where it has to go."""
    with notebook.reading():
        before = {cell_id: notebook.source(cell_id) or "" for cell_id in anew}
    return {cell_id: distrusted(content, before[cell_id]) for cell_id, content in anew.items()}


def edit(notebook: LiveNotebook, cell_id: str, splices: Sequence[Splice], origin: str) -> None:
    """Apply splices of the present text to a cell."""
    text = cast("Text", shared(notebook, cell_id)["source"])
    before = str(text)
    with notebook.transaction(origin):
        _need_ids(notebook)
        splice_shared(text, splices)
        distrust(shared(notebook, cell_id), before)
    if splices:
        notebook.has_edited(cell_id, before)


def retype(notebook: LiveNotebook, cell_id: str, cell_type: str, origin: str) -> None:
    """Change the type of a cell; id, text, metadata and attachments stay.

    The page does not follow a changed ``cell_type`` of a cell it has drawn, so the cell is made
    anew, as JupyterLab's own command does.
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
    """Change the outputs of cells, of many in another way than of few; see `CellEvents`."""
    if len(cell_ids) < MANY:
        with notebook.transaction(origin):
            _need_ids(notebook)
            for cell_id in cell_ids:
                change(cell_id)
        return
    with notebook.events.unasked(cell_ids):
        # Yjs forgets whom it told only as it would tell them again.
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
    """Raise an nbformat 4.0 to 4.4 notebook to 4.5, in which cells keep their ids on disk."""
    meta = notebook.meta
    if int(meta.get("nbformat", 4)) == 4 and int(meta.get("nbformat_minor", 5)) < 5:
        meta["nbformat_minor"] = 5
