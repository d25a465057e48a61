"""Stores the events that a client may replay after its connection broke.

The SDK identifies a stream by the client's own request id, which may be the same in two sessions.
So every session has its own store, and no client can replay what was sent to another one.
"""

from __future__ import annotations

from collections import deque
from typing import TYPE_CHECKING, NamedTuple

from mcp.server.streamable_http import EventCallback, EventMessage, EventStore
from mcp.types import JSONRPCError, JSONRPCResponse, jsonrpc_message_adapter

if TYPE_CHECKING:
    from mcp.types import JSONRPCMessage


class _Event(NamedTuple):
    number: int
    stream: str
    kept: bytes | None
    is_answer: bool


KEPT_EVENTS = 500
KEPT_BYTES = 4 * 1024 * 1024


class SessionEvents(EventStore):
    """The last events of one session, within a bound.

    The store keeps them as JSON. As objects, the events of many agents would be most of what
    Python's garbage collector has to scan.

    Parameters
    ----------
    kept_events, kept_bytes : int, optional
        Bounds beyond which the oldest events are dropped; the newest one always stays.
    """

    def __init__(self, kept_events: int = KEPT_EVENTS, kept_bytes: int = KEPT_BYTES) -> None:
        self._events: deque[_Event] = deque()
        self._last = 0
        self._bytes = 0
        self._kept_events = kept_events
        self._kept_bytes = kept_bytes

    async def store_event(self, stream_id: str, message: JSONRPCMessage | None) -> str:
        """Keep a message and return its event id."""
        kept = None
        if message is not None:
            kept = message.model_dump_json(by_alias=True, exclude_unset=True).encode()
            self._bytes += len(kept)
        self._last += 1
        is_answer = isinstance(message, JSONRPCResponse | JSONRPCError)
        self._events.append(_Event(self._last, stream_id, kept, is_answer))
        while len(self._events) > 1 and (
            len(self._events) > self._kept_events or self._bytes > self._kept_bytes
        ):
            self._bytes -= len(self._events.popleft().kept or b"")
        return str(self._last)

    async def replay_events_after(
        self, last_event_id: str, send_callback: EventCallback
    ) -> str | None:
        """Send what followed an event on its stream, and return the stream if more may come.

        Return None when the event is unknown or its request was answered. Some clients ask for
        what followed each answer; nothing ever does, so waiting for it would never end.
        """
        stream = next((e.stream for e in self._events if str(e.number) == last_event_id), None)
        if stream is None:
            return None
        after = int(last_event_id)
        answered = False
        for event in list(self._events):
            if event.stream != stream or event.number < after:
                continue
            # A client may reuse the id for its next request, so ignore earlier events.
            answered = answered or event.is_answer
            if event.number > after and event.kept is not None:
                message = jsonrpc_message_adapter.validate_json(event.kept, by_name=False)
                await send_callback(EventMessage(message, str(event.number)))
        return None if answered else stream
