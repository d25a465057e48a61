"""Serves sessions that the MCP SDK does not know: from before a restart, or ended in a long pause.

The protocol lets a server answer 404 to such a session, and wants the client to begin a new one.
Many clients do not: Gemini CLI, Cline, Continue and the SDKs' own clients fail from then on. What
an agent may do and has done belongs to its token, so nothing is lost when its client continues in a
new session under the old name.
"""

from __future__ import annotations

import asyncio
import json
import re
from typing import TYPE_CHECKING

from mcp.types import DEFAULT_NEGOTIATED_VERSION
from mcp_types.version import HANDSHAKE_PROTOCOL_VERSIONS

from .asgi import STATE, OwnRequest
from .traffic import Session

if TYPE_CHECKING:
    from collections.abc import Callable

    from .asgi import Exchange
    from .sdk_server import SessionManager
    from .traffic import Traffic

MAX_ENDED = 1_000
"""Maximum number of sessions remembered because their client ended them."""

_NAME = re.compile(r"[\x21-\x7e]{1,128}")
"""Session ids as the protocol allows them (visible ASCII), with a limit of length."""


class Revival:
    """Opens sessions in place of unknown ones.

    Parameters
    ----------
    manager : SessionManager
    traffic : Traffic
        Knows the sessions that are open.
    user_of : callable
        Returns the ASGI user for an agent's id.
    """

    def __init__(
        self, manager: SessionManager, traffic: Traffic, user_of: Callable[[str], object]
    ) -> None:
        self._manager = manager
        self._traffic = traffic
        self._user_of = user_of
        # Both by the agent's id and the client's name for the session.
        self._revived: dict[tuple[str, str], str] = {}
        self._ended: dict[tuple[str, str], None] = {}
        self._lock = asyncio.Lock()

    def serves(self, exchange: Exchange) -> bool:
        """Return whether the SDK can answer a request; point it at its revived session, if any."""
        name = exchange.session_id
        if name is None or name in self._traffic.sessions or not _NAME.fullmatch(name):
            return True
        key = (exchange.agent.id, name)
        revived = self._revived.get(key)
        if revived in self._traffic.sessions:
            exchange.session_id = revived
            return True
        # A session that its client ended stays ended. Clients without handshakes have no sessions.
        version = exchange.header("MCP-Protocol-Version", DEFAULT_NEGOTIATED_VERSION)
        return (
            key in self._ended
            or exchange.method == "DELETE"
            or version not in HANDSHAKE_PROTOCOL_VERSIONS
        )

    async def revive(self, exchange: Exchange) -> None:
        """Open a session for a request that names an unknown one."""
        # A client may send several requests of one session at the same time.
        async with self._lock:
            name = exchange.session_id
            if self.serves(exchange) or name is None:
                return
            if _is_handshake(exchange.body):
                # The client begins a new session by itself.
                exchange.session_id = exchange.client_session_id = None
                return
            revived = await self._open(exchange)
            if revived is None:
                return
            agent_id = exchange.agent.id
            self._traffic.sessions[revived] = Session(revived, agent_id, self._traffic.clock())
            self._revived = {
                key: value
                for key, value in self._revived.items()
                if value in self._traffic.sessions
            }
            self._revived[agent_id, name] = revived
            exchange.session_id = revived

    def ended(self, exchange: Exchange) -> None:
        """Remember that a client ended its session."""
        name = exchange.client_session_id
        if name is None:
            return
        self._ended[exchange.agent.id, name] = None
        if len(self._ended) > MAX_ENDED:
            # A dict keeps the order in which its keys came.
            del self._ended[next(iter(self._ended))]

    async def _open(self, exchange: Exchange) -> str | None:
        """Repeat the handshake that the client once made; return the id of the new session."""
        claims = exchange.agent.claims or {}
        client = {"name": claims.get("name", ""), "version": claims.get("version", "")}
        version = exchange.header("MCP-Protocol-Version", DEFAULT_NEGOTIATED_VERSION)
        params = {"protocolVersion": version, "capabilities": {}, "clientInfo": client}
        opening = await self._post(exchange, {"id": 0, "method": "initialize", "params": params})
        if opening.session_id is None or opening.status != 200:
            return None
        await self._post(exchange, {"method": "notifications/initialized"}, opening.session_id)
        return opening.session_id

    async def _post(
        self, exchange: Exchange, message: dict[str, object], session_id: str | None = None
    ) -> OwnRequest:
        headers = {
            "Content-Type": "application/json",
            "Accept": "application/json, text/event-stream",
        }
        if session_id is not None:
            headers["Mcp-Session-Id"] = session_id
        request = OwnRequest(
            "POST",
            headers,
            self._user_of(exchange.agent.id),
            body=json.dumps({"jsonrpc": "2.0", **message}).encode(),
            state={STATE: exchange},
        )
        await self._manager.handle_request(request.scope, request.receive, request.send)
        return request


def _is_handshake(body: bytes) -> bool:
    """Return whether a body, which is JSON or empty, is the message that opens a session."""
    message = json.loads(body) if body else None
    return isinstance(message, dict) and message.get("method") == "initialize"
