"""The part of a room that talks to its pages: handle their messages, and send them updates."""

from __future__ import annotations

import asyncio
import secrets
import time
from abc import abstractmethod
from contextlib import contextmanager
from dataclasses import dataclass
from inspect import isawaitable
from typing import TYPE_CHECKING, Any

from pycrdt import (
    Map,
    YMessageType,
    YSyncMessageType,
    handle_sync_message,
    is_awareness_disconnect_message,
    merge_updates,
    read_message,
)

from ...server.containment import contained, error_name
from ..history.history_folder import store_of
from ..sync_messages import payload
from ..upstream.document_room import UpstreamRoom
from .joining import Joining
from .late_edits import KEPT_SECONDS
from .rejoin import MARKS
from .sync_failures import SyncFailures

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from pycrdt import Channel, TransactionEvent

    from ..document_kind import CellsLeftBehind, DocumentKind

PAGE_SECONDS = KEPT_SECONDS
"""Seconds within which a disconnected page may return with text typed meanwhile."""

MAX_COPIES = 20
"""Maximum number of other versions remembered for one document."""


@dataclass(frozen=True, slots=True)
class RoomListener:
    """Callbacks for events in a room.

    Parameters
    ----------
    merged : Callable
        Called after another program's changes to the file were merged.
    message : Callable
        Called with a message for the agents.
    """

    merged: Callable[[], None]
    message: Callable[[str], None]


