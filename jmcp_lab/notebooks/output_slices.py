"""Work on the outputs of many cells, in slices between which the server does its other work.

Each cell's outputs are its own: what a person does to a cell between two slices is looked at as
its turn comes. Which cells there are, and their texts, are never changed in slices.
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
"""Cells in one slice, at most."""


async def clear(
    notebook: LiveNotebook, cell_ids: Sequence[str], origin: str, spared: Callable[[str], bool]
) -> AsyncIterator[list[Change]]:
    """Remove outputs and execution counts, and yield slice by slice what that changes.

    Parameters
    ----------
    notebook : LiveNotebook
    cell_ids : sequence of str
        Code cells.
    origin : str
    spared : Callable
        Whether a cell is to keep what it has after all, such as one that runs by now.
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
    """Take back what a call changed, as `revert` does; add to `done` what that changes in turn.

    Only outputs are taken back in slices, and nothing else is awaited.

    Raises
    ------
    ConflictError
        Nothing was taken back.
    """
    if not all(isinstance(change, Cleared | Refilled) for change in made.changes):
        done += revert(notebook, made, origin, merges, ahead)
        return

    async def work() -> None:
        # Of each cell there is one. The first come first: Yjs walks to each that it tells of.
        known = {change.cell_id: change for change in made.changes}
        async for part in _slices(notebook, list(known)):
            done.extend(_taken_back(notebook, [known[cell_id] for cell_id in part], origin))

    await to_its_end(work())


async def to_its_end(work: Coroutine[Any, Any, None]) -> None:
    """Await work that must not stay half done: who is cancelled meanwhile is so after it."""
    task = asyncio.create_task(work)
    try:
        await asyncio.shield(task)
    except asyncio.CancelledError:
        await asyncio.wait([task])
        if not task.cancelled():
            task.exception()
        raise


async def _slices(notebook: LiveNotebook, cell_ids: Sequence[str]) -> AsyncIterator[list[str]]:
    """Yield ids of cells that are there, with the document ready to be written."""
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
    """Take back what each of these changed, as far as nobody ran the cell since."""
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
