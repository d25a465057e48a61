"""Provides a person's page whose messages stay in transit until a test delivers them."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from typing import TYPE_CHECKING, Any

from jupyter_ydoc import YNotebook
from pycrdt import (
    Doc,
    TransactionEvent,
    create_sync_message,
    create_update_message,
    handle_sync_message,
)

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterable

    from pycrdt.websocket import YRoom


RAW = 2
"""Type of a message that is about neither the document nor awareness."""


class Wire:
    """The server's side of one WebSocket."""

    path = "wire"

    def __init__(self, page: Page) -> None:
        self.page = page
        self.queue: asyncio.Queue[bytes] = asyncio.Queue()
        self._first = True
        self.closed: int | None = None

    async def send(self, message: bytes) -> None:
        self.page.inbox.append(message)

    async def recv(self) -> bytes:
        return await self.queue.get()

    def __aiter__(self) -> AsyncIterator[bytes]:
        return self

    async def __anext__(self) -> bytes:
        if not self._first:
            self.queue.task_done()
        message = await self.queue.get()
        self._first = False
        if not message:
            self.queue.task_done()
            raise StopAsyncIteration
        return message

    def close(self, code: int, reason: str) -> None:
        """End the connection; the page reconnects when a test tells it to."""
        self.closed = code
        self.queue.put_nowait(b"")


class Page:
    """A person's page, whose messages stay in transit until a step delivers them."""

    def __init__(self) -> None:
        self.ydoc: Doc[Any] = Doc()
        self.notebook = YNotebook(self.ydoc)
        self.inbox: list[bytes] = []
        self.out: list[bytes] = []
        self.wire: Wire | None = None
        self.serving: asyncio.Task[None] | None = None
        self.asked = 0
        """Number of times that the page had to ask the person what to do."""

        self._hearing = False
        self.subscription = self.ydoc.observe(self._on_update)

    def _on_update(self, event: TransactionEvent) -> None:
        if not self._hearing and self.wire is not None:
            self.out.append(create_update_message(event.update))

    def connect(self, room: YRoom) -> None:
        self.inbox, self.out = [], [create_sync_message(self.ydoc)]
        self.wire = Wire(self)
        self.serving = asyncio.create_task(room.serve(self.wire))

    async def cut(self) -> None:
        """Lose the connection and all messages in transit."""
        if self.serving is not None:
            self.serving.cancel()
            with suppress(asyncio.CancelledError):
                await self.serving
        self.wire = self.serving = None
        self.inbox, self.out = [], []

    async def speak(self) -> None:
        """Deliver one message to the server."""
        if self.out and self.wire is not None and self.wire.closed is None:
            self.wire.queue.put_nowait(self.out.pop(0))
            await self.wire.queue.join()

    def hear(self) -> None:
        """Process one message from the server."""
        if not self.inbox:
            return
        message = self.inbox.pop(0)
        if message[0] == 0:
            self._hearing = True
            try:
                reply = handle_sync_message(message[1:], self.ydoc)
            finally:
                self._hearing = False
            if reply is not None:
                self.out.append(reply)
        elif message[0] == RAW:
            self.asked += 1

    @property
    def texts(self) -> list[str]:
        return [str(cell["source"]) for cell in self.notebook.ycells]

    def on_its_way(self, characters: Iterable[str]) -> set[str]:
        """Return those characters that are in messages which have not reached the server."""
        return {c for c in characters if any(c.encode() in message for message in self.out)}
