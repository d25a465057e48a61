"""From cells with outputs to the parts of a reply, within this server's limits."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from itertools import islice
from typing import TYPE_CHECKING, Any, TypeVar

from ..calls.proposed import proposed
from ..notebooks.heavy import in_turn
from ..notebooks.shared_outputs import file_outputs
from .render import Budget, CellOutputs, render_cells, render_page

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from ..calls.call import ImagePart, TextPart
    from ..kernels.run import Run
    from ..notebooks.live import LiveNotebook
    from .services import Limits

WORDS_AROUND = 400
"""Characters of a reply that are kept for the words before and after the cells."""


HEAVY = 500_000
"""More than so many characters are rendered in a thread."""

MOST_VALUES = 20_000
"""Values that are looked at to know how much there is; lists count by their length before."""

_EACH = 10
"""What a value in a list or an object counts for besides its characters: numbers have some."""

Result = TypeVar("Result")

_threads = ThreadPoolExecutor(1, thread_name_prefix="jmcp render")
"""Replies of all agents that take long; see `heavy`."""


async def off_the_loop(work: Callable[..., Result], *arguments: object) -> Result:
    """Return what a function returns, called in one of the threads for what takes long."""
    return await asyncio.get_running_loop().run_in_executor(_threads, in_turn, work, *arguments)


def budget(limits: Limits) -> Budget:
    """Return what the cells of one reply may hold."""
    return Budget(
        text=max(limits.text - WORDS_AROUND, 500),
        image_chars=limits.images,
        images=limits.send_images,
    )


def of_cell(
    notebook: LiveNotebook, cell_id: str, label: str, outputs: Sequence[object]
) -> CellOutputs:
    """Return the outputs of a cell with the words that say how to get the rest of a long one."""
    return _named(label, outputs, notebook.short_id(cell_id), notebook.path)


def of_run(run: Run, piece: int, label: str, outputs: Sequence[object]) -> CellOutputs:
    """Return the same for code that is in no cell, or not any more: its run is named instead."""
    name = run.id if len(run.pieces) == 1 else f"{run.id}/{piece + 1}"
    return _named(label, outputs, name, None)


def _named(label: str, outputs: Sequence[object], name: str, path: str | None) -> CellOutputs:
    def pages(output: int, offset: int) -> str:
        return proposed("read_cell", cell=name, output=output, offset=offset, notebook=path)

    return CellOutputs(label, outputs, pages, name, path)


async def render(cells: Sequence[CellOutputs], limits: Limits) -> list[TextPart | ImagePart]:
    """Return the parts of a reply; what takes long is done off the event loop."""
    if is_heavy(cell.outputs for cell in cells):
        return await off_the_loop(render_cells, cells, budget(limits))
    return render_cells(cells, budget(limits))


async def render_one(
    cell: CellOutputs, number: int, offset: int, limits: Limits
) -> list[TextPart | ImagePart]:
    """Return a page of one output of a cell, counted from 1.

    Raises
    ------
    InvalidArgumentError
        There is no such output.
    """
    page = partial(render_page, cell.outputs, number, offset, budget(limits), hint=cell.hint)
    return await off_the_loop(page) if is_heavy(cell.outputs) else page()


async def in_file_form(cells: Sequence[Sequence[object]]) -> list[list[dict[str, Any]]]:
    """Return outputs of cells of the document as nbformat has them."""

    def convert() -> list[list[dict[str, Any]]]:
        return [file_outputs(outputs) for outputs in cells]

    return await off_the_loop(convert) if is_heavy(cells) else convert()


def is_heavy(outputs: Iterable[object]) -> bool:
    """Return whether there is so much to go through that it takes long; an image always does."""
    return weight(outputs, HEAVY, image=HEAVY + 1, unseen=HEAVY + 1) > HEAVY


def weight(outputs: Iterable[object], most: int, *, image: int = 0, unseen: int = 0) -> int:
    """Return about how many characters there are to go through.

    Counting stops beyond `most`, and after `MOST_VALUES`, so that it is never long itself.

    Parameters
    ----------
    outputs : iterable
    most : int
    image : int, optional
        What an image counts for besides its characters.
    unseen : int, optional
        What it counts for that there are more values than were looked at.
    """
    found = seen = 0
    waiting: list[object] = [list(outputs)]
    while waiting and found <= most and seen <= MOST_VALUES:
        value = waiting.pop()
        seen += 1
        if isinstance(value, str):
            found += len(value)
        elif isinstance(value, Mapping | list | tuple):
            found += _EACH * len(value)
            if found > most:
                break
            if isinstance(value, Mapping):
                if image and any(str(key).startswith("image/") for key in value):
                    found += image
                waiting += islice(value.values(), MOST_VALUES)
            else:
                waiting += value[:MOST_VALUES]
    return found + unseen if waiting and seen > MOST_VALUES else found
