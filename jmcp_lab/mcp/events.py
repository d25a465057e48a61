"""What a client may ask for again after its connection broke.

The SDK names a stream by the client's own request id, which two sessions share. So every session
has a store of its own: nobody can replay what was sent to somebody else.
"""

from __future__ import annotations

from collections import deque
from typing import TYPE_CHECKING

from mcp.server.streamable_http import EventCallback, EventMessage, EventStore
from mcp.types import jsonrpc_message_adapter

if TYPE_CHECKING:
    from mcp.types import JSONRPCMessage

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
        self._events: deque[tuple[int, str, bytes | None]] = deque()
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
        self._events.append((self._last, stream_id, kept))
        while len(self._events) > 1 and (
            len(self._events) > self._kept_events or self._bytes > self._kept_bytes
        ):
            self._bytes -= len(self._events.popleft()[2] or b"")
        return str(self._last)

    async def replay_events_after(
        self, last_event_id: str, send_callback: EventCallback
    ) -> str | None:
        """Send what followed an event on its own stream; None when the event is not known."""
        stream = next((e[1] for e in self._events if str(e[0]) == last_event_id), None)
        if stream is None:
            return None
        after = int(last_event_id)
        for number, stream_id, kept in list(self._events):
            if number > after and stream_id == stream and kept is not None:
                message = jsonrpc_message_adapter.validate_json(kept, by_name=False)
                await send_callback(EventMessage(message, str(number)))
        return stream
