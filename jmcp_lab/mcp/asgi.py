"""Adapts one Tornado request to ASGI, which is what the MCP SDK serves."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping, MutableMapping
from typing import TYPE_CHECKING, Any

from tornado.iostream import StreamClosedError

if TYPE_CHECKING:
    from tornado.web import RequestHandler

    from ..agents.agent import Agent

Scope = MutableMapping[str, Any]
Message = MutableMapping[str, Any]

MAX_BODY = 4 * 1024 * 1024
"""Maximum number of bytes of a request: the SDK's limit, and ours before the body is read."""

_SECRET_HEADERS = frozenset({"authorization", "cookie", "proxy-authorization"})
_REPLACED_HEADERS = _SECRET_HEADERS | {"mcp-session-id"}
_CONNECTION_HEADERS = frozenset(
    {"connection", "transfer-encoding", "content-length", "date", "server"}
)

HELD_SECONDS = 0.25
"""Seconds to wait for the rest of an answer before its first part is sent.

Most answers are complete by then and leave in one piece. Sending a piece by itself costs the server
more than computing a small answer does."""

HELD_BYTES = 64 * 1024
"""Bytes of an answer that may wait; more is sent at once."""

STATE = "exchange"
"""Key of the exchange in the ASGI state; a tool call reads it as ``request.state.exchange``."""


class _Gone(asyncio.Event):
    """Is set once the client has disconnected, and then calls a listener, which needs no task."""

    on_set: Callable[[], None] | None = None

    def set(self) -> None:
        """Wake those who wait, and call the listener the first time."""
        if not self.is_set() and self.on_set is not None:
            self.on_set()
        super().set()


class Exchange:
    """One HTTP request of an agent and its answer.

    Parameters
    ----------
    handler : RequestHandler
        Tornado's handler of the request, which writes the answer.
    agent : Agent
        Agent that sent the request.
    body : bytes

    Attributes
    ----------
    halves : bool
        Whether a tool's arguments held unpaired surrogates, which were replaced.
    session_id : str or None
        Session in which the SDK serves the request.
    client_session_id : str or None
        The client's name for that session.
    """

    def __init__(self, handler: RequestHandler, agent: Agent, body: bytes) -> None:
        self.agent = agent
        self.gone = _Gone()
        self.session_id: str | None = handler.request.headers.get("Mcp-Session-Id")
        self.client_session_id = self.session_id
        self.answered_session_id: str | None = None
        self.halves = False
        self.on_start: Callable[[Exchange], None] | None = None
        self._handler = handler
        self._body = body
        self._body_sent = False
        self._started = False
        self._held_bytes = 0
        self._holding: asyncio.TimerHandle | None = None

    @property
    def method(self) -> str:
        """The HTTP method."""
        return self._handler.request.method or ""

    @property
    def body(self) -> bytes:
        """The body of the request."""
        return self._body

    def header(self, name: str, default: str) -> str:
        """Return a header of the request."""
        return self._handler.request.headers.get(name, default)

    def scope(self, user: object) -> Scope:
        """Return the ASGI scope, without credentials and without the query string."""
        request = self._handler.request
        path = request.path
        headers = [
            (name.lower().encode("latin-1"), value.encode("latin-1", "replace"))
            for name, value in request.headers.get_all()
            if name.lower() not in _REPLACED_HEADERS
        ]
        if self.session_id is not None:
            headers.append((b"mcp-session-id", self.session_id.encode("latin-1", "replace")))
        return {
            "type": "http",
            "asgi": {"version": "3.0", "spec_version": "2.3"},
            "http_version": "1.1",
            "method": request.method,
            "scheme": request.protocol,
            "path": path,
            "raw_path": path.encode("latin-1", "replace"),
            "root_path": "",
            "query_string": b"",
            "headers": headers,
            "client": (request.remote_ip or "", 0),
            "server": None,
            "state": {STATE: self},
            "user": user,
        }

    def when_gone(self, listener: Callable[[], None] | None) -> None:
        """Call `listener` as soon as the client has disconnected; None removes the listener."""
        if listener is not None and self.gone.is_set():
            listener()
        else:
            self.gone.on_set = listener

    async def receive(self) -> Message:
        """Return the whole body, then wait until the client has disconnected."""
        if not self._body_sent:
            self._body_sent = True
            return {"type": "http.request", "body": self._body, "more_body": False}
        await self.gone.wait()
        return {"type": "http.disconnect"}

    async def send(self, message: Message) -> None:
        """Write a part of the answer, and wait while the client reads slowly."""
        if self.gone.is_set():
            return
        try:
            if message["type"] == "http.response.start":
                await self._send_start(message)
            elif message["type"] == "http.response.body":
                await self._send_body(message)
        except StreamClosedError:
            self.gone.set()

    async def _send_start(self, message: Message) -> None:
        self._started = True
        handler = self._handler
        handler.set_status(message["status"])
        handler.clear_header("Content-Type")
        streams = False
        for raw_name, raw_value in message.get("headers", ()):
            name, value = raw_name.decode("latin-1").lower(), raw_value.decode("latin-1")
            if name in _CONNECTION_HEADERS:
                continue
            if name == "mcp-session-id":
                self.answered_session_id = value
                if value == self.session_id and self.client_session_id is not None:
                    value = self.client_session_id
            streams = streams or (name == "content-type" and value.startswith("text/event-stream"))
            handler.set_header(name, value)
        if self.on_start is not None:
            self.on_start(self)
        if streams:
            handler.set_header("X-Accel-Buffering", "no")
            if self.method == "POST":
                # Do not wait for the first event: clients limit how long they wait for headers.
                loop = asyncio.get_running_loop()
                self._holding = loop.call_later(HELD_SECONDS, self._send_held)
            else:
                await handler.flush()

    async def _send_body(self, message: Message) -> None:
        if body := message.get("body"):
            self._handler.write(body)
            self._held_bytes += len(body)
        if not message.get("more_body"):
            self.release()
            # Finish now, not after the SDK has cleaned up.
            await self._handler.finish()
        elif self._holding is None or self._held_bytes > HELD_BYTES:
            self.release()
            await self._handler.flush()

    def _send_held(self) -> None:
        """Send what was written so far."""
        self._holding = None
        if not self.gone.is_set():
            # Tornado reports a client that has disconnected in the meantime.
            self._handler.flush()

    def release(self) -> None:
        """Stop holding the answer back; the caller flushes it."""
        if self._holding is not None:
            self._holding.cancel()
            self._holding = None

    @property
    def status(self) -> int | None:
        """The status of the answer, once there is one."""
        return self._handler.get_status() if self._started else None


