"""Provides the environment of the benchmarks: a server, an agent, a kernel client, a page.

The server and Chromium are those of the browser tests.
"""

from __future__ import annotations

import json
import os
import re
import sys
import time
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import mcp
import zmq
from jupyter_client.asynchronous.client import AsyncKernelClient
from mcp.client.streamable_http import streamable_http_client
from mcp.shared._httpx_utils import create_mcp_http_client
from mcp.types import Implementation, TextContent
from playwright.async_api import async_playwright

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "ui-tests"))

from lab_page import CHROMIUM_ARGUMENTS, find_chromium
from lab_server import LabServer

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Sequence

    from playwright.async_api import Page

HERE = Path(__file__).resolve().parent

NOTEBOOKS = [
    "execution.ipynb",
    "output.ipynb",
    "kernel-*.ipynb",
    "page.ipynb",
    "cells-*.ipynb",
    "crowd-*.ipynb",
    "mixed-*.ipynb",
    "analysis.ipynb",
]
"""Patterns of the notebooks that the agents may change and run."""

LIMIT = 60.0
"""Maximum number of seconds to wait for anything."""


def lab_server(
    folder: Path, *, extensions: dict[str, bool] | None = None, python: str = sys.executable
) -> LabServer:
    """Return a context manager for a server that keeps everything in a folder.

    Parameters
    ----------
    folder : Path
    extensions : dict of str to bool, optional
        Server extensions to turn on or off, regardless of the environment.
    python : str, optional
        Interpreter whose JupyterLab to start.
    """
    arguments = [f"--ServerApp.jpserver_extensions={extensions}"] if extensions else []
    return LabServer(folder, arguments=arguments, python=python)


def importable() -> None:
    """Let the servers import the server extension of the benchmarks."""
    paths = [str(HERE), *os.environ.get("PYTHONPATH", "").split(os.pathsep)]
    os.environ["PYTHONPATH"] = os.pathsep.join(path for path in paths if path)


@dataclass
class Agent:
    """The official MCP client; a failed call ends the benchmark."""

    client: mcp.Client

    async def say(self, tool: str, **arguments: Any) -> str:
        """Call a tool and return its text."""
        result = await self.client.call_tool(tool, arguments)
        text = "\n".join(part.text for part in result.content if isinstance(part, TextContent))
        if result.is_error:
            raise RuntimeError(f"{tool} failed: {text}")
        return text

    async def insert(self, source: str, **place: Any) -> str:
        """Insert a cell and return its id."""
        found = re.search(r"\bid (\w+)", await self.say("insert_cell", source=source, **place))
        if found is None:
            raise RuntimeError("insert_cell did not name the id of the new cell")
        return found[1]

    @classmethod
    @asynccontextmanager
    async def of_peer(cls, server: LabServer) -> AsyncIterator[Agent]:
        """Connect to jupyter-mcp-server, which takes the token of its Jupyter server."""
        async with (
            create_mcp_http_client({"Authorization": f"token {server.token}"}) as http,
            mcp.Client(streamable_http_client(server.mcp_url, http_client=http)) as client,
        ):
            yield cls(client)


@asynccontextmanager
async def agent(server: LabServer) -> AsyncIterator[Agent]:
    """Connect an agent that may run without asking, with a token that is made as in the panel."""
    token = await mint(server)
    headers = {"Authorization": f"Bearer {token}"}
    async with (
        create_mcp_http_client(headers) as http,
        mcp.Client(
            streamable_http_client(server.mcp_url, http_client=http),
            client_info=Implementation(name="benchmark", version="1.0"),
        ) as client,
    ):
        yield Agent(client)


async def overwrite_in_process(server: LabServer, path: str, cell: str, source: str) -> float:
    """Let the server itself change a cell; return the time of that, in ms of this machine."""
    async with create_mcp_http_client({"Authorization": f"token {server.token}"}) as http:
        answer = await http.post(
            f"{server.url}benchmark/overwrite",
            json={"path": path, "cell": cell, "source": source},
        )
    started: float = answer.raise_for_status().json()["started"]
    return started


@asynccontextmanager
async def watched_loop(server: LabServer) -> AsyncIterator[dict[str, float]]:
    """Let the server measure how long its event loop is blocked while the block runs.

    The figures are maxima: ``late_ms``; ``blocked_ms``, without the time that a thread of the
    server waited for a CPU; ``work_ms``, the loop's own CPU time.
    """
    found: dict[str, float] = {}
    async with create_mcp_http_client({"Authorization": f"token {server.token}"}) as http:
        (await http.post(f"{server.url}benchmark/loop", json={})).raise_for_status()
        try:
            yield found
        finally:
            found |= (await http.get(f"{server.url}benchmark/loop")).raise_for_status().json()


