"""One page's connection to a room, from its first message until page and document are in sync.

A page sends a state vector: which Yjs updates it knows. A page that knows nothing gets the
document. A page that knows an update which this room made itself joined after the room opened, and
Yjs merges the two. Any other page comes from before a server restart or a long sleep. The room asks
it for its whole document, and sends it nothing until that is merged. The file that the page was
last synced with tells what the two have in common.
"""

from __future__ import annotations

import asyncio
import time
from typing import TYPE_CHECKING, Any, Protocol

from pycrdt import Doc, YSyncMessageType, create_sync_message, handle_sync_message

from ..sync_messages import clocks_in, payload

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from pycrdt import Channel

    from ..document_kind import CellsLeftBehind, DocumentKind
    from .sync_failures import SyncFailures

TRY_AGAIN_LATER = 1013
"""Websocket close code after which a page reconnects by itself, without asking the person."""

LEFT_SECONDS = 60.0
"""Seconds for which a returned page may still lack the document's state.

JupyterLab's pages drop a connection after half a minute of silence, and reconnect.
"""


class SharedDocument(Protocol):
    """A document that pages join.

    Attributes
    ----------
    joining : set of Channel
        Pages that must not receive updates of the document yet.
    """

    ydoc: Doc[Any]
    kind: DocumentKind | None
    joining: set[Channel]
    sync_failures: SyncFailures
    on_message: Callable[[bytes], bool | Awaitable[bool]] | None

    async def rejoin(self, update: bytes) -> CellsLeftBehind | None:
        """Merge a page that comes from before the document was opened."""

    def notify_agents(self, text: str) -> None:
        """Send a message to the agents that use the document."""


class Joining:
    """Handles the sync messages of one page.

    Parameters
    ----------
    shared : SharedDocument
    channel : Channel
    """

    def __init__(self, shared: SharedDocument, channel: Channel) -> None:
        self._shared = shared
        self._channel = channel
        self._answers = 0
        self._asked: bytes | None = None
        self._decided = False
        self._given_up = False
        self._left: CellsLeftBehind | None = None
        self._left_until = 0.0

    async def begin(self) -> None:
        """Ask the page for everything that it has and the room lacks."""
        self._answers += 1
        # Until the page has sent its state, it must not receive agents' edits: they could collide
        # with what was typed there.
        self._shared.joining.add(self._channel)
        await self._channel.send(create_sync_message(self._shared.ydoc))

    async def take(self, message: bytes) -> bool:
        """Handle a sync message of the page.

        Returns
        -------
        bool
            Whether the message is handled; if not, the room processes it as usual.
        """
        if self._given_up:
            return True
        kind = message[1]
        if kind == YSyncMessageType.SYNC_STEP1 and not self._decided:
            self._decided = True
            if self._comes_from_before(payload(message)):
                self._asked = message
                self._answers += 1
                await self._channel.send(create_sync_message(Doc()))
                return True
            self._shared.joining.discard(self._channel)
        if self._asked is None:
            if kind == YSyncMessageType.SYNC_UPDATE and self._left is not None:
                await self._find_typing(payload(message))
            return False
        if kind == YSyncMessageType.SYNC_STEP2:
            self._answers -= 1
            if not self._answers:
                await self._join(payload(message))
                if self._shared.on_message is not None:
                    self._shared.on_message(message)
        # A message that the page sends before its answer is contained in the answer.
        return True

    def give_up(self, error: Exception) -> None:
        """Ignore the page from now on, and close its connection so that it reconnects.

        The room lacks a message of this page. Everything that the page sends later builds on it,
        and would reach nobody, although the page shows it as shared.
        """
        if self._given_up:
            return
        self._given_up = True
        self._shared.joining.add(self._channel)
        pause = self._shared.sync_failures.failed(error)
        asyncio.get_running_loop().call_later(pause, self._end)

    def _end(self) -> None:
        # Channels that are not pages have no connection.
        if (close := getattr(self._channel, "close", None)) is not None:
            close(TRY_AGAIN_LATER, "The page and its document could not be merged.")

    def _comes_from_before(self, state: bytes) -> bool:
        known = clocks_in(state)
        return bool(known) and self._shared.ydoc.client_id not in known

    async def _join(self, update: bytes) -> None:
        asked, self._asked = self._asked, None
        assert asked is not None
        self._left = await self._shared.rejoin(update)
        self._left_until = time.monotonic() + LEFT_SECONDS
        self._shared.joining.discard(self._channel)
        reply = handle_sync_message(asked[1:], self._shared.ydoc)
        if reply is not None:
            await self._channel.send(reply)
        self._shared.sync_failures.resolved()

    async def _find_typing(self, update: bytes) -> None:
        """Rescue text that was typed before the page received the document's state."""
        if time.monotonic() > self._left_until:
            self._left = None
        elif self._left is not None and self._shared.kind is not None:
            await self._shared.kind.ready()
            for text in self._left.feed(update):
                self._shared.notify_agents(text)