class OwnRequest:
    """A request that this server makes itself; of its answer only the head is kept.

    Parameters
    ----------
    method : str
    headers : dict of str
    user : object
        ASGI user of the request.
    body : bytes, optional
    state : dict, optional
        ASGI state.

    Attributes
    ----------
    status : int or None
    session_id : str or None
        Session that the answer names.
    """

    def __init__(
        self,
        method: str,
        headers: Mapping[str, str],
        user: object,
        *,
        body: bytes = b"",
        state: Mapping[str, object] | None = None,
    ) -> None:
        self.status: int | None = None
        self.session_id: str | None = None
        self.scope: Scope = {
            "type": "http",
            "asgi": {"version": "3.0", "spec_version": "2.3"},
            "http_version": "1.1",
            "method": method,
            "scheme": "http",
            "path": "/",
            "raw_path": b"/",
            "root_path": "",
            "query_string": b"",
            "headers": [
                (name.lower().encode("latin-1"), value.encode("latin-1"))
                for name, value in headers.items()
            ],
            "client": None,
            "server": None,
            "state": dict(state or {}),
            "user": user,
        }
        self._body = body
        self._body_sent = False

    async def receive(self) -> Message:
        """Return the body, then wait for ever: this client never disconnects."""
        if self._body_sent:
            await asyncio.Event().wait()
        self._body_sent = True
        return {"type": "http.request", "body": self._body, "more_body": False}

    async def send(self, message: Message) -> None:
        """Take the head of the answer, and discard the rest."""
        if message["type"] != "http.response.start":
            return
        self.status = message["status"]
        for name, value in message.get("headers", ()):
            if name.lower() == b"mcp-session-id":
                self.session_id = value.decode("latin-1")
