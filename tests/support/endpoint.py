"""Provides an MCP endpoint with tools for tests, and clients that connect to it."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass, field
from typing import Any

import httpx2
from mcp import Client
from mcp.client.streamable_http import streamable_http_client
from mcp.types import Implementation
from pycrdt import Array, Doc

from jmcp_lab.agents.agent import Agent
from jmcp_lab.agents.registry import AgentRegistry
from jmcp_lab.calls.call import ImagePart, Reply, TextPart, ToolClass
from jmcp_lab.errors import ConflictError
from jmcp_lab.mcp.endpoint import McpEndpoint
from jmcp_lab.runtime.tool import Tool, tool

PIXEL = "iVBORw0KGgo="
Progress = Callable[[float, str], Awaitable[None]] | None


@dataclass
class World:
    """State that the test tools share with the test."""

    started: asyncio.Event = field(default_factory=asyncio.Event)
    go_on: asyncio.Event = field(default_factory=asyncio.Event)
    cancelled: asyncio.Event = field(default_factory=asyncio.Event)
    agents: list[Agent] = field(default_factory=list)


@dataclass
class Call:
    """Context that a test tool gets besides its arguments."""

    agent: Agent
    world: World
    progress: Progress


@tool(title="Echo", tool_class=ToolClass.INFO, read_only=True)
async def echo(call: Call, text: str) -> Reply:
    """Say it again."""
    return Reply.of(f"{call.agent.label}: {text}")


@tool(title="Draw", tool_class=ToolClass.READ, read_only=True)
async def draw(call: Call) -> Reply:
    """Draw."""
    return Reply((ImagePart(PIXEL, "image/png"), TextPart("a pixel")))


@tool(title="Count", tool_class=ToolClass.RUN, idempotent=True)
async def count(call: Call, to: int) -> Reply:
    """Count."""
    for number in range(to):
        if call.progress is not None:
            await call.progress(0.0, f"step {number}")
    return Reply.of(f"counted to {to}")


@tool(title="Block", tool_class=ToolClass.RUN, destructive=True)
async def block(call: Call) -> Reply:
    """Wait."""
    call.world.started.set()
    try:
        if call.progress is not None:
            await call.progress(0.5, "blocked")
        await call.world.go_on.wait()
    except asyncio.CancelledError:
        await asyncio.sleep(0)  # a tool may wait while it cleans up
        call.world.cancelled.set()
        raise
    return Reply.of("went on")


@tool(title="Refuse", tool_class=ToolClass.EDIT, open_world=True)
async def refuse(call: Call) -> Reply:
    """Refuse."""
    raise ConflictError("Cell 3 changed meanwhile: read it again.")


@tool(title="Break", tool_class=ToolClass.EDIT)
async def break_(call: Call) -> Reply:
    """Break."""
    raise RuntimeError("a secret in /home/somebody/path")


@tool(title="Half", tool_class=ToolClass.READ, read_only=True)
async def half(call: Call) -> Reply:
    """Say what cannot be sent as UTF-8."""
    if call.progress is not None:
        await call.progress(0.5, "half \ud83d")
    return Reply.of("caf\udce9.txt and \ud83d\ude00")


@tool(title="Odd", tool_class=ToolClass.READ, read_only=True)
async def odd(call: Call, kind: str) -> Reply:
    """Say what is no text at all, or raise what is no exception."""
    if kind == "exit":
        raise SystemExit(1)
    if kind == "panic":
        Doc({"a": Array([2**63])})
    part: Any = {"bytes": b"\xff", "none": None, "object": object()}[kind]
    return Reply((TextPart(part) if kind != "bytes" else ImagePart(part, "image/png"),))


class FixtureDispatcher:
    """A dispatcher that calls the test tools."""

    def __init__(self) -> None:
        found = [echo, draw, count, block, refuse, break_, half, odd]
        self.tools: dict[str, Tool] = {each.name: each for each in found}
        self.world = World()

    async def call(
        self,
        agent: Agent,
        name: str,
        arguments: dict[str, object],
        *,
        progress: Progress = None,
    ) -> Reply:
        self.world.agents.append(agent)
        chosen = self.tools[name]
        parsed = chosen.parse(arguments)
        parsed.pop("reason")
        return await chosen.function(Call(agent, self.world, progress), **parsed)


@dataclass
class Door:
    """An endpoint under test."""

    service: McpEndpoint
    registry: AgentRegistry
    dispatcher: FixtureDispatcher
    url: str
    restart: Callable[[], Awaitable[None]]
    """Stop the endpoint, and start another one that knows of the agents what their file says."""

    @property
    def world(self) -> World:
        return self.dispatcher.world

    def mint(self, label: str = "Ada's agent") -> tuple[Agent, str]:
        return self.registry.add(label)

    @contextlib.asynccontextmanager
    async def client(
        self, token: str, mode: str = "auto", client_info: Implementation | None = None
    ) -> AsyncIterator[Client]:
        """Connect the official client."""
        async with http_client(token) as http:
            transport = streamable_http_client(self.url, http_client=http)
            async with Client(transport, mode=mode, cache=None, client_info=client_info) as client:
                yield client


def http_client(token: str | None = None, **headers: str) -> httpx2.AsyncClient:
    """Return an HTTP client that sends an agent token."""
    if token is not None:
        headers["Authorization"] = f"Bearer {token}"
    return httpx2.AsyncClient(headers=headers, timeout=httpx2.Timeout(20, read=60))


async def within(seconds: float, event: asyncio.Event) -> None:
    """Wait for an event, with a limit."""
    async with asyncio.timeout(seconds):
        await event.wait()


INITIALIZE = {
    "jsonrpc": "2.0",
    "id": 1,
    "method": "initialize",
    "params": {
        "protocolVersion": "2025-11-25",
        "capabilities": {},
        "clientInfo": {"name": "raw", "version": "0"},
    },
}
ACCEPT = {"Accept": "application/json, text/event-stream"}


async def open_session(http: httpx2.AsyncClient, url: str) -> dict[str, str]:
    """Open a session without a client library, and return the headers for its exchanges."""
    answer = await http.post(url, json=INITIALIZE, headers=ACCEPT)
    assert answer.status_code == 200, answer.text
    headers = ACCEPT | {
        "Mcp-Session-Id": answer.headers["mcp-session-id"],
        "MCP-Protocol-Version": "2025-11-25",
    }
    note = {"jsonrpc": "2.0", "method": "notifications/initialized"}
    assert (await http.post(url, json=note, headers=headers)).status_code == 202
    return headers


def tool_call(
    name: str, arguments: dict[str, object] | None = None, id: int = 2
) -> dict[str, object]:
    """Return the MCP message that calls a tool."""
    params = {"name": name, "arguments": arguments or {}}
    return {"jsonrpc": "2.0", "id": id, "method": "tools/call", "params": params}
