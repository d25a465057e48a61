"""Measures how the cost of each operation grows with the size of a notebook.

The cost is the CPU time of the server's process, because other work on the machine affects it less
than the elapsed time, and the longest time for which the operation kept the event loop busy.
"""

from __future__ import annotations

import time
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any

from mcp.shared._httpx_utils import create_mcp_http_client
from setting import Agent, watched_loop, write_notebook
from timing import Figures, ratio

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from lab_server import LabServer

LINEAR = "ratio_largest_to_smallest"
SHARE = 5
"""Number of cells of which one is deleted and moved."""


class Scaling:
    """Measures every operation on one notebook.

    Parameters
    ----------
    server : LabServer
    agent : Agent
    cells : int
    """

    def __init__(self, server: LabServer, agent: Agent, cells: int) -> None:
        self._server = server
        self._agent = agent
        self._cells = cells
        self._path = f"cells-scale-{cells}.ipynb"
        self.figures: dict[str, Figures] = {}

    async def measure(self) -> dict[str, Figures]:
        """Do every operation once, in an order in which each finds what it needs."""
        write_notebook(self._server, self._path, self._cells)
        cells, middle = self._cells, f"cell-{self._cells // 2}"
        part = [f"cell-{number}" for number in range(0, cells, SHARE)]
        await self._time("open", "list_cells", limit=10)
        await self._time("list_cells", "list_cells", start=cells // 2, limit=50)
        await self._time("read_cell", "read_cell", cell=middle)
        await self._time("search", "search_notebook", query="no such text")
        await self._time("insert_cell", "insert_cell", source="x = 1", after=middle)
        await self._time("undo insert", "undo_changes")
        edits = [{"old": "print", "new": "repr"}]
        await self._time("edit_cell", "edit_cell", cell=middle, edits=edits)
        await self._time("save", None)
        await self._time("clear all", "clear_outputs")
        await self._time("undo clear all", "undo_changes")
        await self._time("delete a fifth", "delete_cell", cells=part)
        await self._time("undo delete", "undo_changes")
        await self._time("move a fifth", "move_cell", cells=part, index=0)
        await self._time("undo move", "undo_changes")
        await self._time("save after that", None)
        await self._run_all()
        return self.figures

    async def _time(self, name: str, tool: str | None, **arguments: Any) -> None:
        async with self._timed(name):
            if tool is not None:
                await self._agent.say(tool, notebook=self._path, **arguments)
            else:
                await self._saved()

    async def _saved(self) -> None:
        """Wait until all changes are saved, so that nothing changes afterwards."""
        async with create_mcp_http_client({"Authorization": f"token {self._server.token}"}) as http:
            answer = await http.post(
                f"{self._server.url}benchmark/save", json={"path": self._path}, timeout=120
            )
            answer.raise_for_status()

    async def _run_all(self) -> None:
        """Request a run of all cells, and fetch its card as a page does."""
        async with self._timed("run-all request"):
            said = await self._agent.say("execute_cell", notebook=self._path, all=True, hold=0)
        call = said.rsplit("call: ", 1)[1].split()[0]
        async with create_mcp_http_client({"Authorization": f"token {self._server.token}"}) as http:
            async with self._timed("its card"):
                answer = await http.get(f"{self._server.url}jmcp-lab/api/state", timeout=120)
                if answer.status_code != 200 or call not in answer.text:
                    raise RuntimeError(f"no card: {answer.status_code}")

    @asynccontextmanager
    async def _timed(self, name: str) -> AsyncIterator[None]:
        async with watched_loop(self._server) as found:
            start = time.perf_counter()
            yield
            spent = (time.perf_counter() - start) * 1000
        self.figures[name] = {
            "clock_ms": round(spent),
            "cpu_ms": round(found.get("cpu_ms", 0)),
            "loop_work_ms": round(found["work_ms"]),
            "loop_blocked_ms": round(found["blocked_ms"]),
        }


async def scale(server: LabServer, agent: Agent, sizes: list[int]) -> Figures:
    """Measure each size, and the growth of the CPU time from the smallest to the largest."""
    warm = Scaling(server, agent, 50)
    await warm.measure()
    found: Figures = {str(cells): await Scaling(server, agent, cells).measure() for cells in sizes}
    small, large = found[str(min(sizes))], found[str(max(sizes))]
    found["linear"] = ratio(max(sizes), min(sizes))
    found[LINEAR] = {
        name: ratio(large[name]["cpu_ms"], max(small[name]["cpu_ms"], 1)) for name in small
    }
    return found


def table(found: Figures) -> str:
    """Return a table for people of the CPU times and of the longest stretches of the loop."""
    sizes = [size for size in found if size.isdigit()]
    lines = [f"{'CPU ms / loop ms':<18}" + "".join(f"{size:>16}" for size in sizes) + "   ratio"]
    for name in found[sizes[0]]:
        cells = "".join(
            f"{found[size][name]['cpu_ms']:>9} /{found[size][name]['loop_work_ms']:>5}"
            for size in sizes
        )
        lines.append(f"{name:<18}{cells}{found[LINEAR][name]:>8}")
    return "\n".join([*lines, f"linear: {found['linear']}"])
