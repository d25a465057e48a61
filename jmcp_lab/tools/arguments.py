"""Arguments that several tools share, and what they name."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Literal

from pydantic import Field

from ..errors import InvalidArgumentError
from ..notebooks import cells as live_cells

if TYPE_CHECKING:
    from ..notebooks.live import LiveNotebook

Notebook = str | None
Cell = str
Cells = Annotated[str | list[str], Field(description="One cell id or several.")]
CellType = Literal["code", "markdown", "raw"]


def resolve_all(nb: LiveNotebook, refs: str | list[str]) -> list[str]:
    """Return the ids that are meant, each once, in the order given."""
    found = [live_cells.find(nb, ref) for ref in ([refs] if isinstance(refs, str) else refs)]
    if not found:
        raise InvalidArgumentError("Name at least one cell; list_cells shows the ids.")
    return list(dict.fromkeys(found))
