"""From cells with outputs to the parts of a reply, within this server's limits."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from .render import Budget, CellOutputs, Hint, render_cells
from .wording import short_id

if TYPE_CHECKING:
    from collections.abc import Sequence

    from ..calls.call import ImagePart, TextPart
    from ..notebooks.live import LiveNotebook
    from .services import Limits

WORDS_AROUND = 400
"""Characters of a reply that are kept for the words before and after the cells."""


def budget(limits: Limits) -> Budget:
    """Return what the cells of one reply may hold."""
    return Budget(
        text=max(limits.text - WORDS_AROUND, 500),
        image_chars=limits.images,
        images=limits.send_images,
    )


def pages_of(notebook: LiveNotebook, cell_id: str) -> Hint:
    """Return the words that say how to get the rest of a cell's long output."""
    name = short_id(notebook, cell_id)
    return lambda output, offset: f"read_cell(cell='{name}', output={output}, offset={offset})"


async def render(cells: Sequence[CellOutputs], limits: Limits) -> list[TextPart | ImagePart]:
    """Return the parts of a reply; images are decoded and scaled off the event loop."""
    if any(_has_image(output) for cell in cells for output in cell.outputs):
        return await asyncio.to_thread(render_cells, cells, budget(limits))
    return render_cells(cells, budget(limits))


def _has_image(output: object) -> bool:
    data = output.get("data") if isinstance(output, dict) else None
    return isinstance(data, dict) and any(str(mime).startswith("image/") for mime in data)
