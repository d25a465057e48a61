"""Compares edits in notebooks of several sizes with a call that does nothing and with a peer."""

from __future__ import annotations

from functools import partial
from itertools import count
from typing import TYPE_CHECKING, Any

from setting import Agent, write_notebook
from timing import NO_OP, Action, Figures, in_turns, no_op, ratio

if TYPE_CHECKING:
    from lab_server import LabServer

PEER_CELLS = 1000
LISTED = 50


class Editing:
    """Makes every kind of edit in one notebook; a round of all edits restores its size.

    Parameters
    ----------
    agent : Agent
    path : str
    """

    def __init__(self, agent: Agent, path: str) -> None:
        self._agent = agent
        self._path = path
        self._cell = ""
        self._inserted = ""
        self._numbers = count()

    async def start(self, cells: int) -> None:
        """Open the notebook, and insert the cell to edit in the middle."""
        self._cell = await self._agent.insert("first = 0", notebook=self._path, index=cells // 2)

    async def _say(self, tool: str, **arguments: Any) -> None:
        await self._agent.say(tool, notebook=self._path, **arguments)

    async def insert(self) -> None:
        """Insert a cell."""
        place = {"notebook": self._path, "after": self._cell}
        self._inserted = await self._agent.insert("x = 1", **place)

    async def edit(self) -> None:
        """Replace a part of the new cell's text."""
        edits = [{"old": "x = 1", "new": "x = 2"}]
        await self._say("edit_cell", cell=self._inserted, edits=edits)

    async def overwrite(self) -> None:
        """Overwrite the text of the cell in the middle."""
        source = f"first = {next(self._numbers)}\nfirst + 1"
        await self._say("overwrite_cell_source", cell=self._cell, source=source)

    async def move(self) -> None:
        """Move the new cell before the one in the middle."""
        await self._say("move_cell", cells=self._inserted, before=self._cell)

    async def delete(self) -> None:
        """Delete the new cell."""
        await self._say("delete_cell", cells=self._inserted)

    async def read(self) -> None:
        """Read the cell in the middle."""
        await self._say("read_cell", cell=self._cell)

    async def outline(self) -> None:
        """List the first cells."""
        await self._say("list_cells", start=1, limit=LISTED)

    @property
    def actions(self) -> dict[str, Action]:
        """Edits by the names of their tools."""
        return {
            "insert_cell": self.insert,
            "edit_cell": self.edit,
            "overwrite_cell_source": self.overwrite,
            "move_cell": self.move,
            "delete_cell": self.delete,
            "read_cell": self.read,
            "list_cells": self.outline,
        }


async def by_size(server: LabServer, agent: Agent, sizes: list[int], rounds: int) -> Figures:
    """Time each edit in notebooks of each size, and compare it with a call that does nothing."""
    actions: dict[str, Action] = {NO_OP: partial(no_op, agent)}
    for cells in sizes:
        path = f"cells-{cells}.ipynb"
        write_notebook(server, path, cells)
        editing = Editing(agent, path)
        await editing.start(cells)
        actions |= {f"{cells} {name}": action for name, action in editing.actions.items()}
    figures = await in_turns(actions, rounds)
    base = figures[NO_OP]["median_ms"]
    found: Figures = {NO_OP: figures[NO_OP]}
    for cells in sizes:
        found[str(cells)] = {
            name: timed | {"ratio_to_no_op": ratio(timed["median_ms"], base)}
            for name, timed in _of(figures, cells).items()
        }
    small, large = _of(figures, min(sizes)), _of(figures, max(sizes))
    found["ratio_largest_to_smallest"] = {
        name: ratio(large[name]["median_ms"], small[name]["median_ms"]) for name in small
    }
    return found


def _of(figures: dict[str, Figures], cells: int) -> dict[str, Figures]:
    start = f"{cells} "
    return {name[len(start) :]: one for name, one in figures.items() if name.startswith(start)}


async def beside_peer(server: LabServer, other: LabServer, agent: Agent, rounds: int) -> Figures:
    """Time inserting and overwriting in 1,000 cells here and on jupyter-mcp-server."""
    path = f"cells-peer-{PEER_CELLS}.ipynb"
    write_notebook(server, path, PEER_CELLS)
    write_notebook(other, path, PEER_CELLS)
    editing = Editing(agent, path)
    await editing.start(PEER_CELLS)
    numbers = count()
    async with Agent.of_peer(other) as theirs:
        use = {"notebook_name": "cells", "notebook_path": path, "mode": "connect"}
        await theirs.say("use_notebook", **use)
        middle = PEER_CELLS // 2

        async def insert() -> None:
            new = {"cell_index": middle, "cell_type": "code", "cell_source": "x = 1"}
            await theirs.say("insert_cell", **new)

        async def overwrite() -> None:
            source = f"first = {next(numbers)}\nfirst + 1"
            await theirs.say("overwrite_cell_source", cell_index=middle, cell_source=source)

        figures = await in_turns(
            {
                "insert_cell": editing.insert,
                "overwrite_cell_source": editing.overwrite,
                "peer insert_cell": insert,
                "peer overwrite_cell_source": overwrite,
            },
            rounds,
        )
    ratios = {
        name: ratio(figures[name]["median_ms"], figures[f"peer {name}"]["median_ms"])
        for name in ("insert_cell", "overwrite_cell_source")
    }
    return {"cells": PEER_CELLS, **figures, "ratio_to_peer": ratios}
