"""Measure jmcp_lab on this machine: `python benchmarks/run.py` prints JSON.

Starts real servers in temporary folders, connects the official MCP client and, unless
``--no-page``, Chromium. Needs the environment of the tests.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import platform
import sys
import tempfile
from contextlib import AsyncExitStack, contextmanager
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, Any

import analysis
import edits
from cost import cost
from crowd import crowd
from endurance import PAUSE, edit_endurance, run_endurance
from execution import beside_peer as runs_beside_peer
from execution import execution
from goals import GOALS
from memory import run_memory
from output import kernels, large_output, output
from page import edit_to_page
from scale import scale, table
from setting import Agent, agent, browser_page, importable, lab_server

if TYPE_CHECKING:
    from collections.abc import Iterator

    from lab_server import LabServer

MEASURES = [
    "edits",
    "scale",
    "peer",
    "analysis",
    "crowd",
    "execution",
    "output",
    "large",
    "kernels",
    "page",
    "cost",
    "memory",
    "endurance",
    "run_endurance",
]
PACKAGES = ("jmcp_lab", "jupyterlab", "jupyter_server", "jupyter-server-ydoc", "mcp", "ipykernel")


def main() -> int:
    """Run the measures that the command line selects."""
    options = _parser().parse_args()
    importable()
    with measured_server() as server:
        figures = asyncio.run(measured(server, options))
    if "cost" in options.only:
        figures["cost"] = cost(options.starts)
    if "memory" in options.only:
        figures["memory"] = run_memory(measured_server)
    goals = [goal.judged(figures) for goal in GOALS]
    found = {"machine": machine(), "goals": goals, "figures": figures}
    report = json.dumps(found, indent=2)
    print(report)
    if "scale" in figures:
        print(table(figures["scale"]), file=sys.stderr)
    if options.output:
        options.output.write_text(report + "\n", encoding="utf-8")
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=100, help="how often each thing is timed")
    parser.add_argument("--turns", type=int, default=5, help="turns of many agents, 5 s each")
    parser.add_argument("--starts", type=int, default=5, help="starts of each kind of server")
    parser.add_argument("--minutes", type=float, default=10, help="how long agents edit, and run")
    parser.add_argument(
        "--pause", type=float, default=PAUSE, help="seconds between two calls of such an agent"
    )
    parser.add_argument("--cells", type=int, nargs="*", default=[10, 1000, 5000])
    parser.add_argument("--sizes", type=int, nargs="*", default=[500, 1000, 2000, 4000])
    parser.add_argument("--no-page", action="store_true", help="without a browser")
    parser.add_argument("--output", type=Path, help="write the JSON to a file, too")
    parser.add_argument(
        "--only", nargs="*", choices=MEASURES, default=MEASURES, help="some measures"
    )
    parser.add_argument(
        "--peer", help="Python of an environment with jupyter-mcp-server, to compare with"
    )
    return parser


@contextmanager
def measured_server(
    extensions: dict[str, bool] | None = None, python: str = sys.executable
) -> Iterator[LabServer]:
    """Run a server in a temporary folder; after an error, print the end of its log."""
    extensions = {"in_process": True} if extensions is None else extensions
    with tempfile.TemporaryDirectory(prefix="jmcp-lab-benchmark-") as folder:
        server = lab_server(Path(folder), extensions=extensions, python=python)
        server.start()
        try:
            yield server
        except BaseException:
            # The folder with the log is about to be deleted.
            print(server.log[-8000:], file=sys.stderr)
            raise
        finally:
            server.stop()


async def measured(server: LabServer, options: argparse.Namespace) -> dict[str, Any]:
    """Run the measures one after the other."""
    wanted = set(options.only)
    figures: dict[str, Any] = {}
    async with AsyncExitStack() as stack:
        robot = await stack.enter_async_context(agent(server))
        if "edits" in wanted:
            # Measured before a page is open, because the page's work is not part of an edit.
            figures["edits"] = await edits.by_size(server, robot, options.cells, options.rounds)
        if "scale" in wanted:
            figures["scale"] = await scale(server, robot, options.sizes)
        figures |= await compared(server, robot, options)
        if "crowd" in wanted:
            figures["crowd"] = await crowd(server, options.turns)
        page = None
        if not options.no_page and wanted & {"execution", "output", "large", "page"}:
            page = await stack.enter_async_context(browser_page(server))
        if "execution" in wanted:
            figures["execution"] = await execution(server, robot, page, options.rounds)
        if "output" in wanted:
            figures["output"] = await output(server, robot, page, options.rounds)
        if "large" in wanted:
            figures["large"] = await large_output(server, robot, page)
        if "kernels" in wanted:
            figures["kernels"] = await kernels(server)
        if "page" in wanted and page is not None:
            figures["page"] = await edit_to_page(server, robot, page, options.rounds)
    for name, endure in (("endurance", edit_endurance), ("run_endurance", run_endurance)):
        if name in wanted:
            # A new server, because leftovers of other measures are not growth of this one.
            with measured_server() as fresh:
                figures[name] = await endure(fresh, options.minutes, options.pause)
    return figures


async def compared(server: LabServer, robot: Agent, options: argparse.Namespace) -> dict[str, Any]:
    """Run the comparisons here and, if it is available, on jupyter-mcp-server."""
    figures: dict[str, Any] = {}
    wanted = set(options.only)
    if "analysis" in wanted:
        analysis.write_data(server.root)
        ours = await analysis.played(robot.client, by_position=False)
        figures["analysis"] = analysis.compared(ours, None)
    if not options.peer or not wanted & {"analysis", "peer"}:
        return figures
    with measured_server({}, options.peer) as other:
        if "analysis" in wanted:
            analysis.write_data(other.root)
            async with Agent.of_peer(other) as theirs:
                play = await analysis.played(theirs.client, by_position=True)
            figures["analysis"] = analysis.compared(ours, play)
        if "peer" in wanted:
            figures["peer"] = await edits.beside_peer(server, other, robot, options.rounds)
            figures["peer_execution"] = await runs_beside_peer(server, other, robot, options.rounds)
    return figures


def machine() -> dict[str, Any]:
    """Return the properties of this machine that the figures depend on, without its name."""
    return {
        "system": f"{platform.system()} {platform.machine()}",
        "cpus": os.cpu_count(),
        "load_1_minute": round(os.getloadavg()[0], 2) if hasattr(os, "getloadavg") else None,
        "python": platform.python_version(),
        "packages": {name: version(name) for name in PACKAGES},
    }


if __name__ == "__main__":
    sys.exit(main())
