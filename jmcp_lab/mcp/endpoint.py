"""The MCP endpoint: opens when the extension starts, and closes when the server stops.

Neither a failed start nor a stop may harm Jupyter: an exception in an extension's stop hook keeps
the whole server from ending.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import time
from typing import TYPE_CHECKING

from ..server.containment import contained, error_name
from ..server.garbage_collector import collector_paused, settle
from .asgi import OwnRequest, Scope
from .traffic import Session, Traffic

if TYPE_CHECKING:
    from collections.abc import Callable
    from types import ModuleType

    from ..agents.agent import Agent
    from ..agents.registry import AgentRegistry
    from ..runtime.dispatcher import Dispatcher
    from .asgi import Exchange
    from .revival import Revival
    from .sdk_server import SessionManager

ABANDON_SECONDS = 10.0
"""Seconds without a request after which a client that dropped its connection has left."""

_OPEN_SECONDS = 60.0
"""Seconds that a request waits for the endpoint to open.

Importing the SDK takes long on a slow machine, and clients do not retry."""

_END_SESSION_SECONDS = 0.5
_STOP_SECONDS = 1.5


class McpEndpoint:
    """Serves MCP to the agents of a registry.

    Parameters
    ----------
    dispatcher : Dispatcher
    registry : AgentRegistry
    version : str
        Version of this package, which clients see.
    log : logging.Logger
    left_after : float, optional
    clock : callable, optional
        Monotonic clock of the sessions, in seconds.

    Attributes
    ----------
    error : str or None
        Why agents cannot connect, in a sentence for the person; None while all is well.
    """

    def __init__(
        self,
        dispatcher: Dispatcher,
        registry: AgentRegistry,
        *,
        version: str,
        log: logging.Logger,
        left_after: float = ABANDON_SECONDS,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.error: str | None = None
        self._dispatcher = dispatcher
        self._registry = registry
        self._version = version
        self._log = log
        self._left_after = left_after
        self._traffic = Traffic(clock)
        self._manager: SessionManager | None = None
        self._revival: Revival | None = None
        self._owner: asyncio.Task[None] | None = None
        self._stopping = False
        self._leave = asyncio.Event()
        self._started = asyncio.Event()
        self._ending: set[asyncio.Task[None]] = set()
        registry.watch_sessions(self._traffic.has_session)
        registry.on_revoke(self._revoked)

    @property
    def ready(self) -> bool:
        """Whether requests can be served."""
        return self._manager is not None and self.error is None and not self._stopping

    @property
    def sessions(self) -> frozenset[str]:
        """Ids of the open sessions."""
        return frozenset(self._traffic.sessions)

    @property
    def closed_because(self) -> str:
        """Why requests cannot be served, as a sentence."""
        if self.error is not None:
            return self.error
        if self._stopping:
            return "The server is stopping. Connect again when it is running."
        return "The server is still starting. Try again in a minute."

    def busy(self, agent: Agent) -> bool:
        """Return whether an agent has as many requests open as it may have."""
        return self._traffic.busy(agent.id)

    async def start(self) -> None:
        """Open the endpoint; a failure is logged and stored in `error`, never raised."""
        try:
            with contained():
                await self._start()
        except Exception as error:
            self._fail(error)
        else:
            self._registry.changed()
        finally:
            self._started.set()

    def stay_shut(self, words: str) -> None:
        """Refuse every request as long as this server runs, and say why."""
        self._log.error(words)
        self.error = words
        self._registry.changed()
        self._started.set()

    async def opening(self) -> None:
        """Return once the endpoint has opened or failed to open.

        The server answers pages before that, so agents may connect before that too.
        """
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(_OPEN_SECONDS):
                await self._started.wait()

    async def _start(self) -> None:
        # Importing the SDK takes long, and a page may be waiting for its first answer.
        server = await asyncio.to_thread(_import_server)
        from .revival import Revival

        handlers = server.Handlers(
            self._dispatcher, self._registry, self._traffic, self._log, self._left_after
        )
        manager = server.build_manager(handlers, version=self._version)
        ready: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._owner = asyncio.create_task(self._own(manager, ready), name="jmcp-endpoint")
        await ready
        self._revival = Revival(manager, self._traffic, server.principal)
        self._manager = manager
        settle()

    async def _own(self, manager: SessionManager, ready: asyncio.Future[None]) -> None:
        """Enter and leave the manager in one task, as its task group requires."""
        try:
            with contained():
                async with manager.run():
                    ready.set_result(None)
                    await self._leave.wait()
        except Exception as error:
            if ready.done():
                self._fail(error)
            else:
                ready.set_exception(error)

    def _fail(self, error: Exception) -> None:
        reason = str(error).splitlines()
        self._log.error(
            "Agents cannot connect: the MCP endpoint did not start (%s: %s).",
            error_name(error),
            reason[0] if reason else "",
        )
        self._log.debug("The MCP endpoint did not start.", exc_info=error)
        self.error = (
            f"Agents cannot connect: the MCP endpoint did not start ({error_name(error)}). The "
            "server log says why. Fix that, then restart the Jupyter server."
        )
        self._registry.changed()

    # -- requests ------------------------------------------------------------------------------

    async def serve(self, exchange: Exchange) -> None:
        """Serve one request of an agent."""
        if self._manager is None or self._revival is None:
            raise RuntimeError("the endpoint is not running")
        agent = exchange.agent
        exchange.on_start = self._answer_starts
        if not self._revival.serves(exchange):
            await self._make_room(agent)
            await self._revival.revive(exchange)
            self._registry.changed()
        elif exchange.session_id is None:
            await self._make_room(agent)
        with self._registry.request(agent), self._traffic.serving(exchange):
            self._registry.seen(agent)
            await self._manager.handle_request(
                self._scope(exchange), exchange.receive, exchange.send
            )
        if exchange.method == "DELETE":
            self._revival.ended(exchange)

    async def _make_room(self, agent: Agent) -> None:
        """End what is idle before a session opens."""
        for session in [*self._traffic.idle(), *self._traffic.surplus(agent.id)]:
            await self._end_session(session)

    def _scope(self, exchange: Exchange) -> Scope:
        from .sdk_server import principal

        return exchange.scope(principal(exchange.agent.id))

    def _answer_starts(self, exchange: Exchange) -> None:
        if self._traffic.answered(exchange):
            self._registry.changed()

    # -- ending --------------------------------------------------------------------------------

    def _revoked(self, agent_id: str) -> None:
        """End everything that an agent has open."""
        if self._manager is None:
            return
        task = asyncio.create_task(self._end_agent(agent_id), name="jmcp-revoke")
        self._ending.add(task)
        task.add_done_callback(self._ending.discard)

    async def _end_agent(self, agent_id: str) -> None:
        for call in list(self._traffic.calls):
            if call.agent_id == agent_id:
                call.task.cancel()
        sessions = [self._end_session(session) for session in self._traffic.of_agent(agent_id)]
        for ended in await asyncio.gather(*sessions, return_exceptions=True):
            if isinstance(ended, BaseException):
                self._log.warning("A session did not end cleanly (%s).", error_name(ended))
        for exchange in list(self._traffic.exchanges):
            if exchange.agent.id == agent_id:
                exchange.gone.set()

    async def _end_session(self, session: Session) -> None:
        """End a session with a DELETE, as its client would."""
        from .sdk_server import principal

        self._traffic.sessions.pop(session.id, None)
        if self._manager is None:
            return
        request = OwnRequest("DELETE", {"Mcp-Session-Id": session.id}, principal(session.agent_id))
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(_END_SESSION_SECONDS):
                await self._manager.handle_request(request.scope, request.receive, request.send)

    async def stop(self) -> None:
        """Close the endpoint quickly; never raises."""
        self._stopping = True
        self._started.set()
        try:
            with contained():
                async with asyncio.timeout(_STOP_SECONDS):
                    await self._stop()
        except Exception as error:
            self._log.warning("The MCP endpoint did not stop cleanly (%s).", type(error).__name__)
            self._log.debug("The MCP endpoint did not stop cleanly.", exc_info=error)
        if self._owner is not None and not self._owner.done():
            self._owner.cancel()
        _cancel_sse_watchers()

    async def _stop(self) -> None:
        for call in list(self._traffic.calls):
            call.task.cancel()
        # Sessions first: otherwise the SDK waits a second to tell each client that it ended.
        await asyncio.gather(
            *(self._end_session(session) for session in list(self._traffic.sessions.values())),
            return_exceptions=True,
        )
        for exchange in list(self._traffic.exchanges):
            exchange.gone.set()
        self._leave.set()
        if self._owner is not None:
            await asyncio.wait({self._owner})


def _import_server() -> ModuleType:
    with collector_paused():
        from . import sdk_server as server
    return server


def _cancel_sse_watchers() -> None:
    """Cancel the endless task that sse-starlette keeps on each loop."""
    for task in asyncio.all_tasks():
        if getattr(task.get_coro(), "__name__", "") == "_shutdown_watcher":
            task.cancel()
