"""Track who is connected: open exchanges and sessions, and the last contact with each agent."""

from __future__ import annotations

from contextlib import contextmanager
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from .agent import Agent

RECENT = timedelta(minutes=2)
"""Time after its last HTTP exchange for which a client without a session counts as connected."""


class Activity:
    """What each agent's client is doing, as far as the endpoint sees it.

    Parameters
    ----------
    clock : callable
        Returns the current time, with time zone.
    """

    def __init__(self, clock: Callable[[], datetime]) -> None:
        self._clock = clock
        self.has_session: Callable[[str], bool] = lambda agent_id: False
        self._open_requests: dict[str, int] = {}
        self._was_connected: dict[str, bool] = {}

    def heard(self, agent: Agent) -> bool:
        """Record an HTTP exchange of an agent; return whether that changes what people see."""
        agent.last_seen = self._clock()
        visible = not self._was_connected.get(agent.id, False)
        self._was_connected[agent.id] = True
        return visible

    @contextmanager
    def request(self, agent: Agent) -> Iterator[None]:
        """Count an HTTP exchange as open during the block."""
        self._open_requests[agent.id] = self._open_requests.get(agent.id, 0) + 1
        try:
            yield
        finally:
            agent.last_seen = self._clock()
            self._open_requests[agent.id] -= 1
            if not self._open_requests[agent.id]:
                del self._open_requests[agent.id]

    def connected(self, agent: Agent) -> bool:
        """Return whether an agent has an open session or exchange, or was active recently."""
        recent = agent.last_seen is not None and self._clock() - agent.last_seen <= RECENT
        connected = recent or agent.id in self._open_requests or self.has_session(agent.id)
        self._was_connected[agent.id] = connected
        return connected

    def forget(self, agent: Agent) -> None:
        """Drop the record of a revoked agent; its open exchanges end by themselves."""
        self._was_connected.pop(agent.id, None)
