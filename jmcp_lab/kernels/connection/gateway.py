"""The channels of a kernel behind a kernel gateway: the websocket of Jupyter's REST API.

The client of jupyter_server 2.21, `GatewayKernelClient`, sends no credentials when it connects, and
spins the event loop while it waits for a message. The server's connection for pages is tied to a
page's websocket. So this class implements the protocol itself, with the server's settings.
"""

from __future__ import annotations

import asyncio
import json
import uuid
from typing import TYPE_CHECKING, Any, cast

from jupyter_client.jsonutil import json_default
from jupyter_client.session import Session
from jupyter_server.gateway.gateway_client import GatewayClient
from jupyter_server.services.kernels.connection import base
from jupyter_server.utils import url_path_join
from tornado.escape import url_escape
from tornado.httpclient import HTTPError, HTTPRequest
from tornado.websocket import WebSocketClosedError, websocket_connect

from ...server.containment import contained
from ...text.surrogates import may_have_halves, without_halves
from .channels import execute_content
from .iopub import SLICE_SECONDS

if TYPE_CHECKING:
    from collections.abc import Callable
    from logging import Logger

    from tornado.websocket import WebSocketClientConnection

    from .channels import Channel, Listener
    from .decoding import Message

MAX_RETRIES = 5
"""Maximum attempts to restore a lost connection; the pause doubles each time."""

PAUSE_SECONDS = 1.0

MAX_MESSAGE_BYTES = 1 << 30
"""Maximum bytes of a message; by default, Tornado closes the connection on more than 10 MB."""


class GatewayChannels:
    """The channels of a kernel that a gateway runs.

    Parameters
    ----------
    kernel_id : str
    listener : Listener
    log : Logger

    Notes
    -----
    The gateway buffers messages for a session whose connection was lost, and sends them when the
    same
    session reconnects.
    """

    def __init__(self, kernel_id: str, listener: Listener, log: Logger) -> None:
        self._kernel_id = kernel_id
        self._listener = listener
        self._log = log
        self._session = Session(key=b"", session=str(uuid.uuid4()))
        self._socket: WebSocketClientConnection | None = None
        self._reading: asyncio.Task[None] | None = None
        self._unsent: list[str] = []

    async def start(self) -> None:
        """Connect."""
        self._socket = await self._connect()
        self._reading = asyncio.create_task(self._read(), name="jmcp-lab-gateway")

    async def can_be_asked(self) -> None:
        """Return at once: one connection carries all channels."""

    def nudge(self, channel: Channel = "control") -> str:
        """Send a request that makes the kernel publish its status; return its id."""
        message = self._session.msg("kernel_info_request")
        self._send(channel, message)
        return cast("str", message["header"]["msg_id"])

    def execute(self, source: str, *, may_ask: bool) -> str:
        """Send code; return the id of the request."""
        return self.request("execute_request", execute_content(source, may_ask=may_ask))

    def request(self, kind: str, content: dict[str, Any]) -> str:
        """Send a request of any type; return its id."""
        message = self._session.msg(kind, content)
        self._send("shell", message)
        return cast("str", message["header"]["msg_id"])

    def answer(self, value: str) -> None:
        """Answer the question that the kernel's code waits for."""
        self._send("stdin", self._session.msg("input_reply", {"value": value}))

    def take_replies(self) -> None:
        """Do nothing: one connection delivers all messages as they come."""

    def content(self, message: Message) -> dict[str, Any]:
        """Return the content of a published message."""
        return cast("dict[str, Any]", message["content"])

    async def close(self) -> None:
        """Close the connection."""
        if self._reading is not None:
            self._reading.cancel()
            await asyncio.gather(self._reading, return_exceptions=True)
        if self._socket is not None:
            self._socket.close()

    def _send(self, channel: str, message: dict[str, Any]) -> None:
        self._write(
            json.dumps({**message, "channel": channel, "buffers": []}, default=json_default)
        )

    def _write(self, text: str) -> None:
        """Send a message now, or as soon as the connection is restored."""

        def look(sent: asyncio.Future[None]) -> None:
            # The gateway cannot have processed a message that was not sent completely.
            if not sent.cancelled() and sent.exception() is not None:
                self._unsent.append(text)

        try:
            if self._socket is None:
                raise WebSocketClosedError
            sent = self._socket.write_message(text)
        except WebSocketClosedError:
            # The reading task notices this as well. It reconnects, or reports the loss.
            self._unsent.append(text)
        else:
            asyncio.ensure_future(sent).add_done_callback(look)

    async def _connect(self) -> WebSocketClientConnection:
        settings: Any = GatewayClient.instance()
        url = url_path_join(
            settings.ws_url or "",
            settings.kernels_endpoint,
            url_escape(self._kernel_id),
            "channels",
        )
        url += f"?session_id={url_escape(self._session.session)}"
        request = HTTPRequest(url, **settings.load_connection_args())
        return await websocket_connect(request, max_message_size=MAX_MESSAGE_BYTES)

    async def _read(self) -> None:
        """Read until the connection is lost for good, and report that, whatever the reason."""
        try:
            with contained():
                await self._follow()
        except Exception:
            # In any case the kernel is out of reach, and its runs must be notified.
            self._log.exception("The connection to the kernel gateway broke")
        self._listener.on_unreachable()

    async def _follow(self) -> None:
        while self._socket is not None:
            await self._read_messages(self._socket)
            broken, self._socket = self._socket, None
            broken.close()
            self._log.warning("The connection to the kernel gateway was lost")
            self._socket = await self._reconnect()
            unsent, self._unsent = self._unsent, []
            for text in unsent:
                self._write(text)

    async def _read_messages(self, socket: WebSocketClientConnection) -> None:
        loop = asyncio.get_running_loop()
        began = loop.time()
        while (raw := await socket.read_message()) is not None:
            self._on_raw(raw)
            self._listener.on_batch()
            if loop.time() - began > SLICE_SECONDS:
                # `read_message` does not yield while messages are buffered.
                await asyncio.sleep(0)
                began = loop.time()

    def _on_raw(self, raw: str | bytes) -> None:
        try:
            with contained():
                self._take(json.loads(raw) if isinstance(raw, str) else _with_buffers(raw), raw)
        except Exception as error:
            # As with local kernels, the kernel's idle status may come after this message.
            self._log.warning("A kernel's message was dropped: %s", error)

    def _take(self, message: Message, raw: str | bytes) -> None:
        if not isinstance(message["content"], dict):
            raise TypeError("Its content is not an object.")
        if may_have_halves(raw):
            message["content"] = without_halves(message["content"])
        match message["channel"]:
            case "iopub":
                self._listener.on_iopub(message)
            case "shell":
                self._listener.on_shell(message)
            case "stdin":
                self._listener.on_stdin(message)

    async def _reconnect(self) -> WebSocketClientConnection | None:
        for attempt in range(MAX_RETRIES):
            await asyncio.sleep(PAUSE_SECONDS * 2**attempt)
            try:
                return await self._connect()
            except (OSError, HTTPError) as error:
                self._log.info("The kernel gateway does not respond yet: %s", error)
        return None


def _with_buffers(raw: bytes) -> Message:
    unpack = cast("Callable[[bytes], Message]", base.deserialize_binary_message)
    return unpack(raw)
