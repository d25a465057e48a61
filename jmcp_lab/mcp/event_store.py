"""What a client may ask for again after its connection broke.

The SDK names a stream by the client's own request id, which two sessions share. So every session
has a store of its own: nobody can replay what was sent to somebody else.
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

    They are kept as JSON: as objects, the events of many agents would be most of what Python's
    garbage collector goes through.

    Parameters
    ----------
    kept_events, kept_bytes : int, optional
        The oldest events are dropped beyond either; the newest one always stays.
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
        """Send what followed an event on its own stream; return that if more may come on it.

        None when the event is not known, and when its request is answered. Some clients ask for
        what followed each answer, which is nothing: waiting for that would never end.
        """
        stream = next((e.stream for e in self._events if str(e.number) == last_event_id), None)
        if stream is None:
            return None
        after = int(last_event_id)
        answered = False
        for event in list(self._events):
            if event.stream != stream or event.number < after:
                continue
            # A client may give its next request the same id: only what is not earlier counts.
            answered = answered or event.is_answer
            if event.number > after and event.kept is not None:
                message = jsonrpc_message_adapter.validate_json(event.kept, by_name=False)
                await send_callback(EventMessage(message, str(event.number)))
        return None if answered else stream
