"""Names notebooks and cells in replies: short, with the cell's id in every line."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from ..files.names import short_path, shown
from ..notebooks import cells
from ..notebooks.locks import locks_of
from ..render.marked import on_one_line, plain_type
from ..text.counting import count as count
from ..text.diff import common_ends

if TYPE_CHECKING:
    from ..notebooks.live_notebook import LiveNotebook


def file_name(path: str) -> str:
    """Return a file's name with its folder, because a name alone may be ambiguous."""
    return short_path(path)


def short_id(notebook: LiveNotebook, cell_id: str) -> str:
    """Return the short id of one cell, escaped for a line of a reply."""
    return shown(notebook.short_id(cell_id))


def cell_name(notebook: LiveNotebook, cell_id: str) -> str:
    """Return for example ``cell 3 (id 1a2b3c4d)``; positions count from 1."""
    position = notebook.position(cell_id)
    where = f"cell {position}" if position else "deleted cell"
    return f"{where} (id {short_id(notebook, cell_id)})"


def cells_title(notebook: LiveNotebook, cell_ids: list[str]) -> str:
    """Return for example ``cell 3`` or ``4 cells``: for people, without ids."""
    if len(cell_ids) == 1:
        return f"cell {notebook.position(cell_ids[0])}"
    return count(len(cell_ids), "cell")


class Goal(NamedTuple):
    """The position that an insertion or a move will give cells.

    Parameters
    ----------
    at : int
        Index at this moment.
    words : str
        Description for people.
    key : str
        Name of the position that stays the same when other cells move.
    """

    at: int
    words: str
    key: str


def describe_position(
    notebook: LiveNotebook, *, after: str | None, before: str | None, index: int | None
) -> Goal:
    """Return the position that the arguments of a call describe.

    Raises
    ------
    InvalidArgumentError
    NotFoundError
    """
    at = cells.place(notebook, after=after, before=before, index=index)
    if after is not None:
        return Goal(at, f"after cell {at}", f"after {notebook.ids[at - 1]}")
    if before is not None:
        return Goal(at, f"before cell {at + 1}", f"before {notebook.ids[at]}")
    if index is None or index == -1:
        return Goal(at, "at the end", "end")
    return Goal(at, "at the top" if index == 0 else f"as cell {index + 1}", f"index {index}")


def status(view: cells.CellView) -> str:
    """Return a phrase for whether a code cell has run, without its execution count.

    Agents mix up two numbers for one cell.
    """
    if view.type != "code":
        return ""
    if view.state == "running":
        return "running"
    return "ran" if view.execution_count is not None else "not run"


def header(notebook: LiveNotebook, view: cells.CellView) -> str:
    """Return the line above a cell's text."""
    words = [
        f"cell {view.position}",
        f"id {short_id(notebook, view.id)}",
        plain_type(view.type),
        status(view),
        locks_of(notebook.cell(view.id)).words(),
    ]
    return " · ".join(word for word in words if word)


def first_line(source: str, most: int = 80) -> str:
    """Return the first line of a text, escaped for the end of a line of a reply."""
    first, _, rest = source.strip().partition("\n")
    cut = on_one_line(first[:most]) + ("…" if rest or len(first) > most else "")
    return cut or "(empty)"


def line_change(old: str, new: str) -> str:
    """Return how many lines were added and removed, for example ``+2 -1 lines``."""
    before, after = old.split("\n"), new.split("\n")
    head, tail = common_ends(before, after)
    return f"+{len(after) - head - tail} -{len(before) - head - tail} lines"
