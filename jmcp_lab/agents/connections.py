"""Who is here: open requests and sessions, and what was heard last of each agent."""

from __future__ import annotations

from contextlib import contextmanager
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from .agent import Agent

RECENT = timedelta(minutes=2)
"""A client without a session counts as connected for this long after its last request."""


class Activity:
    """What each agent's client is doing, as far as the door sees it.

    Parameters
    ----------
    clock : callable
        Returns the present time, aware.
    """

    def __init__(self, clock: Callable[[], datetime]) -> None:
        self._clock = clock
        self.has_session: Callable[[str], bool] = lambda agent_id: False
        self._open_requests: dict[str, int] = {}
        self._was_connected: dict[str, bool] = {}

    def heard(self, agent: Agent) -> bool:
        """Note a request of an agent; return whether people see more of it by that than before."""
        agent.last_seen = self._clock()
        visible = not self._was_connected.get(agent.id, False)
        self._was_connected[agent.id] = True
        return visible

    @contextmanager
    def request(self, agent: Agent) -> Iterator[None]:
        """Count a request as open while the context is entered."""
        self._open_requests[agent.id] = self._open_requests.get(agent.id, 0) + 1
        try:
            yield
        finally:
            agent.last_seen = self._clock()
            self._open_requests[agent.id] -= 1
            if not self._open_requests[agent.id]:
                del self._open_requests[agent.id]

    def connected(self, agent: Agent) -> bool:
        """Return whether an agent has a session or a request open, or was here just now."""
        recent = agent.last_seen is not None and self._clock() - agent.last_seen <= RECENT
        connected = recent or agent.id in self._open_requests or self.has_session(agent.id)
        self._was_connected[agent.id] = connected
        return connected

    def forget(self, agent: Agent) -> None:
        """Forget an agent that has ended; its open requests end by themselves."""
        self._was_connected.pop(agent.id, None)
