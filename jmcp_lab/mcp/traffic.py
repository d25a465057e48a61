"""Which MCP sessions are open, and which requests are being served.

The SDK keeps its sessions to itself; what is needed to say who is connected, to end the streams of
an agent that was revoked and to notice a client that left, is kept here.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from .asgi import Exchange

IDLE_TIMEOUT = 30 * 60
"""Seconds after which the SDK ends a session without requests."""

LEFT_AFTER = 120
"""Seconds after which a session whose event stream broke no longer counts as a connection."""

MOST_PER_AGENT = 16
MOST_REQUESTS = 100
"""Requests that an agent may have open at the same time."""


@dataclass(slots=True)
class Session:
    """An MCP session of a client that speaks the protocol with a handshake."""

    id: str
    agent_id: str
    last_used: float
    open_requests: int = 0
    had_stream: bool = False


@dataclass(slots=True, eq=False)
class RunningCall:
    """A tool call that a client waits for."""

    agent_id: str
    task: asyncio.Task[Any]


@dataclass(slots=True)
class Traffic:
    """What is open at this moment.

    Parameters
    ----------
    clock : callable, optional
        Seconds on a clock that is never set back.
    """

    clock: Callable[[], float] = time.monotonic
    sessions: dict[str, Session] = field(default_factory=dict)
    exchanges: set[Exchange] = field(default_factory=set)
    calls: set[RunningCall] = field(default_factory=set)
    _last_request: dict[str, float] = field(default_factory=dict)

    @contextmanager
    def serving(self, exchange: Exchange) -> Iterator[None]:
        """Note a request while it is served."""
        agent_id = exchange.agent.id
        self._last_request[agent_id] = self.clock()
        session = self._session_of(exchange)
        if session is not None:
            session.last_used = self.clock()
            session.open_requests += 1
            session.had_stream = session.had_stream or exchange.method == "GET"
        self.exchanges.add(exchange)
        try:
            yield
        finally:
            self.exchanges.discard(exchange)
            if session is not None:
                session.last_used = self.clock()
                session.open_requests -= 1

    def busy(self, agent_id: str) -> bool:
        """Return whether an agent has as many requests open as it may have."""
        return sum(each.agent.id == agent_id for each in self.exchanges) >= MOST_REQUESTS

    def _session_of(self, exchange: Exchange) -> Session | None:
        session = self.sessions.get(exchange.session_id or "")
        return session if session and session.agent_id == exchange.agent.id else None

    @contextmanager
    def calling(self, agent_id: str, task: asyncio.Task[Any]) -> Iterator[RunningCall]:
        """Note a tool call while somebody waits for it."""
        call = RunningCall(agent_id, task)
        self.calls.add(call)
        try:
            yield call
        finally:
            self.calls.discard(call)

    def requested_since(self, agent_id: str, moment: float) -> bool:
        """Return whether an agent made a request after a moment of `clock`."""
        return self._last_request.get(agent_id, -1.0) > moment

    def listens(self, agent_id: str) -> bool:
        """Return whether an agent has a request open whose connection stands."""
        return any(each.agent.id == agent_id and not each.gone.is_set() for each in self.exchanges)

    def answered(self, exchange: Exchange) -> bool:
        """Note what an answer says about sessions; return whether one was opened or closed."""
        status = exchange.status
        if status is None:
            return False
        if exchange.session_id is None:
            opened = exchange.answered_session_id
            if opened is None or status >= 400:
                return False
            self.sessions[opened] = Session(opened, exchange.agent.id, self.clock())
            return True
        ended = status == 404 or (exchange.method == "DELETE" and status < 300)
        if ended and self._session_of(exchange) is not None:
            del self.sessions[exchange.session_id]
            return True
        return False

    def has_session(self, agent_id: str) -> bool:
        """Return whether an agent holds a session and has not obviously left it."""
        now = self.clock()
        return any(
            session.open_requests or now - session.last_used <= self._patience(session)
            for session in self.sessions.values()
            if session.agent_id == agent_id
        )

    @staticmethod
    def _patience(session: Session) -> float:
        return LEFT_AFTER if session.had_stream else IDLE_TIMEOUT

    def of_agent(self, agent_id: str) -> list[Session]:
        """Return the sessions of an agent, least recently used first."""
        found = [s for s in self.sessions.values() if s.agent_id == agent_id]
        return sorted(found, key=lambda session: session.last_used)

    def surplus(self, agent_id: str) -> list[Session]:
        """Return the idle sessions of an agent that are to be ended before it opens another."""
        found = self.of_agent(agent_id)
        idle = [session for session in found if not session.open_requests]
        return idle[: max(0, len(found) - MOST_PER_AGENT + 1)]

    def prune(self) -> None:
        """Forget the sessions that the SDK has ended by itself."""
        now = self.clock()
        for session in list(self.sessions.values()):
            if not session.open_requests and now - session.last_used > IDLE_TIMEOUT:
                del self.sessions[session.id]
