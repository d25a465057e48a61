"""The part of a room that talks to its pages: handle their messages, and send them updates."""

from __future__ import annotations

import time
from contextlib import contextmanager, suppress
from inspect import isawaitable
from typing import TYPE_CHECKING, Any

from anyio import BrokenResourceError, ClosedResourceError
from jupyter_server_ydoc.rooms import DocumentRoom
from jupyter_server_ydoc.utils import LogLevel
from pycrdt import (
    YMessageType,
    YSyncMessageType,
    create_update_message,
    handle_sync_message,
    is_awareness_disconnect_message,
    merge_updates,
    read_message,
)

from ...server.containment import contained, error_name
from ..upstream.history_folder import store_of
from .apart import Apart
from .joining import Joining, payload
from .late_edits import KEPT_SECONDS

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pycrdt import Channel, TransactionEvent

    from ..kinds import DocumentKind

PAGE_SECONDS = KEPT_SECONDS
"""Seconds within which a disconnected page may return with text typed meanwhile."""


class PagesRoom(DocumentRoom):  # type: ignore[misc]  # its base has no types
    """The part of a room that pages see.

    Attributes
    ----------
    store : DocumentStore
    kind : DocumentKind or None
        The behaviour specific to notebooks or texts; None leaves loading to upstream.
    joining : set of Channel
        Pages that must not receive updates of the document yet.
    apart : Apart
        Whether a page could not be merged with the document.
    """

    def __init__(self, *arguments: Any, **options: Any) -> None:
        super().__init__(*arguments, **options)
        self.store = store_of(self._room_id)
        self.ystore = self.store
        self.kind: DocumentKind | None = None
        self.joining: set[Channel] = set()
        self.apart = Apart(self._on_apart)
        self._pages: set[Channel] = set()
        self._page_seen = self._page_left = -PAGE_SECONDS
        self._message: list[bytes] | None = None

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
            self._handle_exception(error)
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
                self.kind.feed(payload(message))
            reply = handle_sync_message(message[1:], self.ydoc)
            if reply is not None:
                await channel.send(reply)
            elif self.kind is not None:
                self.kind.settle()
            if message[1] == YSyncMessageType.SYNC_STEP2:
                self.apart.together()
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

    def _on_apart(self) -> None:
        # `Rooms` checks for troubles again after each event.
        self._emit(LogLevel.INFO, None, "A page lost its document or got it back.")

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
                self._send_update(merge_updates(*updates) if len(updates) > 1 else updates[0])

    def _on_update(self, event: TransactionEvent) -> None:
        update = event.update
        if update == b"\0\0":
            return
        self.store.add(update)
        if self._message is None:
            self._send_update(update)
        else:
            self._message.append(update)

    def _send_update(self, update: bytes) -> None:
        stream = getattr(self, "_update_send_stream", None)
        # The stream is closed once no page listens any more.
        with suppress(BrokenResourceError, ClosedResourceError):
            if stream is not None:
                stream.send_nowait(update)

    async def _watch_ready(self) -> None:
        """Observe nothing: `LiveRoom` observes the document from the moment it is loaded."""
        await self.ready_event.wait()
        if self.kind is None:
            await super()._watch_ready()
        self.ydoc_observed.set()

    async def _broadcast_updates(self) -> None:
        """Send updates to the pages. They are in the history already."""
        async with self._update_receive_stream:
            async for update in self._update_receive_stream:
                message = create_update_message(update)
                for client in self.clients - self.joining:
                    self._task_group.start_soon(client.send, message)
                if self.kind is None:
                    self.store.add(update)
