"""The channels of a kernel on this machine: shell and control by asyncio, iopub by a thread."""

from __future__ import annotations

import asyncio
import uuid
from typing import TYPE_CHECKING, Any, Protocol, cast

from .iopub import Handover, Message, ZmqReader

if TYPE_CHECKING:
    from logging import Logger

    from jupyter_client.asynchronous.client import AsyncKernelClient
    from jupyter_client.manager import KernelManager
    from jupyter_client.session import Session

PAUSE_SECONDS = 0.1


class Listener(Protocol):
    """Who gets a kernel's messages; called on the event loop."""

    def on_iopub(self, message: Message) -> None:
        """Take a published message; its content may still be packed."""

    def on_shell(self, message: Message) -> None:
        """Take a reply."""

    def on_batch(self) -> None:
        """Learn that a batch of published messages is over."""

    def on_unreachable(self) -> None:
        """Learn that no more messages will come."""


class Channels(Protocol):
    """The way to a kernel."""

    async def start(self) -> None:
        """Connect."""

    def nudge(self) -> None:
        """Ask the kernel for something that makes it publish its status."""

    def execute(self, source: str) -> str:
        """Send code; return the id of the request."""

    def content(self, message: Message) -> dict[str, Any]:
        """Return the content of a published message."""

    async def close(self) -> None:
        """Free everything."""


def execute_content(source: str) -> dict[str, Any]:
    """Return the content of an execute request.

    Notes
    -----
    `stop_on_error` would make the kernel drop what others have in its queue, so the runs stop by
    themselves. With `allow_stdin` false, code that asks for input fails at once.
    """
    return {
        "code": source,
        "silent": False,
        "store_history": True,
        "user_expressions": {},
        "allow_stdin": False,
        "stop_on_error": False,
    }


class LocalChannels:
    """The channels of a kernel whose ZMQ ports this server can reach.

    Parameters
    ----------
    kernel : KernelManager
    listener : Listener
    log : Logger
    """

    def __init__(self, kernel: KernelManager, listener: Listener, log: Logger) -> None:
        self._listener = listener
        self._log = log
        self._client = cast("AsyncKernelClient", kernel.client())
        self._session: Session = self._client.session
        # Clients of one manager share the id of its session: the kernel could not tell them apart,
        # neither as receivers of replies nor by the ids of their messages.
        self._session.session = str(uuid.uuid4())
        self._handover = Handover(
            asyncio.get_running_loop(), self._on_frames, self._listener.on_batch
        )
        self._reader = ZmqReader(kernel, self._handover.put)
        self._replies: asyncio.Task[None] | None = None

    async def start(self) -> None:
        """Connect."""
        self._client.start_channels(iopub=False, stdin=False, hb=False)
        self._replies = asyncio.create_task(self._read_replies(), name="jmcp-lab-shell")
        self._reader.start()

    def nudge(self) -> None:
        """Ask on the control channel, which is answered while a cell runs."""
        self._client.control_channel.send(self._session.msg("kernel_info_request"))

    def execute(self, source: str) -> str:
        """Send code; return the id of the request."""
        message = self._session.msg("execute_request", execute_content(source))
        self._client.shell_channel.send(message)
        return cast("str", message["header"]["msg_id"])

    def content(self, message: Message) -> dict[str, Any]:
        """Return the content of a published message."""
        packed = message["content"]
        if not isinstance(packed, dict):
            message["content"] = packed = self._session.unpack(packed)
        return packed if isinstance(packed, dict) else {}

    async def close(self) -> None:
        """End the thread, the task and the sockets."""
        self._handover.close()
        self._reader.close()
        if self._replies is not None:
            self._replies.cancel()
            await asyncio.gather(self._replies, return_exceptions=True)
        self._client.stop_channels()

    def _on_frames(self, frames: object) -> None:
        try:
            _, parts = self._session.feed_identities(cast("list[bytes]", frames))
            # Most messages of a kernel that others use are not for us: the content is left packed.
            message = self._session.deserialize(parts, content=False)
        except Exception as error:
            # A message that is cut or not signed with our key must not end the reading.
            self._log.warning("A kernel's message was dropped: %s", error)
            return
        self._listener.on_iopub(message)

    async def _read_replies(self) -> None:
        while True:
            try:
                self._listener.on_shell(await self._client.get_shell_msg())
            except asyncio.CancelledError:
                raise
            except Exception as error:
                self._log.warning("A kernel's reply was dropped: %s", error)
                await asyncio.sleep(PAUSE_SECONDS)
