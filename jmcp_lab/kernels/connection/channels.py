"""The channels of a local kernel: shell and control use asyncio, iopub uses a thread."""

from __future__ import annotations

import asyncio
import queue
import uuid
from typing import TYPE_CHECKING, Any, Literal, Protocol, cast

import zmq
import zmq.asyncio
from zmq.utils.monitor import recv_monitor_message

from ...server.containment import contained, error_name
from .decoding import Message, Unpacker
from .iopub import Handover, ZmqReader

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable
    from logging import Logger

    from jupyter_client.asynchronous.client import AsyncKernelClient
    from jupyter_client.manager import KernelManager
    from jupyter_client.session import Session

PAUSE_SECONDS = 0.1

REMEMBERED_SIGNATURES = 1024
"""Number of message signatures remembered to detect replayed messages.

jupyter_client remembers 65,536, which is 8 MB for each kernel. When that many are stored, it sorts
all of them on the event loop, for 30 ms, again and again while a kernel floods.
"""

Channel = Literal["control", "shell"]
"""A channel for nudges. Kernels answer on control while a cell runs, but not every kernel does."""

STDIN_SECONDS = 1.0
"""Seconds to wait for a new kernel's stdin socket to connect."""


class Listener(Protocol):
    """Receives a kernel's messages, on the event loop."""

    def on_iopub(self, message: Message) -> None:
        """Handle a published message, whose content may still be packed."""

    def on_shell(self, message: Message) -> None:
        """Handle a reply."""

    def on_stdin(self, message: Message) -> None:
        """Handle a question from the kernel's code."""

    def on_batch(self) -> None:
        """Handle the end of a batch of published messages."""

    def on_unreachable(self) -> None:
        """Handle that no more messages will come."""


class Channels(Protocol):
    """The channels to a kernel."""

    async def start(self) -> None:
        """Connect."""

    async def can_be_asked(self) -> None:
        """Return when a question from the kernel's code can reach us."""

    def nudge(self, channel: Channel = "control") -> str:
        """Send a request that makes the kernel publish its status; return its id."""

    def execute(self, source: str, *, may_ask: bool) -> str:
        """Send code; return the id of the request."""

    def answer(self, value: str) -> None:
        """Answer the question that the kernel's code waits for."""

    def take_replies(self) -> None:
        """Deliver the replies that have arrived but have not been noticed yet."""

    def content(self, message: Message) -> dict[str, Any]:
        """Return the content of a published message."""

    async def close(self) -> None:
        """Free all resources."""


