"""What the helper process does with very large outputs.

Nothing here needs the document, the MCP SDK or Jupyter, so that the process starts in 0.2 s.
Outputs from the document hold only floats for numbers. Turning them into nbformat's numbers takes
long too, so it is done here.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ..codec.values import file_form
from .blocks import block_of
from .full_source import source_of, source_offset
from .outputs import render_cells, render_page

if TYPE_CHECKING:
    from collections.abc import Sequence

    from .outputs import Budget, CellSection, Part


def rendered(cells: Sequence[CellSection], budget: Budget, from_document: bool) -> list[Part]:
    """Return the outputs of several cells; see `render_cells`."""
    if from_document:
        cells = [cell._replace(outputs=[*map(file_form, cell.outputs)]) for cell in cells]
    return render_cells(cells, budget)


def rendered_page(
    cell: CellSection, number: int, offset: int, budget: Budget, from_document: bool
) -> list[Part]:
    """Return a page of one output; see `render_page`.

    Raises
    ------
    InvalidArgumentError
        There is no such output.
    """
    outputs = list(cell.outputs)
    if from_document and 1 <= number <= len(outputs):
        # The others are only counted.
        outputs[number - 1] = file_form(outputs[number - 1])
    return render_page(outputs, number, offset, budget, hint=cell.hint)


def searchable(output: Any, number: int) -> tuple[str, tuple[str, int] | None]:  # noqa: ANN401
    """Return an output's text as a reply shows it, and what the text only summarises.

    Parameters
    ----------
    output : mapping or None
        None for an output that no longer exists.
    number : int
        From 1.

    Returns
    -------
    str
    tuple or None
        What the text is a summary of, in words, and the offset where that can be read.
    """
    if output is None:
        return "", None
    shown = file_form(output)
    block = block_of(shown, number)
    source = source_of(shown, block)
    return block.text, (source.what, source_offset(block.text)) if source is not None else None