class PagesRoom(UpstreamRoom):
    """The part of a room that pages see.

    Attributes
    ----------
    store : DocumentStore
    kind : DocumentKind or None
        The behaviour specific to notebooks or texts; None leaves loading to upstream.
    history : str
        The id of the Yjs history. It changes when the document is rebuilt from its file.
    file_hash : str or None
        The hash of the file that the document was last synced with.
    listeners : list of RoomListener
    copies : list
        The other versions of the document: the path of each, and why it is there.
    joining : set of Channel
        Pages that must not receive updates of the document yet.
    sync_failures : SyncFailures
        Whether a page could not be merged with the document.
    """

    def __init__(self, *arguments: Any, **options: Any) -> None:
        super().__init__(*arguments, **options)
        self.store = store_of(self.room_id)
        self.ystore = self.store
        self.kind: DocumentKind | None = None
        self.history = ""
        self.file_hash: str | None = None
        self.listeners: list[RoomListener] = []
        self.copies: list[tuple[str, str]] = []
        self.joining: set[Channel] = set()
        self.sync_failures = SyncFailures(self._on_sync_failure)
        self._followed: Any = None
        self._pages: set[Channel] = set()
        self._page_seen = self._page_left = -PAGE_SECONDS
        self._message: list[bytes] | None = None

    @property
    def is_ours(self) -> bool:
        """Whether this class loads and saves the document; upstream does that for other kinds."""
        return self.kind is not None

    @property
    def pages(self) -> int:
        """The number of pages that have the document open."""
        return len(self._pages)

    @property
    def typed_in(self) -> bool:
        """Whether a person's keystrokes may be on their way."""
        return bool(self._pages) or time.monotonic() - self._page_seen < PAGE_SECONDS

    @property
    def typed_elsewhere(self) -> bool:
        """Whether keystrokes may be on their way from a page other than the current sender."""
        return len(self._pages) > 1 or time.monotonic() - self._page_left < PAGE_SECONDS

    @abstractmethod
    async def rejoin(self, update: bytes) -> CellsLeftBehind | None:
        """Merge a page that comes from before the room was opened; see `PageMerger.rejoin`."""

    def notify_agents(self, text: str) -> None:
        """Send a message to the agents that use the document."""
        for listener in list(self.listeners):
            listener.message(text)

    def announce_copy(self, copy: str, why: str) -> None:
        """Record and announce that another version of the document was saved as a separate file."""
        self.copies.append((copy, why))
        del self.copies[:-MAX_COPIES]
        self.announce("Another version was kept in a separate file.")

    def call_later(self, seconds: float, work: Callable[[], None]) -> None:
        """Call `work` after a delay, unless the room is closed by then."""
        loop = asyncio.get_running_loop()
        loop.call_later(seconds, lambda: work() if self.kind is not None else None)

    # -- the document's history --------------------------------------------------------------------

    def begin_history(self) -> None:
        """Write the history's id into the document, and record all changes from now on."""
        self.document.path = self.file.path
        marks = self.ydoc.get(MARKS, type=Map)
        with self.ydoc.transaction():
            marks["history"] = self.history
            # This is an update of this very document. A page that knows it joined after this
            # moment.
            marks["life"] = secrets.token_hex(4)
        self.store.follow(self.ydoc.get_update)
        self._followed = self.ydoc.observe(self._on_update)
        self.store.checkpoint(complete=True)

    def restore_marks(self) -> None:
        """Restore this room's marks after a page's document has overwritten them."""
        marks = self.ydoc.get(MARKS, type=Map)
        with self.ydoc.transaction():
            if marks.get("history") != self.history:
                marks["history"] = self.history
            if self.document.path != self.path:
                self.document.path = self.path
            if self.file_hash is not None and self.document.hash != self.file_hash:
                self.document.hash = self.file_hash

    def _on_update(self, event: TransactionEvent) -> None:
        update = event.update
        if update == b"\0\0":
            return
        self.store.add(update)
        if self._message is None:
            self.send_update(update)
        else:
            self._message.append(update)

    # -- messages from pages -----------------------------------------------------------------------

    async def serve(self, channel: Channel) -> None:
        """Serve a page until it leaves."""
        joining = Joining(self, channel)
        self.clients.add(channel)
        self._pages.add(channel)
        try:
            await joining.begin()
            async for message in channel:
                try:
                    with contained():
                        await self._take(message, channel, joining)
                except Exception as error:
                    if message[0] == YMessageType.SYNC:
                        joining.give_up(error)
                    await self._on_bad_message(error, message, channel)
        except Exception as error:
            self.report(error)
        finally:
            self._pages.discard(channel)
            self.joining.discard(channel)
            self._page_seen = self._page_left = time.monotonic()
            self.clients.discard(channel)

    async def _take(self, message: bytes, channel: Channel, joining: Joining) -> None:
        kind = message[0]
        if kind == YMessageType.SYNC and await joining.take(message):
            return
        if self.on_message is not None:
            skip = self.on_message(message)
            if await skip if isawaitable(skip) else skip:
                return
        if kind == YMessageType.SYNC:
            self._page_seen = time.monotonic()
            if message[1] and self.kind is not None:
                self.kind.before_update(payload(message))
            reply = handle_sync_message(message[1:], self.ydoc)
            if reply is not None:
                await channel.send(reply)
            elif self.kind is not None:
                self.kind.after_update()
            if message[1] == YSyncMessageType.SYNC_STEP2:
                self.sync_failures.resolved()
        elif kind == YMessageType.AWARENESS:
            self._share_awareness(message, channel)

    def _share_awareness(self, message: bytes, channel: Channel) -> None:
        """Relay awareness; the sender gets it back too, which keeps its connection alive."""
        gone = is_awareness_disconnect_message(message[1:])
        for client in self.clients:
            if not (gone and client == channel):
                self.create_task(client.send(message))
        self.awareness.apply_awareness_update(read_message(message[1:]), self)

    async def _on_bad_message(self, error: Exception, message: bytes, channel: Channel) -> None:
        handled = self.on_message_error and self.on_message_error(error, message, channel)
        if isawaitable(handled):
            handled = await handled
        if not handled:
            self.log.warning("A message of a page could not be applied (%s)", error_name(error))

    def _on_sync_failure(self) -> None:
        # `Rooms` checks for troubles again after each event.
        self.announce("A page lost its document or got it back.")

    # -- messages to pages -------------------------------------------------------------------------

    @contextmanager
    def one_message(self) -> Iterator[None]:
        """Send all changes in the block to the pages as one update.

        A page then draws no intermediate state. Do not use this for outputs: a page misses changes
        to two streams that arrive in one update.
        """
        if self._message is not None:
            yield
            return
        self._message = []
        try:
            yield
        finally:
            updates, self._message = self._message, None
            if updates:
                self.send_update(merge_updates(*updates) if len(updates) > 1 else updates[0])

    def receivers(self) -> set[Channel]:
        """Return the pages that get updates of the document."""
        return self.clients - self.joining

    # -- ending ------------------------------------------------------------------------------------

    async def stop(self) -> None:
        """Release the document and its pages."""
        self.sync_failures.close()
        if self._followed is not None:
            self.ydoc.unobserve(self._followed)
            self._followed = None
        if self.kind is not None:
            self.kind.close()
            self.kind = None
        await super().stop()
