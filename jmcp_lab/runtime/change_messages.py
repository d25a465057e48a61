"""Describes changes of whole cells in replies: which cells are gone, and what an undo restored."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ..codec.cell_form import source_of
from ..files.names import shown
from ..notebooks.changes import Change, Cleared, Deleted, Edited, Inserted, Moved, Refilled, Retyped
from .wording import cell_name, count, first_line

if TYPE_CHECKING:
    from collections.abc import Sequence

    from ..notebooks.live_notebook import LiveNotebook

MAX_LISTED = 10
"""Maximum number of cells that a reply describes one by one."""


def whats_gone(nb: LiveNotebook, changes: Sequence[Deleted]) -> list[str]:
    """Return a line for each cell that is about to be deleted, up to a maximum."""
    lines = [
        f"- {cell_name(nb, change.cell_id)}: {first_line(source_of(change.content))}"
        for change in changes[:MAX_LISTED]
    ]
    return lines + _more(len(changes))


def whats_back(nb: LiveNotebook, done: Sequence[Change]) -> list[str]:
    """Return a line for each change that an undo made, up to a maximum."""
    return [_back(nb, change) for change in done[:MAX_LISTED]] + _more(len(done))


def _more(total: int) -> list[str]:
    rest = total - MAX_LISTED
    return [f"- and {count(rest, 'more cell')}"] if rest > 0 else []


def _back(nb: LiveNotebook, change: Change) -> str:
    name = cell_name(nb, change.cell_id)
    match change:
        case Inserted():
            return f"Restored: {name}: {first_line(source_of(change.content))}"
        case Deleted():
            gone = f"cell (id {shown(change.cell_id[:8])})"
            return f"Removed again: {gone}: {first_line(source_of(change.content))}"
        case Edited():
            return f"Text restored: {name}: {first_line(change.after)}"
        case Moved():
            return f"Moved back: {name}"
        case Retyped():
            return f"{name.capitalize()} is {change.after} again"
        case Refilled():
            return f"Outputs restored: {name}"
        case Cleared():
            return f"Outputs cleared again: {name}"
