"""Reading and editing the cells of a live notebook, by id.

Every function that changes something is synchronous: what it looked at is what it changes.
"""

from __future__ import annotations

import secrets
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, cast

from pycrdt import Array, Map, Text

from ..calls.proposed import proposed
from ..errors import InvalidArgumentError, NotFoundError
from .cell_form import STANDARD
from .cell_order import plain
from .lent_trust import distrust, distrusted
from .names import shown
from .places import beside as beside
from .places import neighbours as neighbours
from .places import places as places
from .places import take_out
from .shared_outputs import shared_output
from .shared_text import splice_shared
from .values import document_form

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from .live import LiveNotebook
    from .merge import Splice


MANY = 50
"""Of so many cells Yjs takes longer to say where each is than to change them."""

Results = tuple[list[dict[str, Any]], int | None]
"""Outputs of a cell, and its execution count."""


@dataclass(frozen=True, slots=True)
class CellView:
    """A cell as it is now, without its outputs."""

    id: str
    position: int
    type: str
    source: str
    execution_count: int | None
    state: str


@dataclass(frozen=True, slots=True)
class NewCell:
    """A cell to insert."""

    source: str
    type: str = "code"
    id: str = field(default_factory=lambda: secrets.token_hex(4))


def find(notebook: LiveNotebook, ref: str) -> str:
    """Return the id of the cell that `ref` names: an id, or a prefix that only one id has.

    Raises
    ------
    NotFoundError
        No cell, or more than one. Positions are no names: they shift while people work. What may
        be meant as one names no cell whose id happens to start with these digits.
    """
    if notebook.index(ref) is not None:
        return ref
    found = notebook.starting(ref) if ref else []
    if len(found) == 1 and not (ref.isdecimal() and int(ref) <= len(notebook.ids)):
        return found[0]
    if len(found) > 1:
        raise NotFoundError(
            f"More than one cell of '{notebook.shown}' has an id that starts with '{shown(ref)}': "
            f"{shown(', '.join(found[:5]))}. Give more of the id."
        )
    ids = proposed("list_cells", notebook=notebook.path)
    raise NotFoundError(
        f"There is no cell '{shown(ref[:80])}' in '{notebook.shown}'. Cells are named by their id, "
        f"not by position; {ids} shows the ids. It may have been deleted meanwhile."
    )


def view(notebook: LiveNotebook, index: int) -> CellView:
    """Return the cell at `index`, counted from 0."""
    return view_of(notebook.cell_at(index), index)


def view_of(cell: Map[Any], index: int) -> CellView:
    """Return a shared cell that is at `index`: finding it again takes longer the more there are."""
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
    found = shared(notebook, cell_id).get("metadata")
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
    """Return the shared map of a cell that is there."""
    return cast("Map[Any]", notebook.cell(cell_id))


def place(
    notebook: LiveNotebook, *, after: str | None, before: str | None, index: int | None
) -> int:
    """Return the index at which new cells go; the end when no place is given.

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
            f"index {index} is outside '{notebook.shown}', which has {size} cells: 0 is the top, "
            f"{size} or -1 the end. Better name a cell: after=<cell id>."
        )
    return index


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


def move(notebook: LiveNotebook, cell_ids: Sequence[str], index: int, origin: str) -> None:
    """Move cells, in the order given, to before what is at `index` now.

    Yjs cannot move: each cell is made anew, with its id and everything it has.
    """
    moving = set(cell_ids)
    at = sum(cell_id not in moving for cell_id in notebook.ids[:index])
    if notebook.ids[at : at + len(cell_ids)] == list(cell_ids):
        # They are there, with all that people have in them.
        return
    contents = wholes(notebook, cell_ids)
    notebook.removing(cell_ids, for_good=False)
    with notebook.transaction(origin):
        _need_ids(notebook)
        _remove(notebook, cell_ids)
        for offset, content in enumerate(contents):
            notebook.ycells.insert(at + offset, notebook.document.create_ycell(content))


def whole(notebook: LiveNotebook, cell_id: str) -> dict[str, Any]:
    """Return a cell as nbformat has it, outputs, metadata and attachments included."""
    return wholes(notebook, [cell_id])[0]


def wholes(notebook: LiveNotebook, cell_ids: Sequence[str]) -> list[dict[str, Any]]:
    """Return cells as nbformat has them; see `whole`."""
    with notebook.reading():
        found = list(notebook.document.cells_of(shared(notebook, i) for i in cell_ids))
    for cell_id, content in zip(cell_ids, found, strict=True):
        # nbformat 4.4 and older has no ids on disk, the open document has them always.
        content["id"] = cell_id
    return found


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
        notebook.document.learn_results(cell_id, outputs, execution_count)
        cell["outputs"].extend([shared_output(output) for output in outputs])
        cell["execution_count"] = document_form(execution_count)

    _each(notebook, list(results), fill, origin)


def delete(notebook: LiveNotebook, cell_ids: Sequence[str], origin: str) -> None:
    """Delete cells."""
    notebook.removing(cell_ids, for_good=True)
    with notebook.transaction(origin):
        _need_ids(notebook)
        _remove(notebook, cell_ids)


def _remove(notebook: LiveNotebook, cell_ids: Sequence[str]) -> None:
    take_out(notebook, sorted(cast("int", notebook.index(i)) for i in cell_ids))


def replace(notebook: LiveNotebook, cell_id: str, content: dict[str, Any], origin: str) -> None:
    """Make a cell anew in its place, as `content` says."""
    index = cast("int", notebook.index(cell_id))
    notebook.removing([cell_id], for_good=False)
    with notebook.transaction(origin):
        _need_ids(notebook)
        del notebook.ycells[index]
        notebook.ycells.insert(index, notebook.document.create_ycell(distrusted(content)))


def arrange(
    notebook: LiveNotebook, wanted: Sequence[str], anew: dict[str, dict[str, Any]], origin: str
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
    """
    ids, left = list(notebook.ids), set(wanted)
    before = {each: str(cell["source"]) for each in anew if (cell := notebook.cell(each))}
    for good in (True, False):
        out = [i for i in ids if (i not in left if good else i in left and i in anew)]
        if out:
            notebook.removing(out, for_good=good)
    with notebook.transaction(origin):
        _need_ids(notebook)
        take_out(notebook, [n for n, i in enumerate(ids) if i not in left or i in anew])
        for index, cell_id in enumerate(wanted):
            if cell_id in anew:
                content = distrusted(anew[cell_id], before.get(cell_id, ""))
                notebook.ycells.insert(index, notebook.document.create_ycell(content))


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
