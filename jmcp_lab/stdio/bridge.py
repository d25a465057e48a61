"""Bridges a client that only starts programs to the server: standard streams ⇄ `/mcp`.

The bridge forwards messages unchanged, so progress, cancellation and the client's name reach the
server, and no tool has to be declared a second time.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Protocol, cast

import anyio
import mcp_types as types
from mcp.client.streamable_http import streamable_http_client
from mcp.server.stdio import stdio_server
from mcp.shared.message import SessionMessage

from .pairing_client import failure_words
from .standard_input import StandardInput

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable

    from .pairing_client import Reached

UNNAMED = "An MCP client"
_UNAUTHORIZED = -32001

LINGER_SECONDS = 3.0
"""Seconds that a program which was not let in waits for its client's next request."""


class BridgeError(Exception):
    """The bridge ended, and the client was told why."""


class _Source(Protocol):
    """Source of messages; it yields an exception for a message that it could not read."""

    def __aiter__(self) -> AsyncIterator[SessionMessage | Exception]:
        """Return the messages as they come."""


class _Target(Protocol):
    """Target of messages."""

    async def send(self, item: SessionMessage, /) -> None:
        """Forward a message."""


@dataclass(slots=True)
class _Unanswered:
    """The client's requests that have no answer yet."""

    requests: dict[str | int, types.JSONRPCRequest] = field(default_factory=dict)

    def asked(self, message: object) -> None:
        if isinstance(message, types.JSONRPCRequest):
            self.requests[message.id] = message

    def answered(self, message: object) -> None:
        if isinstance(message, types.JSONRPCResponse | types.JSONRPCError):
            self.requests.pop(message.id, None)  # type: ignore[arg-type]


async def _pump(source: _Source, target: _Target, note: Callable[[object], None]) -> None:
    """Copy messages until the source ends, and skip those that could not be read."""
    async for message in source:
        if not isinstance(message, Exception):
            note(message.message)
            await target.send(message)


async def bridge(reach: Callable[[str], Awaitable[Reached]]) -> None:
    """Forward messages between this process's standard streams and a server until stdin ends.

    Parameters
    ----------
    reach : callable
        Returns the server's address and the agent's token for a client, which is named as in its
        first message. This may take long, because a person may have to answer.

    Raises
    ------
    BridgeError
        Something went wrong. Every waiting request was answered with the reason: clients show
        answers, not what a program writes to its error stream.
    """
    kept, taken = anyio.create_memory_object_stream[SessionMessage](math.inf)
    unanswered = _Unanswered()
    lines = StandardInput()
    failure = ""
    async with (
        stdio_server(stdin=cast("anyio.AsyncFile[str]", lines)) as (from_client, to_client),
        to_client,  # Wait for the messages that are still being sent.
    ):

        async def upwards(tasks: anyio.abc.TaskGroup) -> None:
            # This also runs while a person is asked: a client that gives up ends this program.
            async with kept:
                await _pump(from_client, kept, unanswered.asked)
            tasks.cancel_scope.cancel()

        async def across() -> None:
            try:
                first = await taken.receive()
            except anyio.EndOfStream:
                return
            reached = await reach(client_name(first.message))
            async with (
                reached.client() as client,
                streamable_http_client(reached.url, http_client=client) as (from_server, to_server),
                anyio.create_task_group() as tasks,
            ):
                await to_server.send(first)
                tasks.start_soon(_pump, taken, to_server, lambda _: None)
                await _pump(from_server, to_client, unanswered.answered)
                tasks.cancel_scope.cancel()

        try:
            async with anyio.create_task_group() as tasks:
                tasks.start_soon(upwards, tasks)
                await across()
                tasks.cancel_scope.cancel()
        except Exception as error:
            # Whatever went wrong, the client waits for an answer.
            failure = failure_words(error)
            for request in unanswered.requests.values():
                await _refuse(request, failure, to_client)
            await _refuse_others(from_client, failure, to_client)
        lines.end()
    if failure:
        raise BridgeError(failure)


async def _refuse(request: types.JSONRPCRequest, why: str, to_client: _Target) -> None:
    data = types.ErrorData(code=_UNAUTHORIZED, message=why)
    answer = types.JSONRPCError(jsonrpc="2.0", id=request.id, error=data)
    await to_client.send(SessionMessage(answer))


async def _refuse_others(from_client: _Source, why: str, to_client: _Target) -> None:
    """Refuse what the client asks next, until it ends or asks nothing for a while.

    A client that speaks both protocol versions tries the other one as well.
    """
    with anyio.move_on_after(LINGER_SECONDS) as silence:
        async for message in from_client:
            if not isinstance(message, Exception) and isinstance(
                message.message, types.JSONRPCRequest
            ):
                await _refuse(message.message, why, to_client)
                silence.deadline = anyio.current_time() + LINGER_SECONDS


def client_name(message: object) -> str:
    """Return the client's name from its first message, in either version of the protocol."""
    params: Any = getattr(message, "params", None) or {}
    meta = params.get("_meta") or {}
    for info in (params.get("clientInfo"), meta.get(types.CLIENT_INFO_META_KEY)):
        if isinstance(info, dict) and isinstance(
            name := info.get("title") or info.get("name"), str
        ):
            return name
    return UNNAMED
