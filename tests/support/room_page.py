"""Provides a page without a browser: a replica of a notebook behind a real WebSocket."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable, Callable
from typing import Any

from jupyter_ydoc import YNotebook
from pycrdt import (
    Awareness,
    Doc,
    TransactionEvent,
    create_awareness_message,
    create_sync_message,
    create_update_message,
    handle_sync_message,
)
from tornado.httpclient import HTTPRequest
from tornado.websocket import WebSocketClientConnection, websocket_connect

from jmcp_lab.notebooks.carets import FIELD

Fetch = Callable[..., Awaitable[Any]]
SYNC = 0
LIMIT = 10.0


class Page:
    """A person's page with an open notebook.

    While the page is held, it neither sends nor processes messages; they stay in transit.
    """

    def __init__(self, connection: WebSocketClientConnection, ydoc: Doc[Any] | None = None) -> None:
        self._connection = connection
        self.ydoc: Doc[Any] = Doc() if ydoc is None else ydoc
        self.notebook = YNotebook(self.ydoc)
        self._presence = Awareness(self.ydoc)
        self._held: list[bytes] | None = None
        self._waiting: list[bytes] = []
        self._applying = False
        self._changed = asyncio.Event()
        self._subscription = self.ydoc.observe(self._on_update)
        self._reader = asyncio.create_task(self._read())

    @classmethod
    async def open(
        cls,
        fetch: Fetch,
        base: str,
        headers: dict[str, str],
        path: str,
        ydoc: Doc[Any] | None = None,
    ) -> Page:
        """Open a notebook on the server at `base` as JupyterLab does, or reconnect to it."""
        body = json.dumps({"format": "json", "type": "notebook"})
        response = await fetch("api", "collaboration", "session", path, method="PUT", body=body)
        session = json.loads(response.body)
        room = f"json:notebook:{session['fileId']}"
        url = f"{base}api/collaboration/room/{room}?sessionId={session['sessionId']}"
        connection = await websocket_connect(HTTPRequest(url, headers=headers))
        page = cls(connection, ydoc)
        await connection.write_message(create_sync_message(page.ydoc), binary=True)
        await page.until(lambda: len(page.notebook.ycells) > 0)
        return page

    def _on_update(self, event: TransactionEvent) -> None:
        if self._applying:
            return
        if self._held is not None:
            self._held.append(event.update)
        else:
            self._send(event.update)

    def _send(self, update: bytes) -> None:
        self._connection.write_message(create_update_message(update), binary=True)

    async def _read(self) -> None:
        while (message := await self._connection.read_message()) is not None:
            if self._held is not None:
                self._waiting.append(message)
            else:
                self._take(message)

    def _take(self, message: bytes) -> None:
        if message[0] == SYNC:
            self._applying = True
            try:
                reply = handle_sync_message(message[1:], self.ydoc)
            finally:
                self._applying = False
            if reply is not None:
                self._connection.write_message(reply, binary=True)
        self._changed.set()

    async def until(self, true: Callable[[], bool]) -> None:
        """Wait until a condition about the page is true."""
        async with asyncio.timeout(LIMIT):
            while not true():
                self._changed.clear()
                await self._changed.wait()

    def hold(self) -> None:
        self._held = []

    def hears(self) -> bool:
        """Return whether messages have arrived while the page was held."""
        return bool(self._waiting)

    def release(self) -> None:
        held, self._held = self._held or [], None
        for update in held:
            self._send(update)
        waiting, self._waiting = self._waiting, []
        for message in waiting:
            self._take(message)

    def texts(self) -> list[str]:
        return [str(cell["source"]) for cell in self.notebook.ycells]

    def ids(self) -> list[str]:
        return [str(cell["id"]) for cell in self.notebook.ycells]

    def type(self, index: int, text: str, at: int = 0) -> None:
        self.notebook.ycells[index]["source"].insert(at, text)

    def state(self, index: int) -> str:
        return str(self.notebook.ycells[index]["execution_state"])

    def set_state(self, index: int, state: str) -> None:
        self.notebook.ycells[index]["execution_state"] = state

    def puts_caret_into(self, cell_id: str | None) -> None:
        """Report the position of the caret, as a page does."""
        presence = self._presence
        presence.set_local_state_field(FIELD, cell_id)
        update = presence.encode_awareness_update([presence.client_id])
        self._connection.write_message(create_awareness_message(update), binary=True)

    async def close(self) -> None:
        if self._reader.done():
            return
        self.ydoc.unobserve(self._subscription)
        self._connection.close()
        await self._reader


OpenPage = Callable[..., Awaitable[Page]]
"""Type of the function that opens a path in another page, optionally with an existing document."""


async def until(true: Callable[[], bool]) -> None:
    """Wait until a condition about the server is true."""
    async with asyncio.timeout(LIMIT):
        while not true():  # noqa: ASYNC110 - the condition has no event
            await asyncio.sleep(0.005)