async def mint(server: LabServer, label: str = "Benchmark") -> str:
    """Create an agent through the panel's interface, with the login cookie of a browser."""
    async with create_mcp_http_client() as http:
        # The first visit sets the login cookie; a page then sets the XSRF cookie.
        await http.get(f"{server.url}lab", params={"token": server.token})
        await http.get(f"{server.url}lab")
        answer = await http.post(
            f"{server.url}jmcp-lab/api/agents",
            json={"label": label, "mode": "auto", "until": "4h", "notebooks": NOTEBOOKS},
            headers={
                "X-XSRFToken": http.cookies.get("_xsrf") or "",
                "Origin": server.url.split("/", 3)[0] + "//" + server.url.split("/", 3)[2],
                "Sec-Fetch-Site": "same-origin",
            },
        )
    if answer.status_code != 201:
        raise RuntimeError(f"no agent was made: {answer.status_code} {answer.text}")
    minted: str = answer.json()["token"]
    return minted


@asynccontextmanager
async def kernel_client(server: LabServer, path: str) -> AsyncIterator[AsyncKernelClient]:
    """Connect directly to the running kernel of a notebook, as any Jupyter client can."""
    async with create_mcp_http_client({"Authorization": f"token {server.token}"}) as http:
        sessions = (await http.get(f"{server.url}api/sessions")).json()
    kernel_id = next(each["kernel"]["id"] for each in sessions if each["path"] == path)
    client = AsyncKernelClient()
    # Otherwise the client loses messages of a flood, and waits for the last one in vain.
    client.context.setsockopt(zmq.RCVHWM, 0)
    client.load_connection_file(str(server.folder / "runtime" / f"kernel-{kernel_id}.json"))
    client.start_channels()
    try:
        await client.wait_for_ready(timeout=LIMIT)
        yield client
    finally:
        client.stop_channels()


@asynccontextmanager
async def browser_page(server: LabServer) -> AsyncIterator[Page]:
    """Yield a page in Chromium with JupyterLab, logged in, loaded and restored."""
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(
            executable_path=find_chromium(), args=CHROMIUM_ARGUMENTS
        )
        context = await browser.new_context(viewport={"width": 1280, "height": 800})
        context.set_default_timeout(LIMIT * 1000)
        await context.request.get(f"{server.url}lab", params={"token": server.token})
        page = await context.new_page()
        await page.goto(f"{server.url}lab?reset")
        await page.wait_for_function("() => window.jupyterapp !== undefined")
        await page.evaluate("() => window.jupyterapp.restored.then(() => null)")
        try:
            yield page
        finally:
            await browser.close()


async def open_in_page(page: Page, path: str) -> None:
    """Open a notebook, and wait until its kernel is ready and its first cell is visible."""
    await page.evaluate(
        """async path => {
          const panel = await window.jupyterapp.commands.execute(
            'docmanager:open', { path, factory: 'Notebook' });
          await panel.context.ready;
          await panel.sessionContext.ready;
        }""",
        path,
    )
    await page.locator(".jp-NotebookPanel:not(.lm-mod-hidden) .jp-Cell").first.wait_for()


async def clock_offset(page: Page) -> float:
    """Return the milliseconds to add to the page's time to get this process's time.

    The result comes from the reading with the shortest round trip.
    """
    best = (float("inf"), 0.0)
    for _ in range(20):
        before = time.time() * 1000
        there = await page.evaluate("() => performance.timeOrigin + performance.now()")
        after = time.time() * 1000
        best = min(best, (after - before, (before + after) / 2 - there))
    return best[1]


def write_notebook(server: LabServer, path: str, cells: int | Sequence[str]) -> None:
    """Write a notebook with a number of small code cells with outputs, or with these sources."""
    sources = (
        [f"value_{number} = {number}\nprint(value_{number})" for number in range(cells)]
        if isinstance(cells, int)
        else cells
    )
    notebook = {
        "nbformat": 4,
        "nbformat_minor": 5,
        "metadata": {"kernelspec": {"name": "python3", "display_name": "Python 3"}},
        "cells": [
            {
                "cell_type": "code",
                "id": f"cell-{number}",
                "metadata": {},
                "execution_count": None,
                "source": source,
                "outputs": [{"output_type": "stream", "name": "stdout", "text": f"{number}\n"}],
            }
            for number, source in enumerate(sources)
        ],
    }
    server.root.mkdir(parents=True, exist_ok=True)
    (server.root / path).write_text(json.dumps(notebook), encoding="utf-8")
