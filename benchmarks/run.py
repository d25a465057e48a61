"""Measure jmcp_lab on this machine: `python benchmarks/run.py` prints JSON.

Starts a real server in a temporary folder, connects the official MCP client and, unless
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
from contextlib import AsyncExitStack
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, Any

import analysis
import measures
from setting import agent, browser_page, lab_server, peer

if TYPE_CHECKING:
    from setting import Agent

    from lab_server import LabServer

MEASURES = ["execution", "edit_to_page", "edits", "analysis"]
PACKAGES = ("jmcp_lab", "jupyterlab", "jupyter_server", "jupyter-server-ydoc", "mcp", "ipykernel")


def main() -> int:
    """Run what the command line asks for."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=100, help="how often each thing is timed")
    parser.add_argument("--cells", type=int, nargs="*", default=[10, 100, 1000])
    parser.add_argument("--no-page", action="store_true", help="without a browser")
    parser.add_argument("--output", type=Path, help="write the JSON to a file, too")
    parser.add_argument(
        "--only", nargs="*", choices=MEASURES, default=MEASURES, help="some measures"
    )
    parser.add_argument("--peer", help="MCP endpoint of jupyter-mcp-server, to compare with")
    parser.add_argument("--peer-token", default="MY_TOKEN", help="its Jupyter token")
    parser.add_argument("--peer-root", type=Path, help="its root, where the tables are written")
    options = parser.parse_args()
    with (
        tempfile.TemporaryDirectory(prefix="jmcp-lab-benchmark-") as folder,
        lab_server(Path(folder)) as server,
    ):
        try:
            figures = asyncio.run(measured(server, options))
        except BaseException:
            # The folder goes away, and with it the only place that says what went wrong.
            print(server.log[-8000:], file=sys.stderr)
            raise
    report = json.dumps({"machine": machine(), "figures": figures}, indent=2)
    print(report)
    if options.output:
        options.output.write_text(report + "\n", encoding="utf-8")
    return 0


async def measured(server: LabServer, options: argparse.Namespace) -> dict[str, Any]:
    """Run the measures one after the other."""
    wanted = set(options.only)
    figures: dict[str, Any] = {}
    async with AsyncExitStack() as stack:
        robot = await stack.enter_async_context(agent(server))
        if "edits" in wanted:
            # Before there is a page: its work is not part of an edit.
            figures["edits"] = {
                str(cells): await measures.edits(server, robot, cells, options.rounds)
                for cells in options.cells
            }
        if "analysis" in wanted:
            figures["analysis"] = await analysed(server, robot, options)
        page = None
        if not options.no_page and wanted & {"execution", "edit_to_page"}:
            page = await stack.enter_async_context(browser_page(server))
        if "execution" in wanted:
            figures["execution"] = await measures.execution(server, robot, page, options.rounds)
        if "edit_to_page" in wanted and page is not None:
            figures["edit_to_page"] = await measures.edit_to_page(
                server, robot, page, options.rounds
            )
    return figures


async def analysed(server: LabServer, robot: Agent, options: argparse.Namespace) -> dict[str, Any]:
    """Play the analysis here and, where there is one, on the peer."""
    analysis.write_data(server.root)
    ours = await analysis.played(robot.client, by_position=False)
    theirs = None
    if options.peer:
        if options.peer_root:
            analysis.write_data(options.peer_root)
        async with peer(options.peer, options.peer_token) as client:
            theirs = await analysis.played(client, by_position=True)
    return analysis.compared(ours, theirs)


def machine() -> dict[str, Any]:
    """Return what the figures depend on, without the name of anything."""
    return {
        "system": f"{platform.system()} {platform.machine()}",
        "cpus": os.cpu_count(),
        "load_1_minute": round(os.getloadavg()[0], 2) if hasattr(os, "getloadavg") else None,
        "python": platform.python_version(),
        "packages": {name: version(name) for name in PACKAGES},
    }


if __name__ == "__main__":
    sys.exit(main())
