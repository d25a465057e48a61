"""Tornado on one side, ASGI on the other: one HTTP request as the SDK wants to see it."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, MutableMapping
from typing import TYPE_CHECKING, Any

from tornado.iostream import StreamClosedError

if TYPE_CHECKING:
    from tornado.web import RequestHandler

    from ..agents.agent import Agent

Scope = MutableMapping[str, Any]
Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]

MAX_BODY = 4 * 1024 * 1024
"""Maximum number of bytes of a request: the SDK's limit, and ours before the body is read."""

_SECRET_HEADERS = frozenset({"authorization", "cookie", "proxy-authorization"})
_CONNECTION_HEADERS = frozenset(
    {"connection", "transfer-encoding", "content-length", "date", "server"}
)

HELD_SECONDS = 0.25
"""So long the beginning of an answer waits for its end. Most are whole by then and leave at once:
each piece that is sent by itself costs the server more than working out a small answer does."""

HELD_BYTES = 64 * 1024
"""More than that does not wait."""

STATE = "exchange"
"""Name under which a tool call finds its exchange: ``request.state.exchange``."""


class _Gone(asyncio.Event):
    """Set once the client has gone; who wants to hear of that needs no task to wait for it."""

    on_set: Callable[[], None] | None = None

    def set(self) -> None:
        """Tell those who wait, and who wants to hear of it once."""
        if not self.is_set() and self.on_set is not None:
            self.on_set()
        super().set()


class Exchange:
    """One HTTP request of an agent and its answer.

    Parameters
    ----------
    handler : RequestHandler
        What Tornado gave us to answer with.
    agent : Agent
        Who asks.
    body : bytes

    Attributes
    ----------
    halves : bool
        The arguments of a tool held halves of surrogate pairs, in whose place there is a sign now.
    """

    def __init__(self, handler: RequestHandler, agent: Agent, body: bytes) -> None:
        self.agent = agent
        self.gone = _Gone()
        self.session_id = handler.request.headers.get("Mcp-Session-Id")
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

    def scope(self, user: object) -> Scope:
        """Return the ASGI scope, without credentials and without the query string."""
        request = self._handler.request
        path = request.path
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
            "headers": [
                (name.lower().encode("latin-1"), value.encode("latin-1", "replace"))
                for name, value in request.headers.get_all()
                if name.lower() not in _SECRET_HEADERS
            ],
            "client": (request.remote_ip or "", 0),
            "server": None,
            "state": {STATE: self},
            "user": user,
        }

    def when_gone(self, listener: Callable[[], None] | None) -> None:
        """Call `listener` as soon as the client has gone; None calls nobody any longer."""
        if listener is not None and self.gone.is_set():
            listener()
        else:
            self.gone.on_set = listener

    async def receive(self) -> Message:
        """Give the whole body, then wait until the client has gone."""
        if not self._body_sent:
            self._body_sent = True
            return {"type": "http.request", "body": self._body, "more_body": False}
        await self.gone.wait()
        return {"type": "http.disconnect"}

    async def send(self, message: Message) -> None:
        """Write a part of the answer; waits while the client is slow to read."""
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
            streams = streams or (name == "content-type" and value.startswith("text/event-stream"))
            handler.set_header(name, value)
        if self.on_start is not None:
            self.on_start(self)
        if streams:
            handler.set_header("X-Accel-Buffering", "no")
            if self.method == "POST":
                # Not for the first event: clients limit how long they wait for headers.
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
            # Now, not when the SDK has tidied up.
            await self._handler.finish()
        elif self._holding is None or self._held_bytes > HELD_BYTES:
            self.release()
            await self._handler.flush()

    def _send_held(self) -> None:
        """Send what there is by now."""
        self._holding = None
        if not self.gone.is_set():
            # Who has gone meanwhile is told of by the connection.
            self._handler.flush()

    def release(self) -> None:
        """Hold nothing back any longer; whoever calls it sends it."""
        if self._holding is not None:
            self._holding.cancel()
            self._holding = None

    @property
    def status(self) -> int | None:
        """The status of the answer, once there is one."""
        return self._handler.get_status() if self._started else None


class Discard:
    """The answer to a request that we make ourselves: only its end matters."""

    def __init__(self) -> None:
        self._body_sent = False

    async def receive(self) -> Message:
        """Give an empty body; nobody goes away."""
        if self._body_sent:
            await asyncio.Event().wait()
        self._body_sent = True
        return {"type": "http.request", "body": b"", "more_body": False}

    async def send(self, message: Message) -> None:
        """Drop a part of the answer."""
