"""The bridge for clients that only start a program: standard streams ⇄ the server's `/mcp`.

Messages are passed on as they are, so progress, cancellation and what the client says it is
survive; nothing is declared a second time.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

import anyio
from mcp.client.streamable_http import streamable_http_client
from mcp.server.stdio import stdio_server
from mcp.shared._httpx_utils import create_mcp_http_client

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from mcp.shared.message import SessionMessage


class _Source(Protocol):
    """Where messages come from; what could not be read comes as an exception."""

    def __aiter__(self) -> AsyncIterator[SessionMessage | Exception]:
        """Return the messages as they come."""


class _Target(Protocol):
    """Where messages go."""

    async def send(self, item: SessionMessage, /) -> None:
        """Pass a message on."""


async def _pump(source: _Source, target: _Target) -> None:
    """Copy messages until the source ends; what could not be read is skipped."""
    async for message in source:
        if not isinstance(message, Exception):
            await target.send(message)


async def bridge(url: str, token: str) -> None:
    """Carry messages between this process's standard streams and a server, until stdin ends.

    Parameters
    ----------
    url : str
        The MCP endpoint.
    token : str
        The agent's token.
    """
    client = create_mcp_http_client({"Authorization": f"Bearer {token}"})
    async with (
        client,
        streamable_http_client(url, http_client=client) as (from_server, to_server),
        stdio_server() as (from_client, to_client),
        anyio.create_task_group() as tasks,
    ):

        async def upwards() -> None:
            await _pump(from_client, to_server)
            tasks.cancel_scope.cancel()

        tasks.start_soon(upwards)
        tasks.start_soon(_pump, from_server, to_client)
