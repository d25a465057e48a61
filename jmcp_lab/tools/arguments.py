"""Defines the arguments that several tools share, and resolves the cells that they name."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Literal

from pydantic import AfterValidator, Field

from ..calls.proposed import proposed
from ..errors import InvalidArgumentError
from ..notebooks import cells as live_cells

if TYPE_CHECKING:
    from ..notebooks.live_notebook import LiveNotebook


MAX_CHARACTERS = 2_000_000
"""Maximum number of characters in the text of a cell that an agent writes."""


def check_length(text: str) -> str:
    """Return a text for a cell after checking its length.

    Raises
    ------
    ValueError
    """
    if len(text) > MAX_CHARACTERS:
        raise ValueError(
            f"A cell of {len(text)} characters is too long: a cell can have at most "
            f"{MAX_CHARACTERS}. Put the data into a file and read it from there."
        )
    return text


def normalize_newlines(text: str) -> str:
    r"""Return a cell's text with the line breaks that notebooks use.

    The editor of a page counts ``\r\n`` as one character, but the shared text counts it as two.
    Text that a person types after such a line break would end up in the wrong place.
    """
    return text.replace("\r\n", "\n").replace("\r", "\n")


Notebook = str | None
Cell = str
Cells = Annotated[str | list[str], Field(description="One cell id or several.")]
Source = Annotated[str, AfterValidator(check_length), AfterValidator(normalize_newlines)]
CellType = Literal["code", "markdown", "raw"]


def resolve_all(nb: LiveNotebook, refs: str | list[str]) -> list[str]:
    """Return the ids of the named cells in the given order, without duplicates."""
    found = [live_cells.find(nb, ref) for ref in ([refs] if isinstance(refs, str) else refs)]
    if not found:
        ids = proposed("list_cells", notebook=nb.path)
        raise InvalidArgumentError(f"Name at least one cell; {ids} shows the ids.")
    return list(dict.fromkeys(found))
