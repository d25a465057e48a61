"""One way to a running server: the session in which it serves a client, and the requests in it."""

from __future__ import annotations

import json
from http import HTTPStatus
from typing import TYPE_CHECKING, Any

import httpx2

from .event_stream import messages
from .messages import HANDSHAKE_VERSIONS, modern_headers, modern_version
from .pairing_client import PairingError, failure_words

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Mapping

    from .messages import Json
    from .pairing_client import Reached

END_SECONDS = 1.0
"""Seconds that a server may take to end the session when the program ends."""

_NEVER_SENT = (
    httpx2.ConnectError,
    httpx2.ConnectTimeout,
    httpx2.PoolTimeout,
    httpx2.InvalidURL,
    httpx2.UnsupportedProtocol,
)

_ACCEPTED = {"Accept": "application/json, text/event-stream"}


class NotTakenError(ConnectionError):
    """The server did not take a request, so it can be sent again."""


class BrokenError(ConnectionError):
    """The connection ended before the answer; nobody knows what has become of the request."""


class RefusedError(PairingError):
    """The server refused a request, and said why."""


class NotLetInError(RefusedError):
    """The server does not take the token."""


class Link:
    """A server, with the session of a client.

    Parameters
    ----------
    reached : Reached
    """

    def __init__(self, reached: Reached) -> None:
        self.reached = reached
        self._http = reached.client()
        self._session: str | None = None
        self._version = HANDSHAKE_VERSIONS[-1]

    async def open(self, greeted: Mapping[str, Any]) -> list[Json]:
        """Begin a session unless there is one, and return the server's tools.

        Raises
        ------
        ConnectionError
        RefusedError
        """
        if self._session is None:
            answer = await self._ask("initialize", greeted)
            self._version = str(answer.get("protocolVersion") or self._version)
            await self.notify(b'{"jsonrpc":"2.0","method":"notifications/initialized"}')
        tools: list[Json] = []
        page: Json = {}
        while True:
            listed = await self._ask("tools/list", page)
            tools += listed.get("tools", [])
            if not (cursor := listed.get("nextCursor")):
                return tools
            page = {"cursor": cursor}

    def forget(self) -> None:
        """Begin a new session the next time."""
        self._session = None

    async def _ask(self, method: str, params: Mapping[str, Any]) -> Json:
        message = {"jsonrpc": "2.0", "id": f"jmcp-{method}", "method": method, "params": params}
        async for _, answer in self.post(message, json.dumps(message).encode()):
            if "result" in answer and isinstance(answer["result"], dict):
                return answer["result"]
            if "error" in answer:
                raise RefusedError(str(answer["error"].get("message")))
        raise BrokenError("The server's answer ended early.")

    async def post(
        self, message: Mapping[str, Any], body: bytes, taken: Callable[[], object] = bool
    ) -> AsyncIterator[tuple[bytes, Json]]:
        """Send a request, and yield what comes in answer: the answer itself is the last of it.

        Parameters
        ----------
        message, body
            The request, read and as it was written.
        taken : callable, optional
            Called once the server has the request.

        Raises
        ------
        NotTakenError
        BrokenError
        RefusedError
        """
        headers = modern_headers(message) if modern_version(message) else self._headers()
        if message["method"] == "initialize":
            headers = {}
        try:
            async with self._http.stream(
                "POST", self.reached.url, content=body, headers=_JSON | headers
            ) as answer:
                taken()
                self._note(answer, message)
                async for line, found in messages(answer):
                    if "method" in found or found.get("id") == message["id"]:
                        yield line, found
                        if "method" not in found:
                            return
                    else:
                        self._refuse(answer.status_code, found)
                self._refuse(answer.status_code, {})
        except _NEVER_SENT as wrong:
            raise NotTakenError(failure_words(wrong)) from wrong
        except httpx2.HTTPError as wrong:
            raise BrokenError(failure_words(wrong)) from wrong
        raise BrokenError("The server's answer ended early.")

    def _headers(self) -> dict[str, str]:
        session = {} if self._session is None else {"Mcp-Session-Id": self._session}
        return {"MCP-Protocol-Version": self._version} | session

    def _note(self, answer: httpx2.Response, message: Mapping[str, Any]) -> None:
        if message["method"] == "initialize" and answer.status_code == HTTPStatus.OK:
            self._session = answer.headers.get("mcp-session-id")

    def _refuse(self, status: int, found: Mapping[str, Any]) -> None:
        """Raise the reason why the server does not serve a request, if that is what it says."""
        error = found.get("error")
        words = error.get("message") if isinstance(error, dict) else None
        words = str(words or f"The server answered {status} without an explanation.")
        if status == HTTPStatus.NOT_FOUND and self._session is not None:
            self.forget()
            raise NotTakenError(words)
        if status in (HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN):
            raise NotLetInError(words)
        if status in (HTTPStatus.BAD_GATEWAY, HTTPStatus.SERVICE_UNAVAILABLE):
            if isinstance(error, dict):
                raise NotTakenError(words)  # It is starting or stopping.
            # A proxy says this also when the server ended after it had taken the request.
            raise BrokenError(words)
        if status >= HTTPStatus.BAD_REQUEST:
            raise RefusedError(words)

    async def notify(self, body: bytes) -> None:
        """Send a message that has no answer.

        Raises
        ------
        ConnectionError
        """
        try:
            await self._http.post(self.reached.url, content=body, headers=_JSON | self._headers())
        except (httpx2.HTTPError, httpx2.InvalidURL) as wrong:
            raise BrokenError(failure_words(wrong)) from wrong

    async def listen(self) -> AsyncIterator[bytes]:
        """Yield what the server says by itself, until it breaks off.

        Raises
        ------
        ConnectionError
        RefusedError
        """
        headers = {"Accept": "text/event-stream"} | self._headers()
        try:
            async with self._http.stream("GET", self.reached.url, headers=headers) as answer:
                if answer.status_code != HTTPStatus.OK:
                    async for _, found in messages(answer):
                        self._refuse(answer.status_code, found)
                    self._refuse(answer.status_code, {})
                async for line, _ in messages(answer):
                    yield line
        except httpx2.ReadTimeout:
            return  # It had nothing to say for long, or has gone: the next request tells.
        except (httpx2.HTTPError, httpx2.InvalidURL) as wrong:
            raise BrokenError(failure_words(wrong)) from wrong

    async def end(self) -> None:
        """End the session, if the server is there, and close all connections."""
        if self._session is not None:
            try:
                await self._http.delete(
                    self.reached.url, headers=self._headers(), timeout=END_SECONDS
                )
            except (httpx2.HTTPError, httpx2.InvalidURL):
                pass  # It has gone, and the session with it.
        await self._http.aclose()


_JSON = _ACCEPTED | {"Content-Type": "application/json"}
