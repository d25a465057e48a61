"""Tracks which MCP sessions are open and which HTTP requests are being served.

The SDK does not expose its sessions. This module records what the server needs to say who is
connected, to end the streams of a revoked agent and to notice a client that left.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from .asgi import Exchange

IDLE_SECONDS = 30 * 60
"""Seconds after which a session without requests is ended when another one opens."""

STREAM_GRACE_SECONDS = 120
"""Seconds after which a session whose event stream broke no longer counts as connected."""

MAX_SESSIONS_PER_AGENT = 16
"""Maximum of sessions of one agent; the idle ones beyond it are ended."""

MAX_SESSIONS = 64
"""Maximum of sessions of all agents."""

MAX_REQUESTS_PER_AGENT = 100
"""Maximum of requests that an agent may have open at the same time."""


@dataclass(slots=True)
class Session:
    """An MCP session, of a client whose protocol version has a handshake."""

    id: str
    agent_id: str
    last_used: float
    open_requests: int = 0
    had_stream: bool = False


@dataclass(slots=True, eq=False)
class RunningCall:
    """A tool call whose client waits for the reply."""

    agent_id: str
    task: asyncio.Task[Any]


@dataclass(slots=True)
class Traffic:
    """The sessions, exchanges and calls that are open now.

    Parameters
    ----------
    clock : callable, optional
        Monotonic clock, in seconds.
    """

    clock: Callable[[], float] = time.monotonic
    sessions: dict[str, Session] = field(default_factory=dict)
    exchanges: set[Exchange] = field(default_factory=set)
    calls: set[RunningCall] = field(default_factory=set)
    _last_request: dict[str, float] = field(default_factory=dict)

    @contextmanager
    def serving(self, exchange: Exchange) -> Iterator[None]:
        """Record a request while it is served."""
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
        """Return whether an agent has reached its maximum of open requests."""
        return sum(each.agent.id == agent_id for each in self.exchanges) >= MAX_REQUESTS_PER_AGENT

    def _session_of(self, exchange: Exchange) -> Session | None:
        session = self.sessions.get(exchange.session_id or "")
        return session if session and session.agent_id == exchange.agent.id else None

    @contextmanager
    def calling(self, agent_id: str, task: asyncio.Task[Any]) -> Iterator[RunningCall]:
        """Record a tool call while its client waits."""
        call = RunningCall(agent_id, task)
        self.calls.add(call)
        try:
            yield call
        finally:
            self.calls.discard(call)

    def requested_since(self, agent_id: str, moment: float) -> bool:
        """Return whether an agent made a request after a given time of `clock`."""
        return self._last_request.get(agent_id, -1.0) > moment

    def listens(self, agent_id: str) -> bool:
        """Return whether an agent has an open request whose client is still connected."""
        return any(each.agent.id == agent_id and not each.gone.is_set() for each in self.exchanges)

    def answered(self, exchange: Exchange) -> bool:
        """Record what an answer says about sessions; return whether it opened or closed one."""
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
        """Return whether an agent has a session that it has not obviously left."""
        now = self.clock()
        return any(
            session.open_requests or now - session.last_used <= self._patience(session)
            for session in self.sessions.values()
            if session.agent_id == agent_id
        )

    @staticmethod
    def _patience(session: Session) -> float:
        return STREAM_GRACE_SECONDS if session.had_stream else IDLE_SECONDS

    def of_agent(self, agent_id: str) -> list[Session]:
        """Return the sessions of an agent."""
        return [session for session in self.sessions.values() if session.agent_id == agent_id]

    def surplus(self, agent_id: str) -> list[Session]:
        """Return the sessions to end before an agent opens another one.

        Sessions without an open request are ended; their clients continue in new ones. The agent's
        own come first, then those of all agents.
        """
        mine = self.of_agent(agent_id)
        ended = _unused(mine)[: max(0, len(mine) - MAX_SESSIONS_PER_AGENT + 1)]
        others = [session for session in self.sessions.values() if session not in ended]
        return ended + _unused(others)[: max(0, len(others) - MAX_SESSIONS + 1)]

    def idle(self) -> list[Session]:
        """Return the sessions to end because nobody has used them for long."""
        now = self.clock()
        return [
            session
            for session in self.sessions.values()
            if not session.open_requests and now - session.last_used > IDLE_SECONDS
        ]


def _unused(sessions: Iterable[Session]) -> list[Session]:
    """Return the sessions without an open request, least recently used first."""
    found = [session for session in sessions if not session.open_requests]
    return sorted(found, key=lambda session: session.last_used)
