"""The doorbell: notifies every open panel to poll the state."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from jupyter_events import EventLogger

    from ..agents.registry import AgentRegistry
    from ..calls.call import Call
    from ..calls.ledger import Ledger

RING_SECONDS = 0.1
"""Seconds between two rings.

A call changes its state several times within milliseconds, and every ring makes every page poll.
That work must not delay the call itself."""

SCHEMA_ID = "https://schema.jmcp-lab.org/events/doorbell/v1"
SCHEMA_PATH = Path(__file__).parent.parent / "event_schemas" / "doorbell.yaml"


class Doorbell:
    """Rings at most ten times a second, however much changed.

    Parameters
    ----------
    events : EventLogger
        The server's event bus.
    ledger : Ledger
    agents : AgentRegistry
    """

    def __init__(self, events: EventLogger, ledger: Ledger, agents: AgentRegistry) -> None:
        self._events = events
        self._ledger = ledger
        self._topic: str | None = None
        events.register_event_schema(SCHEMA_PATH)
        ledger.subscribe(self._call_changed)
        agents.subscribe(self._agents_changed)

    def _call_changed(self, call: Call) -> None:
        self.ring("calls")

    def _agents_changed(self) -> None:
        self._ledger.bump()
        self.ring("agents")

    def ring(self, topic: str) -> None:
        """Ring soon, once for all changes until then."""
        try:
            loop = asyncio.get_running_loop()
        except RuntimeError:
            return  # nobody listens before the server runs
        if self._topic is None:
            loop.call_later(RING_SECONDS, self._ring)
        self._topic = topic

    def _ring(self) -> None:
        topic, self._topic = self._topic, None
        self._events.emit(schema_id=SCHEMA_ID, data={"seq": self._ledger.seq, "topic": topic})
