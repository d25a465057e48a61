"""How tools speak of notebooks and cells: short, with the cell's id in every line."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ..files.names import short_path, shown
from ..notebooks import cells
from ..notebooks.locks import locks_of
from ..render.marked import on_one_line, plain_type
from ..text.counting import count as count

if TYPE_CHECKING:
    from ..notebooks.live_notebook import LiveNotebook


def file_name(path: str) -> str:
    """Return what people call a file: with its folder, for there may be others of its name."""
    return short_path(path)


def short_id(notebook: LiveNotebook, cell_id: str) -> str:
    """Return the short name of one cell, as it stands in a line of ours."""
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


def goes(
    notebook: LiveNotebook, *, after: str | None, before: str | None, index: int | None
) -> tuple[str, str]:
    """Return where cells go: in words for people, and by what stays when other cells move.

    Raises
    ------
    InvalidArgumentError
    NotFoundError
    """
    cells.place(notebook, after=after, before=before, index=index)
    for side, ref in (("after", after), ("before", before)):
        if ref is not None:
            cell_id = cells.find(notebook, ref)
            return f"{side} cell {notebook.position(cell_id)}", f"{side} {cell_id}"
    if index is None or index == -1:
        return "at the end", "end"
    return "at the top" if index == 0 else f"as cell {index + 1}", f"index {index}"


def status(view: cells.CellView) -> str:
    """Return whether a code cell has run, in words: never its execution count.

    Two numbers for one cell get mixed up.
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
    """Return how a text begins, as it may stand at the end of a line of ours."""
    first, _, rest = source.strip().partition("\n")
    cut = on_one_line(first[:most]) + ("…" if rest or len(first) > most else "")
    return cut or "(empty)"


def line_change(old: str, new: str) -> str:
    """Return how many lines came and went, for example ``+2 -1 lines``."""
    before, after = old.split("\n"), new.split("\n")
    size = min(len(before), len(after))
    head = 0
    while head < size and before[head] == after[head]:
        head += 1
    tail = 0
    while tail < size - head and before[-1 - tail] == after[-1 - tail]:
        tail += 1
    return f"+{len(after) - head - tail} -{len(before) - head - tail} lines"