def execute_content(source: str, *, may_ask: bool) -> dict[str, Any]:
    """Return the content of an execute request.

    Notes
    -----
    `stop_on_error` would make the kernel drop others' code in its queue, so runs handle errors
    themselves. With `allow_stdin` false, code that asks for input fails at once.
    """
    return {
        "code": source,
        "silent": False,
        "store_history": True,
        "user_expressions": {},
        "allow_stdin": may_ask,
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
        # Clients of one manager share its session id. With it, the kernel could not tell them
        # apart, neither as receivers of replies nor by their message ids.
        self._session.session = str(uuid.uuid4())
        self._session.digest_history_size = REMEMBERED_SIGNATURES
        self._unpacker = Unpacker(self._session)
        self._handover = Handover(
            asyncio.get_running_loop(), self._on_message, self._listener.on_batch
        )
        self._reader = ZmqReader(kernel, self._on_frames)
        self._readers: list[asyncio.Task[None]] = []
        self._stdin_events: zmq.asyncio.Socket | None = None
        self._shell: zmq.Socket[bytes] | None = None

    async def start(self) -> None:
        """Connect."""
        self._client.start_channels(iopub=False, hb=False)
        self._shell = zmq.Socket.shadow(self._client.shell_channel.socket)
        self._readers = [
            asyncio.create_task(self._read(self._client.get_shell_msg, self._listener.on_shell)),
            asyncio.create_task(self._read(self._client.get_stdin_msg, self._listener.on_stdin)),
        ]
        self._stdin_events = self._client.stdin_channel.socket.get_monitor_socket(
            zmq.EVENT_HANDSHAKE_SUCCEEDED
        )
        self._reader.start()

    async def can_be_asked(self) -> None:
        """Return when a question from the kernel's code can reach us.

        A kernel that has just started drops what it sends to a socket that is not connected yet,
        and each of our sockets retries on its own schedule.
        """
        if self._stdin_events is None:
            return
        try:
            async with asyncio.timeout(STDIN_SECONDS):
                await recv_monitor_message(self._stdin_events)
        except TimeoutError:
            # The socket may have connected before the monitor was attached.
            pass
        finally:
            self._stop_watching()

    def nudge(self, channel: Channel = "control") -> str:
        """Send a request that makes the kernel publish its status; return its id."""
        message = self._session.msg("kernel_info_request")
        to_control = channel == "control"
        (self._client.control_channel if to_control else self._client.shell_channel).send(message)
        return cast("str", message["header"]["msg_id"])

    def execute(self, source: str, *, may_ask: bool) -> str:
        """Send code; return the id of the request."""
        content = execute_content(source, may_ask=may_ask)
        message = self._session.msg("execute_request", content)
        self._client.shell_channel.send(message)
        return cast("str", message["header"]["msg_id"])

    def answer(self, value: str) -> None:
        """Answer the question that the kernel's code waits for."""
        self._client.stdin_channel.send(self._session.msg("input_reply", {"value": value}))

    def take_replies(self) -> None:
        """Deliver the replies that have arrived but have not been noticed yet.

        The event loop notices a message by itself only after some iterations, which take long while
        it writes to pages. The task that waits for replies continues with the next one.
        """
        while self._shell is not None:
            try:
                frames = self._shell.recv_multipart(zmq.NOBLOCK)
            except zmq.ZMQError:
                # No reply is left, or the socket is closed.
                return
            try:
                with contained():
                    _, parts = self._session.feed_identities(frames)
                    self._listener.on_shell(self._session.deserialize(parts))
            except Exception as error:
                # See `_on_message`: the next reply may be the one that somebody waits for.
                self._dropped(error)

    def content(self, message: Message) -> dict[str, Any]:
        """Return the content of a published message."""
        packed = message["content"]
        if not isinstance(packed, dict):
            message["content"] = packed = self._unpacker.content(packed)
        return packed if isinstance(packed, dict) else {}

    async def close(self) -> None:
        """Stop the thread, the tasks and the sockets."""
        self._shell = None
        self._handover.close()
        self._reader.close()
        for reader in self._readers:
            reader.cancel()
        await asyncio.gather(*self._readers, return_exceptions=True)
        self._stop_watching()
        self._client.stop_channels()

    def _stop_watching(self) -> None:
        if self._stdin_events is not None:
            self._client.stdin_channel.socket.disable_monitor()
            self._stdin_events.close(linger=0)
            self._stdin_events = None

    def _on_frames(self, frames: list[bytes]) -> None:
        """Verify a message; this runs in the reading thread."""
        try:
            with contained():
                self._handover.put(self._unpacker.checked(frames))
        except Exception as error:
            self._handover.put(error)

    def _on_message(self, parts: object) -> None:
        try:
            if isinstance(parts, Exception):
                raise parts
            with contained():
                self._listener.on_iopub(self._unpacker.message(cast("list[bytes]", parts)))
        except Exception as error:
            # A message that is truncated, invalid or not signed with our key must not stop the
            # reader, because the kernel's idle status may come after it.
            self._dropped(error)

    async def _read(
        self, receive: Callable[[], Awaitable[Message]], take: Callable[[Message], None]
    ) -> None:
        while True:
            try:
                with contained():
                    take(await receive())
            except asyncio.CancelledError:
                raise
            except queue.Empty:
                # `take_replies` has taken the message after the socket became readable.
                continue
            except Exception as error:
                # See `_on_message`. The pause is for a socket that fails every time.
                self._dropped(error)
                await asyncio.sleep(PAUSE_SECONDS)

    def _dropped(self, error: Exception) -> None:
        self._log.warning(
            "A kernel's message was dropped (%s): %s", error_name(error), error.__cause__ or error
        )
