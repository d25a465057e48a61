"""Change the outputs of many cells in slices, so that the server can do other work in between.

The outputs of each cell are independent. When the turn of a cell comes, its state is checked again,
as a person may have changed it between two slices. Cells and their texts are never changed in
slices.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

from pycrdt import Array, Map

from ..codec.prepared_outputs import PreparedOutput, prepared_output
from ..codec.values import document_form, fingerprint
from ..server.heavy_work import in_short_turns, takes_long
from ..server.pace import in_turns
from . import cells
from .cell_order import plain
from .changes import Change, Cleared, Refilled
from .shared_values import to_python
from .undo import is_still, revert

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Coroutine, Sequence

    from .changes import ChangeSet
    from .live_notebook import LiveNotebook
    from .merges import Merges
    from .prepared_update import Ahead

SLICE = 200
"""Maximum number of cells in one slice."""

_Prepared = dict[str, list[PreparedOutput]]
"""What was found out about the outputs of changes, by cell."""


async def clear(
    notebook: LiveNotebook, cell_ids: Sequence[str], origin: str, spared: Callable[[str], bool]
) -> AsyncIterator[list[Change]]:
    """Remove outputs and execution counts; yield the resulting changes slice by slice.

    Parameters
    ----------
    notebook : LiveNotebook
    cell_ids : sequence of str
        Code cells.
    origin : str
    spared : Callable
        Returns whether a cell must keep its outputs after all, for example because it runs now.
    """
    async for part in _slices(notebook, cell_ids):
        with notebook.reading():
            wanted = [cell_id for cell_id in part if not spared(cell_id)]
        yield _clear(notebook, wanted, origin)


async def take_back(
    notebook: LiveNotebook,
    made: ChangeSet,
    origin: str,
    done: list[Change],
    merges: Merges | None = None,
    ahead: Ahead | None = None,
) -> None:
    """Undo what a call changed, as `revert` does; add the resulting changes to `done`.

    Only outputs are undone in slices. For anything else, this does not await.

    Raises
    ------
    ConflictError
        Nothing was undone.
    """
    if not all(isinstance(change, Cleared | Refilled) for change in made.changes):
        done += revert(notebook, made, origin, merges, ahead)
        return

    async def work() -> None:
        # There is one change for each cell. Start with the first cells, because Yjs walks to each
        # cell that it reports.
        outputs = [c for c in made.changes if isinstance(c, Cleared | Refilled)]
        known = {change.cell_id: change for change in outputs}
        async for part in _slices(notebook, list(known)):
            changes = [known[cell_id] for cell_id in part]
            prepared = await _prepare(changes)
            await notebook.ready()
            done.extend(_taken_back(notebook, changes, prepared, origin))

    await to_its_end(work())


async def to_its_end(work: Coroutine[Any, Any, None]) -> None:
    """Await work that must not stop halfway; if cancelled, finish it and then raise."""
    task = asyncio.create_task(work)
    try:
        await asyncio.shield(task)
    except asyncio.CancelledError:
        await asyncio.wait([task])
        if not task.cancelled():
            task.exception()
        raise


async def _slices(notebook: LiveNotebook, cell_ids: Sequence[str]) -> AsyncIterator[list[str]]:
    """Yield ids of existing cells, when the document is ready to be written."""
    async for part in in_turns(cell_ids, SLICE):
        await notebook.ready()
        yield [cell_id for cell_id in part if notebook.index(cell_id) is not None]


def _clear(notebook: LiveNotebook, cell_ids: Sequence[str], origin: str) -> list[Change]:
    found: list[Change] = []
    for cell_id, content in zip(cell_ids, cells.wholes(notebook, cell_ids), strict=True):
        outputs, count = content.get("outputs", []), content.get("execution_count")
        if outputs or count is not None:
            found.append(Cleared(cell_id, outputs, count))
    if found:
        cells.clear_outputs(notebook, [change.cell_id for change in found], origin)
    return found


async def _prepare(changes: Sequence[Cleared | Refilled]) -> _Prepared:
    """Find out what is needed to undo changes of outputs; for large outputs, in a thread."""
    outputs = {change.cell_id: change.outputs for change in changes}
    if takes_long({"outputs": list(outputs.values())}):
        return await asyncio.to_thread(in_short_turns, _prepared, outputs)
    return _prepared(outputs)


def _prepared(outputs: dict[str, list[dict[str, Any]]]) -> _Prepared:
    return {cell_id: [*map(prepared_output, found)] for cell_id, found in outputs.items()}


def _taken_back(
    notebook: LiveNotebook,
    changes: Sequence[Cleared | Refilled],
    prepared: _Prepared,
    origin: str,
) -> list[Change]:
    """Undo each of these changes, unless the cell is gone or has run since."""
    with notebook.reading():
        filled = {
            c.cell_id: (c.outputs, c.execution_count)
            for c in changes
            if isinstance(c, Cleared) and _has(notebook, c.cell_id, [], None)
        }
        emptied = [
            c
            for c in changes
            if isinstance(c, Refilled)
            and _has(notebook, c.cell_id, prepared[c.cell_id], c.execution_count)
        ]
    if filled:
        cells.refill(notebook, filled, origin, prepared)
    if emptied:
        cells.clear_outputs(notebook, [c.cell_id for c in emptied], origin)
    return [
        *(Refilled(cell_id, *had) for cell_id, had in filled.items()),
        *(Cleared(c.cell_id, c.outputs, c.execution_count) for c in emptied),
    ]


def _has(
    notebook: LiveNotebook,
    cell_id: str,
    outputs: Sequence[PreparedOutput],
    execution_count: int | None,
) -> bool:
    """Return whether a cell has ended its run with exactly these results."""
    cell = notebook.cell(cell_id)
    if cell is None or not is_still(cell):
        return False
    if plain(cell, "execution_count")[0] != document_form(execution_count):
        return False
    found = cell.get("outputs")
    if not isinstance(found, Array) or len(found) != len(outputs):
        return False
    return all(
        isinstance(there, Map) and _equals(to_python(there), each)
        for there, each in zip(found, outputs, strict=True)
    )


def _equals(form: dict[str, Any], prepared: PreparedOutput) -> bool:
    """Return whether an output in document form is the prepared one; true differs from 1."""
    return form == prepared.form and fingerprint(form) == prepared.mark
