"""The ends of a whole server, as systemd, JupyterHub, a closed terminal or a shell ask for them."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import sys
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import httpx2
import nbformat
import pytest
from mcp import Client
from mcp.client.streamable_http import streamable_http_client
from nbformat.v4 import new_notebook

from ..support.endpoint import http_client
from ..support.processes import Process, end, start

STOPS_WITHIN = 6
"""Seconds; promised are 3, and a busy machine gets twice that."""


@pytest.fixture
def process(tmp_path: Path) -> Iterator[Process]:
    process = start(tmp_path)
    yield process
    end(process)


@dataclass(frozen=True)
class Person:
    """Who is logged in, and decides in the panel."""

    process: Process
    browser: httpx2.AsyncClient

    async def allows(self) -> None:
        """Allow what waits, once something does."""
        api = self.process.url + "jmcp-lab/api/"
        async with asyncio.timeout(20):
            while True:
                state = (await self.browser.get(api + "state?tab=page1")).json()
                waiting = [c for c in state["calls"] if c["state"] == "waiting_for_approval"]
                if waiting:
                    break
                # It is another process, and asked as a page asks.
                await asyncio.sleep(0.05)
        (call,) = waiting
        body = {"option": "allow_once", "action_hash": call["action_hash"]}
        answer = await self.browser.post(api + f"calls/{call['id']}/decision", json=body)
        assert answer.status_code == 200, answer.text


@asynccontextmanager
async def connected(process: Process, **rights: object) -> AsyncIterator[tuple[Client, Person]]:
    """Connect an agent, with a page that listens and one that has the notebook open."""
    await process.up()
    nbformat.write(new_notebook(), process.log.parent / "work" / "a.ipynb")
    async with http_client() as browser:
        await process.log_in(browser)
        page = await process.open_page(browser)
        await browser.get(process.url + "jmcp-lab/api/state?tab=page1")
        body = {"label": "Ada's", **rights}
        made = (await browser.post(process.url + "jmcp-lab/api/agents", json=body)).json()
        async with (
            http_client(made["token"]) as http,
            Client(streamable_http_client(made["url"], http_client=http), mode="auto") as client,
        ):
            yield client, Person(process, browser)
        page.close()


async def say(client: Client, tool: str, **arguments: object) -> str:
    result = await client.call_tool(tool, arguments)
    text: str = result.content[0].text
    assert not result.is_error, text
    return text


def sources(process: Process) -> list[str]:
    file = process.log.parent / "work" / "a.ipynb"
    return [cell.source for cell in nbformat.read(file, as_version=4).cells]


@pytest.mark.parametrize(
    "signals",
    [
        ["SIGINT"],
        ["SIGTERM"],
        pytest.param(["SIGHUP"], marks=pytest.mark.long),
        pytest.param(["SIGINT", "SIGINT", "SIGINT"], marks=pytest.mark.long),
        ["SIGTERM", "SIGINT", "SIGHUP", "SIGTERM"],
    ],
    ids="-".join,
)
async def test_a_server_without_a_terminal_ends_at_once_with_everything_saved(
    process: Process, signals: list[str]
) -> None:
    async with connected(process) as (client, _):
        for number in range(3):
            await say(client, "insert_cell", notebook="a.ipynb", source=f"x = {number}")
        for name in signals:
            process.popen.send_signal(getattr(signal, name))
        await asyncio.to_thread(process.popen.wait, STOPS_WITHIN)
    assert process.popen.returncode == 0, process.log.read_text()[-3000:]
    assert sources(process)[-3:] == ["x = 0", "x = 1", "x = 2"]
    log = process.log.read_text()
    assert "did not stop cleanly" not in log
    assert "Task was destroyed" not in log


def kernelspec(folder: Path, name: str, *argv: str, text: str | None = None) -> None:
    spec = folder / "data" / "kernels" / name
    spec.mkdir(parents=True)
    found = json.dumps({"argv": list(argv), "display_name": name, "language": "python"})
    (spec / "kernel.json").write_text(found if text is None else text)


HARMED: dict[str, Callable[[Path], None]] = {
    "its program is missing": lambda folder: kernelspec(folder, "harmed", "/nowhere/python"),
    "it ends at its start": lambda folder: kernelspec(
        folder, "harmed", sys.executable, "-c", "raise SystemExit(3)"
    ),
    "it never answers": lambda folder: kernelspec(
        folder, "harmed", sys.executable, "-c", "import time; time.sleep(600)", "{connection_file}"
    ),
    "its file is no JSON": lambda folder: kernelspec(folder, "harmed", text="{"),
}


async def test_a_terminal_that_is_closed_ends_its_server_with_everything_saved(
    tmp_path: Path,
) -> None:
    window, terminal = os.openpty()
    process = start(tmp_path, terminal=terminal)
    os.close(terminal)
    try:
        async with connected(process) as (client, _):
            await say(client, "insert_cell", notebook="a.ipynb", source="x = 1")
            os.close(window)
            await asyncio.to_thread(process.popen.wait, STOPS_WITHIN)
        assert process.popen.returncode == 0, process.log.read_text()[-3000:]
        assert sources(process)[-1:] == ["x = 1"]
    finally:
        end(process)


KNOWN = ["its program is missing", "it ends at its start", "it never answers"]
"""Those that are kernelspecs to the server."""


@pytest.mark.parametrize("how", HARMED)
@pytest.mark.parametrize("name", ["SIGINT", pytest.param("SIGTERM", marks=pytest.mark.long)])
async def test_a_broken_kernel_does_not_keep_the_server_from_stopping(
    tmp_path: Path, how: str, name: str
) -> None:
    HARMED[how](tmp_path)
    process = start(tmp_path)
    try:
        rights = {"mode": "auto", "notebooks": ["a.ipynb", "b.ipynb"], "until": "30m"}
        async with connected(process, **rights) as (client, person):
            nbformat.write(new_notebook(), process.log.parent / "work" / "b.ipynb")
            assert "ok" in await say(client, "execute_ipython", notebook="b.ipynb", code="1")
            run = {"notebook": "a.ipynb", "code": "1", "kernel": "harmed", "hold": 40}
            running = asyncio.create_task(client.call_tool("execute_ipython", run))
            if how in KNOWN:
                await person.allows()
            if how == "it never answers":
                await process.says("Kernel started")
            else:
                assert (await running).is_error
            await say(client, "insert_cell", notebook="a.ipynb", source="x = 1")
            process.popen.send_signal(getattr(signal, name))
            await asyncio.to_thread(process.popen.wait, STOPS_WITHIN)
        assert sources(process)[-1:] == ["x = 1"]
        running.cancel()
    finally:
        end(process)
