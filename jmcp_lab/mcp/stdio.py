"""The bridge for clients that only start a program: standard streams ⇄ the server's `/mcp`.

Messages are passed on as they are, so progress, cancellation and what the client says it is
survive; nothing is declared a second time.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any, Protocol

import anyio
import mcp_types as types
from mcp.client.streamable_http import streamable_http_client
from mcp.server.stdio import stdio_server
from mcp.shared._httpx_utils import create_mcp_http_client
from mcp.shared.message import SessionMessage

from .pairing import NotLetInError

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable

UNNAMED = "An MCP client"
_UNAUTHORIZED = -32001


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


async def bridge(url: str, let_in: Callable[[str], Awaitable[str]]) -> None:
    """Carry messages between this process's standard streams and a server, until stdin ends.

    Parameters
    ----------
    url : str
        The MCP endpoint.
    let_in : callable
        Returns the agent's token for a client, named as it names itself in its first message. That
        may last: a person may have to answer.

    Raises
    ------
    NotLetInError
        There is no token. The client has been told.
    """
    kept, taken = anyio.create_memory_object_stream[SessionMessage](math.inf)
    refusal = None
    async with (
        stdio_server() as (from_client, to_client),
        to_client,  # What is open is waited for.
        anyio.create_task_group() as tasks,
    ):

        async def upwards() -> None:
            # Also while a person is waited for: a client that gives up ends this program.
            async with kept:
                await _pump(from_client, kept)
            tasks.cancel_scope.cancel()

        tasks.start_soon(upwards)
        first = await taken.receive()
        try:
            token = await let_in(client_name(first.message))
        except (NotLetInError, OSError) as error:
            refusal = error
            await _refuse(to_client, first.message, error)
            async for message in taken:
                await _refuse(to_client, message.message, error)
        else:
            client = create_mcp_http_client({"Authorization": f"Bearer {token}"})
            async with (
                client,
                streamable_http_client(url, http_client=client) as (from_server, to_server),
            ):
                await to_server.send(first)
                tasks.start_soon(_pump, taken, to_server)
                await _pump(from_server, to_client)
        tasks.cancel_scope.cancel()
    if refusal is not None:
        raise refusal


async def _refuse(to_client: _Target, message: object, error: Exception) -> None:
    """Answer a request with an error, which clients show."""
    if isinstance(message, types.JSONRPCRequest):
        data = types.ErrorData(code=_UNAUTHORIZED, message=str(error))
        answer = types.JSONRPCError(jsonrpc="2.0", id=message.id, error=data)
        await to_client.send(SessionMessage(answer))


def client_name(message: object) -> str:
    """Return what a client calls itself in its first message, in either era of the protocol."""
    params: Any = getattr(message, "params", None) or {}
    meta = params.get("_meta") or {}
    for info in (params.get("clientInfo"), meta.get(types.CLIENT_INFO_META_KEY)):
        if isinstance(info, dict) and isinstance(
            name := info.get("title") or info.get("name"), str
        ):
            return name
    return UNNAMED
