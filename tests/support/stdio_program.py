"""The program `jmcp-lab stdio` as a client starts it, line by line."""

from __future__ import annotations

import asyncio
import json
import subprocess
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

WITHIN = 120
"""Seconds; what hung before did so for ever."""

HELLO = {
    "protocolVersion": "2025-11-25",
    "capabilities": {},
    "clientInfo": {"name": "mcp", "version": "1"},
}
MODERN = {
    "io.modelcontextprotocol/protocolVersion": "2026-07-28",
    "io.modelcontextprotocol/clientCapabilities": {},
    "io.modelcontextprotocol/clientInfo": {"name": "mcp", "version": "1"},
}


@dataclass
class Program:
    """A running program, and what it has said that was not asked for yet."""

    process: asyncio.subprocess.Process
    said: list[Any] = field(default_factory=list)

    def send(self, method: str, params: Any = None, id: object = None) -> None:  # noqa: ANN401
        message = {"jsonrpc": "2.0", "method": method}
        message |= {} if params is None else {"params": params}
        message |= {} if id is None else {"id": id}
        assert self.process.stdin is not None
        self.process.stdin.write(json.dumps(message).encode() + b"\n")

    async def hear(self, **wanted: object) -> Any:  # noqa: ANN401 - JSON
        """Return the next message with these members, and keep the others."""
        assert self.process.stdout is not None
        async with asyncio.timeout(WITHIN):
            while True:
                for message in self.said:
                    if wanted.items() <= message.items():
                        self.said.remove(message)
                        return message
                self.said.append(json.loads(await self.process.stdout.readline()))

    async def ask(self, id: object, method: str, params: Any = None) -> Any:  # noqa: ANN401
        self.send(method, params, id)
        return await self.hear(id=id)

    async def greet(self) -> Any:  # noqa: ANN401 - JSON
        answer = await self.ask("hello", "initialize", HELLO)
        self.send("notifications/initialized")
        return answer["result"]

    async def call(self, id: object, tool: str, **arguments: object) -> Any:  # noqa: ANN401
        params = {"name": tool, "arguments": arguments}
        return (await self.ask(id, "tools/call", params))["result"]


@asynccontextmanager
async def program(
    environment: dict[str, str], *arguments: str, cwd: Path | None = None
) -> AsyncIterator[Program]:
    """Start the program, and make sure that it ends when its client does."""
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        *("-m", "jmcp_lab.cli", "stdio", *arguments),
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        env=environment,
        cwd=cwd,
        limit=2**24,
    )
    try:
        yield Program(process)
        assert process.stdin is not None
        process.stdin.close()
        async with asyncio.timeout(WITHIN):
            assert await process.wait() == 0
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
