"""Simulates another program that writes the file of an open notebook: git, an editor, a script."""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

FIRST_WRITTEN = 0xAC00
"""First of the Korean syllables that the program writes, each once."""

Cells = list[dict[str, Any]]


def code_cell(cell_id: str, source: str) -> dict[str, Any]:
    return {
        "id": cell_id,
        "cell_type": "code",
        "source": source,
        "metadata": {},
        "outputs": [{"output_type": "stream", "name": "stdout", "text": "out\n"}],
        "execution_count": 1,
    }


def text_of(file: str) -> str:
    """Return the text of all cells of a file."""
    return "".join("".join(cell["source"]) for cell in json.loads(file)["cells"])


class Program:
    """Changes a notebook file without any knowledge of rooms.

    Parameters
    ----------
    where : Callable[[], Path]
        Returns the present path of the file.
    """

    def __init__(self, where: Callable[[], Path]) -> None:
        self.where = where
        self.earlier: list[str] = []
        self.number = 0
        self.written: dict[str, str] = {}
        """Ids of the cells into which the syllables were written, by syllable."""

    def syllable(self, cell_id: str) -> str:
        new = chr(FIRST_WRITTEN + self.number)
        self.written[new] = cell_id
        return new

    def write(self, content: dict[str, Any], *, older: bool = False) -> None:
        """Replace the file by a new one, as git and careful editors do."""
        where = self.where()
        new = where.with_suffix(".new")
        new.write_text(json.dumps(content))
        if where.exists():
            # Two writes can happen within one tick of the file system's clock.
            by = -3600 if older else 1
            changed = where.stat().st_mtime_ns + by * 10**9 + self.number * 10**6
            os.utime(new, ns=(changed, changed))
        os.replace(new, where)

    def rewrites(self, cell: int, at: int) -> set[str]:
        """Change a cell, the order, or restore an earlier content; return removed characters."""
        before = self.where().read_text()
        self.earlier.append(before)
        self.number += 1
        content = json.loads(before)
        at, what = divmod(at, len(CHANGES) + 1)
        if what == len(CHANGES):
            content = json.loads(self.earlier[-1 - at % len(self.earlier)])
        elif content["cells"]:
            CHANGES[what](self, content["cells"], cell % len(content["cells"]), at)
        self.write(content, older=at % 5 == 4)
        return set(text_of(before)) - set(text_of(self.where().read_text()))

    def _line(self, cells: Cells, cell: int, at: int) -> None:
        lines = "".join(cells[cell]["source"]).split("\n")
        line = at % len(lines)
        if at % 2 and len(lines) > 1:
            del lines[line]
        else:
            lines[line] += self.syllable(cells[cell]["id"])
        cells[cell]["source"] = "\n".join(lines)

    def _insert(self, cells: Cells, cell: int, at: int) -> None:
        cell_id = f"o{self.number}"
        cells.insert(at % (len(cells) + 1), code_cell(cell_id, self.syllable(cell_id)))

    def _delete(self, cells: Cells, cell: int, at: int) -> None:
        del cells[cell]

    def _move(self, cells: Cells, cell: int, at: int) -> None:
        cells.insert(at % len(cells), cells.pop(cell))

    def _clear(self, cells: Cells, cell: int, at: int) -> None:
        if cells[cell]["cell_type"] == "code":
            cells[cell]["outputs"] = []

    def _retype(self, cells: Cells, cell: int, at: int) -> None:
        old = cells[cell]
        new = code_cell(old["id"], "".join(old["source"]))
        if old["cell_type"] == "code":
            new = {key: new[key] for key in ("id", "source", "metadata")}
            new["cell_type"] = "markdown"
        cells[cell] = new


CHANGES = (
    Program._line,
    Program._insert,
    Program._delete,
    Program._move,
    Program._clear,
    Program._retype,
)


def comparable(content: dict[str, Any]) -> dict[str, Any]:
    """Return a notebook without the trust of its cells, which is never in a file."""
    plain: dict[str, Any] = json.loads(json.dumps(content))
    for cell in plain["cells"]:
        cell["metadata"].pop("trusted", None)
    return plain
