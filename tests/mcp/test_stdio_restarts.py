"""`jmcp-lab stdio` before the server runs, while it restarts, and after that: a real server."""

from __future__ import annotations

import asyncio
import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import httpx2
import pytest
from mcp import Client
from mcp.client.stdio import stdio_client

from ..support.endpoint import http_client
from ..support.processes import Process, end, free_port, start
from ..support.stdio_program import HELLO, MODERN, program
from .test_stdio import command, environment  # noqa: F401 - a fixture

Environment = dict[str, str]

NEVER = {"mcp", "mcp_types", "httpx2", "anyio", "pydantic", "jupyter_server", "tornado"}
"""What takes long to import and no first answer needs."""


async def agent_token(process: Process) -> str:
    await process.up()
    async with http_client() as browser:
        await process.log_in(browser)
        made = {"label": "An agent", "mode": "edit"}
        answer = await browser.post(process.url + "jmcp-lab/api/agents", json=made)
        return str(answer.json()["token"])


@pytest.mark.parametrize("mode", ["legacy", "auto"])
@pytest.mark.parametrize("port", ["the same port", "another port"])
async def test_a_client_works_on_after_a_restart(
    tmp_path: Path,
    environment: Environment,  # noqa: F811
    mode: Any,  # noqa: ANN401 - a literal of the client's
    port: str,
) -> None:
    process = start(tmp_path)
    try:
        environment["JMCP_TOKEN"] = await agent_token(process)
        async with Client(stdio_client(command(tmp_path, environment)), mode=mode) as client:
            assert not (await client.call_tool("get_context", {})).is_error
            process.popen.terminate()
            await asyncio.to_thread(process.popen.wait)
            process = start(tmp_path, port=process.port if port == "the same port" else free_port())
            await process.up()
            for _ in range(2):
                assert not (await client.call_tool("get_context", {})).is_error
    finally:
        end(process)


async def test_a_client_starts_before_the_server(
    tmp_path: Path,
    environment: Environment,  # noqa: F811
) -> None:
    process = start(tmp_path)
    try:
        environment["JMCP_TOKEN"] = await agent_token(process)
        end(process)  # Killed: what it wrote about itself stays behind.
        async with program(environment, cwd=tmp_path / "work") as early:
            assert (await early.greet())["serverInfo"]["name"] == "jupyter"
            listed = await early.ask("tools", "tools/list")
            assert "get_context" in [tool["name"] for tool in listed["result"]["tools"]]
            process = start(tmp_path, port=process.port)
            await process.up()
            result = await early.call(1, "get_context")
            assert not result["isError"]
    finally:
        end(process)


async def test_a_program_ends_when_its_client_is_killed(
    tmp_path: Path,
    environment: Environment,  # noqa: F811
) -> None:
    client = (
        "import subprocess, sys, time\n"
        "p = subprocess.Popen([sys.executable, '-m', 'jmcp_lab.cli', 'stdio'],"
        " stdin=subprocess.PIPE, stdout=subprocess.PIPE)\n"
        f"p.stdin.write({json.dumps(dict(id=1, method='initialize', params=HELLO)).encode()!r}"
        " + b'\\n'); p.stdin.flush(); p.stdout.readline()\n"
        "print(p.pid, flush=True); time.sleep(600)\n"
    )
    killed = await asyncio.create_subprocess_exec(
        sys.executable, "-c", client, stdout=subprocess.PIPE, env=environment, cwd=tmp_path
    )
    assert killed.stdout is not None
    started = int(await killed.stdout.readline())
    killed.kill()
    await killed.wait()
    async with asyncio.timeout(30):
        while running(started):  # noqa: ASYNC110 - it is another process
            await asyncio.sleep(0.05)


def running(process: int) -> bool:
    """Return whether a process runs; one that ended may wait for somebody to take its status."""
    try:
        os.kill(process, 0)
        return " Z " not in Path(f"/proc/{process}/stat").read_text()
    except (ProcessLookupError, FileNotFoundError):
        return False


async def test_what_it_says_without_a_server_is_what_a_server_says(
    tmp_path: Path,
    environment: Environment,  # noqa: F811
) -> None:
    (tmp_path / "work").mkdir()
    modern = {"_meta": MODERN}
    async with program(environment, cwd=tmp_path / "work") as alone:
        hello = await alone.greet()
        tools = (await alone.ask(1, "tools/list"))["result"]
        discovered = (await alone.ask(2, "server/discover", modern))["result"]
        listed = (await alone.ask(3, "tools/list", modern))["result"]
        assert (await alone.ask(4, "ping"))["result"] == {}
    process = start(tmp_path)
    try:
        token = await agent_token(process)
        headers = {"Accept": "application/json, text/event-stream"}
        async with http_client(Authorization=f"Bearer {token}", **headers) as http:
            url = process.url + "mcp"
            said, session = await over_http(http, url, "initialize", HELLO)
            changed = {"capabilities": {"tools": {"listChanged": True}}}
            assert hello == said | changed
            assert tools == (await over_http(http, url, "tools/list", {}, session))[0]
            for method, found in (("server/discover", discovered), ("tools/list", listed)):
                era = {"MCP-Protocol-Version": "2026-07-28", "Mcp-Method": method}
                said, _ = await over_http(http, url, method, modern, era)
                own = changed if method == "server/discover" else {"ttlMs": 0}
                assert found == said | own
    finally:
        end(process)


async def over_http(
    http: httpx2.AsyncClient,
    url: str,
    method: str,
    params: object,
    headers: dict[str, str] | None = None,
) -> tuple[Any, dict[str, str]]:
    message = {"jsonrpc": "2.0", "id": 1, "method": method, "params": params}
    answer = await http.post(url, json=message, headers=headers)
    text = answer.text.splitlines()
    (data,) = [line.removeprefix("data: ") for line in text if '"result"' in line]
    session = {"Mcp-Session-Id": answer.headers.get("mcp-session-id", "")}
    return json.loads(data)["result"], session


async def test_nothing_that_takes_long_is_imported_before_the_first_answer(
    environment: Environment,  # noqa: F811
) -> None:
    code = (
        "import sys\n"
        "from jmcp_lab.stdio.standard_output import StandardOutput\n"
        "write = StandardOutput.write\n"
        "def noted(self, line):\n"
        "    print(*{name.split('.')[0] for name in sys.modules}, file=sys.stderr)\n"
        "    write(self, line)\n"
        "StandardOutput.write = noted\n"
        "from jmcp_lab.cli import main\n"
        "sys.exit(main(['stdio']))\n"
    )
    hello = {"jsonrpc": "2.0", "id": 1, "method": "initialize", "params": HELLO}
    tools = {"jsonrpc": "2.0", "id": 2, "method": "tools/list"}
    ended = await asyncio.to_thread(
        subprocess.run,
        [sys.executable, "-c", code],
        input=json.dumps(tools).encode() + b"\n" + json.dumps(hello).encode() + b"\n",
        capture_output=True,
        env=environment,
    )
    assert ended.returncode == 0
    assert len(ended.stdout.splitlines()) == 2
    for imported in ended.stderr.decode().splitlines()[:2]:
        assert "jmcp_lab" in imported.split()
        assert not {*imported.split()} & NEVER
