"""Clients that only start a program: `jmcp-lab stdio` beside a real server."""

from __future__ import annotations

import asyncio
import os
import stat
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx2
import pytest
from mcp import Client
from mcp.client.stdio import StdioServerParameters, stdio_client

from jmcp_lab.stdio.pairing_client import Credentials, Server, obtain_token

from ..support.endpoint import http_client
from ..support.processes import Process, end, start

KEPT = ("PATH", "HOME", "PYTHONPATH")


@pytest.fixture
def process(tmp_path: Path) -> Iterator[Process]:
    process = start(tmp_path)
    yield process
    end(process)


@pytest.fixture
def environment(tmp_path: Path) -> dict[str, str]:
    """Return the environment of a client of the same user."""
    places = {"DATA": "data", "RUNTIME": "runtime"}
    own = {f"JUPYTER_{name}_DIR": str(tmp_path / place) for name, place in places.items()}
    return {key: os.environ[key] for key in KEPT if key in os.environ} | own


def command(tmp_path: Path, environment: dict[str, str]) -> StdioServerParameters:
    return StdioServerParameters(
        command=sys.executable,
        args=["-m", "jmcp_lab.cli", "stdio"],
        env=environment,
        cwd=str(tmp_path / "work"),
    )


async def card(browser: httpx2.AsyncClient, process: Process) -> dict[str, Any]:
    """Wait until a program asks in the panel."""
    async with asyncio.timeout(30):
        while True:
            state = (await browser.get(process.url + "jmcp-lab/api/state")).json()
            if state["pairings"]:
                found: dict[str, Any] = state["pairings"][0]
                return found
            await asyncio.sleep(0.05)


async def answer(browser: httpx2.AsyncClient, process: Process, **choice: str) -> None:
    asked = await card(browser, process)
    url = f"{process.url}jmcp-lab/api/pairing/{asked['id']}/decision"
    assert (await browser.post(url, json=choice)).status_code == 204


async def test_a_client_that_starts_a_program_is_accepted_once_and_stays_connected(
    process: Process, tmp_path: Path, environment: dict[str, str]
) -> None:
    await process.up()

    async def first_words() -> str:
        async with Client(stdio_client(command(tmp_path, environment)), mode="auto") as client:
            result = await client.call_tool("get_context", {})
            assert not result.is_error
            return str(result.content)

    async with http_client() as browser:
        await process.log_in(browser)
        working = asyncio.create_task(first_words())
        await answer(browser, process, option="allow_once", mode="look", label="Ada's client")
        await working
        [agent] = (await browser.get(process.url + "jmcp-lab/api/state")).json()["agents"]
        assert (agent["label"], agent["mode"]) == ("Ada's client", "look")
        assert agent["claims"]["name"] == "mcp"
        # The next start asks nobody.
        await first_words()
        [kept] = (tmp_path / "data" / "jmcp_lab" / "programs").glob("*.json")
        assert stat.S_IMODE(kept.stat().st_mode) == 0o600
        assert stat.S_IMODE(kept.parent.stat().st_mode) == 0o700
        # Once it is revoked, it asks again.
        revoked = await browser.delete(f"{process.url}jmcp-lab/api/agents/{agent['id']}")
        assert revoked.status_code == 204
        working = asyncio.create_task(first_words())
        await answer(browser, process, option="allow_once")
        await working


async def test_a_program_stopped_by_its_client_finds_the_answer_at_its_next_start(
    process: Process, tmp_path: Path, environment: dict[str, str]
) -> None:
    await process.up()
    hello = (
        b'{"jsonrpc":"2.0","id":1,"method":"initialize","params":{"protocolVersion":"2025-06-18",'
        b'"capabilities":{},"clientInfo":{"name":"mcp","version":"1"}}}\n'
    )
    parameters = command(tmp_path, environment)
    async with http_client() as browser:
        await process.log_in(browser)
        impatient = await asyncio.create_subprocess_exec(
            parameters.command,
            *parameters.args,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            env=environment,
            cwd=parameters.cwd,
        )
        assert impatient.stdin is not None
        impatient.stdin.write(hello)
        await impatient.stdin.drain()
        await card(browser, process)
        written, words = await impatient.communicate(b"")
        assert impatient.returncode == 0
        assert written == b""
        assert b"mcp is waiting for permission" in words
        await answer(browser, process, option="allow_once")
        async with Client(stdio_client(parameters), mode="legacy") as client:
            assert not (await client.call_tool("get_context", {})).is_error
        state = (await browser.get(process.url + "jmcp-lab/api/state")).json()
        assert len(state["agents"]) == 1
        assert state["pairings"] == []


async def test_a_client_without_a_server_is_told_what_to_start(
    tmp_path: Path, environment: dict[str, str]
) -> None:
    (tmp_path / "work").mkdir()
    parameters = command(tmp_path, environment)
    ended = await asyncio.to_thread(
        subprocess.run,
        [parameters.command, *parameters.args],
        input=b"",
        capture_output=True,
        env=environment,
        cwd=parameters.cwd,
    )
    assert ended.returncode == 2
    assert b"no Jupyter server is running" in ended.stderr
    assert b"Traceback" not in ended.stderr


async def test_a_program_is_told_that_its_server_stopped_while_it_waited(tmp_path: Path) -> None:
    async def break_off(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        await reader.read(1000)
        writer.close()

    listening = await asyncio.start_server(break_off, "127.0.0.1", 0)
    port = listening.sockets[0].getsockname()[1]
    server = Server(f"http://127.0.0.1:{port}/", str(tmp_path))
    url = f"{server.base}mcp"
    async with listening:
        with pytest.raises(OSError, match="does not respond"):
            await obtain_token(
                server, url, "JupyterLab", "mcp", Credentials(tmp_path, server, "mcp"), print
            )
