"""A client that vanishes at any moment leaves nothing that goes on for ever."""

from __future__ import annotations

import asyncio
import itertools
import json
import socket
import struct
from collections.abc import Callable
from pathlib import Path

import pytest
from tornado.httpserver import HTTPServer

from jmcp_lab.extension import JmcpLab

from ..mcp.test_endings import MODERN_HEADERS
from ..support.endpoint import http_client, open_session, tool_call
from ..support.robots import Robot, write_notebook

LIMIT = 60

CALLS: dict[str, dict[str, object]] = {
    "get_context": {},
    "list_files": {},
    "read_cells": {"notebook": "a.ipynb"},
    "insert_cell": {"notebook": "a.ipynb", "source": "2"},
    "insert_execute_code_cell": {"notebook": "a.ipynb", "source": "2"},
    "wait": {"call": "c_unknown"},
}
MOMENTS = ("in the headers", "in the body", "after the body", "in the stream")


def message(name: str, era: str, number: int) -> bytes:
    found = tool_call(name, CALLS[name], id=number)
    if era == "modern":
        meta = {
            "io.modelcontextprotocol/protocolVersion": "2026-07-28",
            "io.modelcontextprotocol/clientCapabilities": {},
        }
        found["params"] = {"name": name, "arguments": CALLS[name], "_meta": meta}
    return json.dumps(found).encode()


async def vanish(port: int, head: dict[str, str], path: str, body: bytes, moment: str) -> None:
    """Send as much of a request as there is until a moment, and break the connection."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    lines = [f"POST {path} HTTP/1.1", *(f"{name}: {value}" for name, value in head.items())]
    whole = ("\r\n".join(lines) + "\r\n\r\n").encode()
    sent = {
        "in the headers": whole[: len(whole) // 2],
        "in the body": whole + body[: len(body) // 2],
    }.get(moment, whole + body)
    writer.write(sent)
    await writer.drain()
    if moment == "in the stream":
        async with asyncio.timeout(LIMIT):
            await reader.readuntil(b"\r\n\r\n")
    # Closed with a reset, as of a program that was killed.
    found = writer.get_extra_info("socket")
    found.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    writer.transport.abort()


async def until(condition: Callable[[], bool]) -> None:
    async with asyncio.timeout(LIMIT):
        while not condition():  # noqa: ASYNC110 - there is no event for all of it
            await asyncio.sleep(0.05)


@pytest.mark.parametrize("era", ["legacy", "modern"])
async def test_whatever_a_client_asked_for_ends_when_it_vanishes(
    robot: Robot,
    app: JmcpLab,
    root: Path,
    era: str,
    http_server: HTTPServer,
    jp_http_port: int,
    jp_base_url: str,
) -> None:
    write_notebook(root, "a.ipynb", "1")
    _, token = app.agents.add("Vanishing")
    path = f"{jp_base_url}mcp"
    url = f"http://127.0.0.1:{jp_http_port}{path}"
    await app.endpoint.start()
    numbers = itertools.count(10)
    async with http_client(token) as http:
        headers = await open_session(http, url) if era == "legacy" else dict(MODERN_HEADERS)
        for name in CALLS:
            for moment in MOMENTS:
                body = message(name, era, next(numbers))
                head = headers | {
                    "Host": f"127.0.0.1:{jp_http_port}",
                    "Authorization": f"Bearer {token}",
                    "Content-Type": "application/json",
                    "Content-Length": str(len(body)),
                }
                if era == "modern":
                    head["Mcp-Name"] = name
                await vanish(jp_http_port, head, path, body, moment)
        await until(lambda: not app.ledger.active())
        await until(lambda: not app.endpoint._traffic.exchanges)
        await until(lambda: not app.endpoint._traffic.calls)
    opened = [call.tool for call in app.ledger.since(0)]
    assert "insert_execute_code_cell" in opened
    assert all(call.reply is not None for call in app.ledger.since(0))
    # Nothing that asks a person was done.
    assert "read_cells" in opened
    assert not [call for call in app.ledger.since(0) if call.tool_class == "run" and call.started]
    assert await robot.say("get_context")
    await app.endpoint.stop()
