"""Change the outputs of many cells in slices, so that the server can do other work in between.

The outputs of each cell are independent. When the turn of a cell comes, its state is checked again,
as a person may have changed it between two slices. Cells and their texts are never changed in
slices.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from ..codec.fingerprint import mark
from ..server.pace import in_turns
from . import cells
from .changes import Change, Cleared, Refilled
from .undo import results, revert

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Coroutine, Sequence
    from typing import Any

    from .changes import ChangeSet
    from .live_notebook import LiveNotebook
    from .merges import Merges
    from .prepared_update import Ahead

SLICE = 200
"""Maximum number of cells in one slice."""


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
        known = {change.cell_id: change for change in made.changes}
        async for part in _slices(notebook, list(known)):
            done.extend(_taken_back(notebook, [known[cell_id] for cell_id in part], origin))

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


def _taken_back(notebook: LiveNotebook, changes: Sequence[Change], origin: str) -> list[Change]:
    """Undo each of these changes, unless the cell has run since."""
    now = results(notebook, [change.cell_id for change in changes])
    filled = {
        c.cell_id: (c.outputs, c.execution_count)
        for c in changes
        if isinstance(c, Cleared) and now[c.cell_id] == ([], None)
    }
    emptied = [
        c
        for c in changes
        if isinstance(c, Refilled) and mark(now[c.cell_id]) == mark((c.outputs, c.execution_count))
    ]
    if filled:
        cells.refill(notebook, filled, origin)
    if emptied:
        cells.clear_outputs(notebook, [c.cell_id for c in emptied], origin)
    return [
        *(Refilled(cell_id, *had) for cell_id, had in filled.items()),
        *(Cleared(c.cell_id, c.outputs, c.execution_count) for c in emptied),
    ]
