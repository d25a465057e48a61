"""From cells with outputs to the parts of a reply, within this server's limits."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from .render import Budget, CellOutputs, Hint, render_cells, render_page
from .wording import short_id

if TYPE_CHECKING:
    from collections.abc import Sequence

    from ..calls.call import ImagePart, TextPart
    from ..kernels.run import Run
    from ..notebooks.live import LiveNotebook
    from .services import Limits

WORDS_AROUND = 400
"""Characters of a reply that are kept for the words before and after the cells."""


HEAVY = 500_000
"""More than so many characters are rendered in a thread."""


def budget(limits: Limits) -> Budget:
    """Return what the cells of one reply may hold."""
    return Budget(
        text=max(limits.text - WORDS_AROUND, 500),
        image_chars=limits.images,
        images=limits.send_images,
    )


def pages_of(notebook: LiveNotebook, cell_id: str) -> Hint:
    """Return the words that say how to get the rest of a cell's long output."""
    return _pages(short_id(notebook, cell_id))


def pages_of_run(run: Run, piece: int) -> Hint:
    """Return the same for code that is in no cell, or not any more: its run is named instead."""
    return _pages(run.id if len(run.pieces) == 1 else f"{run.id}/{piece + 1}")


def _pages(name: str) -> Hint:
    return lambda output, offset: f"read_cell(cell='{name}', output={output}, offset={offset})"


async def render(cells: Sequence[CellOutputs], limits: Limits) -> list[TextPart | ImagePart]:
    """Return the parts of a reply; what takes long is done off the event loop."""
    if sum(_weight(output) for cell in cells for output in cell.outputs) > HEAVY:
        return await asyncio.to_thread(render_cells, cells, budget(limits))
    return render_cells(cells, budget(limits))


async def render_one(
    outputs: Sequence[object], number: int, offset: int, limits: Limits
) -> list[TextPart | ImagePart]:
    """Return a page of one output, counted from 1.

    Raises
    ------
    InvalidArgumentError
        There is no such output.
    """
    if sum(map(_weight, outputs)) > HEAVY:
        return await asyncio.to_thread(render_page, outputs, number, offset, budget(limits))
    return render_page(outputs, number, offset, budget(limits))


def _weight(output: object) -> int:
    """Return about how many characters there are to go through; an image weighs a lot."""
    if not isinstance(output, dict):
        return 0
    data = output.get("data")
    if isinstance(data, dict):
        if any(str(mime).startswith("image/") for mime in data):
            return HEAVY + 1
        return sum(len(value) for value in data.values() if isinstance(value, str))
    text = output.get("text")
    return len(text) if isinstance(text, str) else 0
