"""Arguments that several tools share, and what they name."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Literal

from pydantic import AfterValidator, Field

from ..calls.proposed import proposed
from ..errors import InvalidArgumentError
from ..notebooks import cells as live_cells

if TYPE_CHECKING:
    from ..notebooks.live_notebook import LiveNotebook


MOST_CHARACTERS = 2_000_000
"""In the text of a cell that an agent writes."""


def check_length(text: str) -> str:
    """Return a text for a cell, if it is not too long for one.

    Raises
    ------
    ValueError
    """
    if len(text) > MOST_CHARACTERS:
        raise ValueError(
            f"A cell of {len(text)} characters is too long; at most {MOST_CHARACTERS} are written. "
            "Put the data into a file and read it from there."
        )
    return text


def lines(text: str) -> str:
    r"""Return a cell's text with the line breaks that notebooks have.

    The editor of a page counts ``\r\n`` as one character and the shared text as two: what a person
    types below would get into other places than where it was typed.
    """
    return text.replace("\r\n", "\n").replace("\r", "\n")


Notebook = str | None
Cell = str
Cells = Annotated[str | list[str], Field(description="One cell id or several.")]
Source = Annotated[str, AfterValidator(check_length), AfterValidator(lines)]
CellType = Literal["code", "markdown", "raw"]


def resolve_all(nb: LiveNotebook, refs: str | list[str]) -> list[str]:
    """Return the ids that are meant, each once, in the order given."""
    found = [live_cells.find(nb, ref) for ref in ([refs] if isinstance(refs, str) else refs)]
    if not found:
        ids = proposed("list_cells", notebook=nb.path)
        raise InvalidArgumentError(f"Name at least one cell; {ids} shows the ids.")
    return list(dict.fromkeys(found))
