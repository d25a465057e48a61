"""Connections for a few questions to a kernel, local or behind a gateway."""

from __future__ import annotations

import asyncio
import uuid
from typing import TYPE_CHECKING, Any, Protocol, cast

from ...errors import UnavailableError
from ..connection.gateway import GatewayChannels
from ..gateway_errors import NO_ANSWER, reaching

if TYPE_CHECKING:
    from logging import Logger

    from jupyter_client.asynchronous.client import AsyncKernelClient
    from jupyter_client.manager import KernelManager

    from ..connection.decoding import Message


class Connection(Protocol):
    """Sends requests to a kernel and receives its answers."""

    async def open(self) -> None:
        """Connect."""

    def nudge(self) -> None:
        """Send a request that makes the kernel publish its status."""

    def request(self, kind: str, content: dict[str, Any]) -> str:
        """Send a request; return its id."""

    async def reply(self) -> Message:
        """Return the next reply."""

    async def published(self) -> Message:
        """Return the next message that the kernel publishes."""

    async def close(self) -> None:
        """Free all resources."""


def connection(kernel: KernelManager, log: Logger) -> Connection:
    """Return a connection to a running kernel, not yet open."""
    if kernel.get_connection_info().get("iopub_port"):
        return LocalConnection(kernel)
    # The kernels of a gateway have no ports.
    return GatewayConnection(str(cast("Any", kernel).kernel_id), log)


class LocalConnection:
    """A connection to a kernel whose ZMQ ports this server can reach."""

    def __init__(self, kernel: KernelManager) -> None:
        self._client = cast("AsyncKernelClient", kernel.client())
        # Clients of one manager share its session id, and so would share their replies.
        self._client.session.session = str(uuid.uuid4())

    async def open(self) -> None:
        """Connect."""
        self._client.start_channels(stdin=False, hb=False)

    def nudge(self) -> None:
        """Send a request that makes the kernel publish its status."""
        self._client.control_channel.send(self._client.session.msg("kernel_info_request"))

    def request(self, kind: str, content: dict[str, Any]) -> str:
        """Send a request; return its id."""
        message = self._client.session.msg(kind, content)
        self._client.shell_channel.send(message)
        return str(message["header"]["msg_id"])

    async def reply(self) -> Message:
        """Return the next reply."""
        return await self._client.get_shell_msg()

    async def published(self) -> Message:
        """Return the next message that the kernel publishes."""
        return await self._client.get_iopub_msg()

    async def close(self) -> None:
        """Free all resources."""
        self._client.stop_channels()


class GatewayConnection:
    """A connection to a kernel that a gateway runs; it listens to the kernel's channels."""

    def __init__(self, kernel_id: str, log: Logger) -> None:
        self._channels = GatewayChannels(kernel_id, self, log)
        self._replies: asyncio.Queue[Message] = asyncio.Queue()
        self._published: asyncio.Queue[Message] = asyncio.Queue()

    async def open(self) -> None:
        """Connect.

        Raises
        ------
        UnavailableError
        """
        with reaching():
            await self._channels.start()

    def nudge(self) -> None:
        """Send a request that makes the kernel publish its status."""
        self._channels.nudge()

    def request(self, kind: str, content: dict[str, Any]) -> str:
        """Send a request; return its id."""
        return self._channels.request(kind, content)

    async def reply(self) -> Message:
        """Return the next reply.

        Raises
        ------
        UnavailableError
            The connection was lost.
        """
        return await _next(self._replies)

    async def published(self) -> Message:
        """Return the next message that the kernel publishes."""
        return await _next(self._published)

    async def close(self) -> None:
        """Free all resources."""
        await self._channels.close()

    # -- listener callbacks ------------------------------------------------------------------------

    def on_iopub(self, message: Message) -> None:
        """Handle a published message; only status messages are needed."""
        if message["msg_type"] == "status":
            self._published.put_nowait(message)

    def on_shell(self, message: Message) -> None:
        """Handle a reply."""
        self._replies.put_nowait(message)

    def on_stdin(self, message: Message) -> None:
        """Ignore questions from other people's code."""

    def on_batch(self) -> None:
        """Ignore the end of a batch."""

    def on_unreachable(self) -> None:
        """Unblock everything that waits for the kernel."""
        self._replies.put_nowait({})


async def _next(messages: asyncio.Queue[Message]) -> Message:
    if not (message := await messages.get()):
        raise UnavailableError(NO_ANSWER)
    return message
