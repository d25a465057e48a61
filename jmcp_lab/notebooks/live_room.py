"""The room of one document: how it is loaded, saved, kept, and shared with pages that come back.

It takes the place of jupyter-server-ydoc's `DocumentRoom`, for the rooms that pages open as well as
for those that agents do. What it does differently, and why, is in `docs/upstream.md`.
"""

from __future__ import annotations

import asyncio
import secrets
import time
from collections import OrderedDict
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from inspect import isawaitable
from typing import TYPE_CHECKING, Any, cast

from anyio import BrokenResourceError, ClosedResourceError
from jupyter_server.utils import ensure_async
from jupyter_server_ydoc.rooms import DocumentRoom
from jupyter_server_ydoc.utils import LogLevel, OutOfBandChanges
from pycrdt import (
    Map,
    YMessageType,
    create_update_message,
    handle_sync_message,
    is_awareness_disconnect_message,
    merge_updates,
    read_message,
)

from .autosave import Autosave
from .disk import disk_of
from .file_view import view_in
from .history_folder import store_of, unsaved_in_old_store
from .joining import Joining, payload
from .kinds import NotebookKind, kind_of, marks_of
from .late import LATE_SECONDS
from .rejoin import MARKS, LeftBehind, PageMarks

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from jupyter_ydoc.ybasedoc import YBaseDoc
    from pycrdt import Channel, TransactionEvent

    from .document_store import Stored
    from .kinds import ContentVersion, DocumentKind
    from .late import LateTyping
    from .live import LiveNotebook

FINISH_SECONDS = 10.0
"""Longest wait for the last save of a room that closes."""

PAGE_SECONDS = LATE_SECONDS
"""A page whose connection broke may come back within this time with what was typed meanwhile."""

TRIES = 3
"""How often a file is read again, or saved again, that another program writes meanwhile."""

MAX_COPIES = 20
"""Other versions of one document that are remembered."""

MAX_VERSIONS = 60
"""Files that the document has met and that pages may have in common with it."""


MAX_MET = 4
"""Yjs histories of before of which the document knows what it has met."""


@dataclass(frozen=True, slots=True)
class RoomListener:
    """Who wants to know what happens in a room.

    Parameters
    ----------
    merged : Callable
        What another program wrote into the file was merged.
    copied : Callable
        Something was kept beside the file: the path of the copy, and in words why.
    said : Callable
        Something happened that agents should know, in words.
    """

    merged: Callable[[], None]
    copied: Callable[[str, str], None]
    said: Callable[[str], None]


class NotWritableError(OSError):
    """The contents manager says that the file cannot be written."""


class LiveRoom(DocumentRoom):  # type: ignore[misc]  # its base has no types
    """The room of one document.

    Attributes
    ----------
    store : DocumentStore
    autosave : Autosave
    kind : DocumentKind or None
        What is particular to notebooks, or to text; None leaves loading to upstream.
    history : str
        The id of the Yjs history. It changes when the document is built from its file.
    file_hash : str or None
        The hash of the file that the document met last.
    joining : set of Channel
        Pages that are not to hear of the document yet.
    """

    def __init__(self, *arguments: Any, **options: Any) -> None:
        super().__init__(*arguments, **options)
        self.store = store_of(self._room_id)
        self.ystore = self.store
        self.kind: DocumentKind | None = None
        self.history = ""
        self.file_hash: str | None = None
        self._loaded: str | None = None
        self.listeners: list[RoomListener] = []
        self.copies: list[tuple[str, str]] = []
        self.joining: set[Channel] = set()
        self.autosave = Autosave(self._write_file, self._on_saved, self._save_delay)
        self._pages: set[Channel] = set()
        self._page_seen = -PAGE_SECONDS
        self._message: list[bytes] | None = None
        self._versions: OrderedDict[str, ContentVersion] = OrderedDict()
        self._met: OrderedDict[str, bytes] = OrderedDict()
        self._followed: Any = None

    # -- what it is --------------------------------------------------------------------------------

    @property
    def document(self) -> YBaseDoc:
        """The shared document."""
        return cast("YBaseDoc", self._document)

    @property
    def notebook(self) -> LiveNotebook:
        """The notebook, in the room of one that is ready."""
        assert isinstance(self.kind, NotebookKind)
        return self.kind.notebook

    @property
    def late(self) -> LateTyping:
        """What people typed into cells that are gone, in the room of a notebook that is ready."""
        assert isinstance(self.kind, NotebookKind)
        return self.kind.late

    @property
    def path(self) -> str:
        """Where the file is, or was when it was seen last."""
        try:
            return str(self._file.path)
        except RuntimeError:
            return str(self._document.path)

    @property
    def pages(self) -> int:
        """How many pages have the document open."""
        return len(self._pages)

    @property
    def typed_in(self) -> bool:
        """Whether something that a person typed may be on its way."""
        return bool(self._pages) or time.monotonic() - self._page_seen < PAGE_SECONDS

    def say(self, text: str) -> None:
        """Let the agents that use the document know something."""
        for listener in list(self.listeners):
            listener.said(text)

    def heard_of_merge(self) -> None:
        """Say that what another program wrote into the file was merged."""
        self._emit(LogLevel.INFO, "overwrite", "Out-of-band changes were merged.")
        for listener in list(self.listeners):
            listener.merged()

    def heard_of_copy(self, copy: str, why: str) -> None:
        """Say that another version of the document was kept in a file of its own."""
        self.copies.append((copy, why))
        del self.copies[:-MAX_COPIES]
        self._emit(LogLevel.WARNING, None, "Another version was kept in a file of its own.")
        for listener in list(self.listeners):
            listener.copied(copy, why)

    def save_soon(self) -> None:
        """Save the document soon, where people want that."""
        self.autosave.changed(wanted=self.saves_by_itself)
        self._mark_unsaved()

    def call_later(self, seconds: float, work: Callable[[], None]) -> None:
        """Do something later, if the room is still there then."""
        loop = asyncio.get_running_loop()
        loop.call_later(seconds, lambda: work() if self.kind is not None else None)

    # -- loading -----------------------------------------------------------------------------------

    async def initialize(self) -> None:
        """Load the document: what its history says, merged with what the file says."""
        if self.ready_event.is_set():
            return
        stored = await self.store.open()
        kind = kind_of(self)
        if kind is None:
            await super().initialize()
            return
        try:
            content, found = await self._read_file()
            async with self._update_lock:
                self.kind = kind
                await self._begin(kind, stored, content, found)
        except BaseException:
            kind.close()
            self.kind = None
            await self.store.close()
            raise
        self._emit(LogLevel.INFO, "load", "Content loaded.")
        self.ready = True
        self._emit(LogLevel.INFO, "initialize", "Room initialized")
        if kind.version_of(await self._document.aget()).digest != kind.version_of(content).digest:
            self.autosave.changed(wanted=self.saves_by_itself)

    async def _read_file(self) -> tuple[Any, str | None]:
        """Return what the file says, and its hash."""
        for _ in range(TRIES):
            model = await self._file.load_content(self._file_format, self._file_type)
            manager = self._file._contents_manager
            found = await ensure_async(
                manager.get(self._file.path, content=False, require_hash=True)
            )
            if found["last_modified"] == model["last_modified"]:
                return model["content"], found.get("hash")
        return model["content"], None

    async def _begin(
        self,
        kind: DocumentKind,
        stored: Stored,
        content: Any,  # noqa: ANN401
        found: str | None,
    ) -> None:
        version = kind.version_of(content)
        self._loaded = found
        known = self._apply(stored)
        if not known:
            self.history = secrets.token_hex(8)
            self.store.restart(self.history)
            await self._document.aset(content)
        elif stored.file is None or (
            found != stored.file[0] and version.digest not in (stored.file[1], stored.intended)
        ):
            # A history that is older than the file, as out of a backup, may lack what the file has
            # from a page. That page must not bring it again.
            self._note_met(self.history, self.ydoc.get_update())
            self.history = secrets.token_hex(8)
            self.store.branch(self.history)
            packed = await self.store.file_version(stored.file[0]) if stored.file else None
            if packed is None:
                # Nobody knows what the two had in common: the file is what people see elsewhere.
                await self._document.aset(content)
            else:
                kind.take_in(kind.unpack(packed), content)
        self._document.path = self._file.path
        marks = self.ydoc.get(MARKS, type=Map)
        with self.ydoc.transaction():
            marks["history"] = self.history
            # An update of this very document: pages that know it have been here since now.
            marks["life"] = secrets.token_hex(4)
        self.store.follow(self.ydoc.get_update)
        self._followed = self.ydoc.observe(self._on_update)
        self.store.checkpoint(complete=True)
        await self.file_met(found, version)
        if found is not None:
            self._document.hash = found
        self._document.dirty = False
        if isinstance(kind, NotebookKind):
            disk_of(self._file, OutOfBandChanges).attach(self, kind.notebook)
            kind.notebook.repair_ids()
            kind.notebook.blank = view_in(self).blank
        if not known:
            await self._keep_unsaved_of_old_store(kind, content)

    def _apply(self, stored: Stored) -> bool:
        """Apply the history; return False when there is none that can be used."""
        if not stored.updates or stored.history is None:
            return False
        try:
            update = merge_updates(*stored.updates)
            self.ydoc.apply_update(update)
            self._document.get()
        except Exception as error:
            self.log.warning("The history of a document is not usable (%s)", type(error).__name__)
            return False
        self.history = stored.history
        return True

    async def _keep_unsaved_of_old_store(self, kind: DocumentKind, content: Any) -> None:  # noqa: ANN401
        """Keep what the store of a server without us knew, and had not saved when it was killed."""
        saved = self._file.last_modified.timestamp()
        updates = unsaved_in_old_store(self._room_id, saved)
        if updates is None:
            return
        try:
            old = kind.content_of(merge_updates(*updates))
        except Exception as error:
            self.log.warning("An old history is not usable (%s)", type(error).__name__)
            return
        if kind.version_of(old).digest != kind.version_of(content).digest:
            self.heard_of_copy(await self._keep_copy(old), "an earlier server had not saved it")

    async def _keep_copy(self, content: Any) -> str:  # noqa: ANN401
        """Write a version of the document into a new file beside it; return its path."""
        manager = self._file._contents_manager
        folder, _, name = self.path.rpartition("/")
        stem, dot, suffix = name.rpartition(".")
        name = f"{stem}-other{dot}{suffix}" if dot else f"{name}-other"
        free = await ensure_async(manager.increment_filename(name, folder))
        copy = f"{folder}/{free}".lstrip("/")
        kind = {"type": self._file_type, "format": self._file_format, "content": content}
        await ensure_async(manager.save(kind, copy))
        self.log.warning("Another version of '%s' was kept as '%s'", self.path, copy)
        return copy

    # -- the file ----------------------------------------------------------------------------------

    async def file_met(self, found: str | None, version: ContentVersion) -> None:
        """Take note that the document says all that a file says.

        Parameters
        ----------
        found : str or None
            The hash of the file; None where the contents manager knows none.
        version : ContentVersion
        """
        self.file_hash = found
        if found is None:
            return
        self._versions[found] = version
        self._versions.move_to_end(found)
        while len(self._versions) > MAX_VERSIONS:
            self._versions.popitem(last=False)
        await self.store.met(found, version.digest, version.pack)

    async def about_to_write(self, version: ContentVersion) -> None:
        """Store what led to a version of the file before that is written."""
        await self.store.intend(version.digest)

    async def _version(self, found: str | None) -> ContentVersion | None:
        """Return the version of a file that the document has met, by its hash."""
        if found is None or self.kind is None:
            return None
        if (version := self._versions.get(found)) is not None:
            return version
        packed = await self.store.file_version(found)
        return None if packed is None else self.kind.unpack(packed)

    # -- saving ------------------------------------------------------------------------------------

    @property
    def saves_by_itself(self) -> bool:
        """Whether the people in the room want that; as upstream decides it."""
        states = [state.get("autosave", True) for state in self.awareness.states.values() if state]
        return any(states) if states else True

    def _on_document_change(self, target: str, event: object) -> None:
        """Save soon. What comes from the file, while it is read, is saved already."""
        if target == "state" or self._update_lock.locked() or not self.ready:
            return
        self.autosave.changed(wanted=self.saves_by_itself)
        asyncio.get_running_loop().call_soon(self._mark_unsaved)

    def _mark_unsaved(self) -> None:
        """Let the pages say that something is not saved; those that typed it say so themselves."""
        if self.ready and self.autosave.unsaved and self.ydoc._txn is None:
            if not self._document.dirty:
                self._document.dirty = True

    def _save_to_disc(self) -> asyncio.Task[None]:
        """Save now, as when a person asks for it; the task raises what went wrong."""
        return self.autosave.save()

    async def _write_file(self) -> None:
        for _ in range(TRIES):
            content = await self._document.aget()
            model = {"format": self._file_format, "type": self._file_type, "content": content}
            if self.kind is not None and not isinstance(self.kind, NotebookKind):
                await self.about_to_write(self.kind.version_of(content))
            try:
                saved = await self._file.maybe_save_content(model)
                break
            except OutOfBandChanges:
                await self._on_outofband_change()
        else:
            raise OSError("Another program writes this file again and again")
        if (task := asyncio.current_task()) is not None and task.cancelling():
            # The loader waits until the file is written, and returns as if nothing had been.
            raise asyncio.CancelledError
        if saved is None:
            raise NotWritableError("The file is read-only")
        if self.kind is not None and not isinstance(self.kind, NotebookKind):
            await self.file_met(saved["hash"], self.kind.version_of(content))
        async with self._update_lock:
            if self._document.hash != saved["hash"]:
                self._document.hash = saved["hash"]
            if self.autosave.covers_all:
                self._document.dirty = False

    def _on_saved(self, error: Exception | None) -> None:
        if error is None:
            self._emit(LogLevel.INFO, "save", "Content saved.")
            return
        message = f"Error saving file: {self.path}\n{error!r}"
        self.log.error(message)
        self._emit(LogLevel.ERROR, None, message)

    async def _on_outofband_change(self) -> None:
        """Merge what another program wrote into a text file; notebooks have `Disk`."""
        if self.kind is None:
            await super()._on_outofband_change()
            return
        content, found = await self._read_file()
        base = await self._version(self.file_hash)
        async with self._update_lock:
            if base is None:
                await self._document.aset(content)
            else:
                self.kind.take_in(base, content)
        self.heard_of_merge()
        await self.file_met(found, self.kind.version_of(content))
        if await self._document.aget() != content:
            self.save_soon()

    # -- pages -------------------------------------------------------------------------------------

    async def serve(self, channel: Channel) -> None:
        """Serve a page until it leaves."""
        joining = Joining(self, channel)
        self.clients.add(channel)
        self._pages.add(channel)
        try:
            await joining.begin()
            async for message in channel:
                try:
                    await self._take(message, channel, joining)
                except Exception as error:
                    await self._on_bad_message(error, message, channel)
        except Exception as error:
            self._handle_exception(error)
        finally:
            self._pages.discard(channel)
            self.joining.discard(channel)
            self._page_seen = time.monotonic()
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
        elif kind == YMessageType.AWARENESS:
            self._share_awareness(message, channel)

    def _share_awareness(self, message: bytes, channel: Channel) -> None:
        """Pass on where people are; to the page itself too, which keeps its connection alive."""
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
            self.log.warning("A message of a page could not be read (%s)", type(error).__name__)

    async def rejoin(self, update: bytes) -> LeftBehind | None:
        """Bring a page that comes from before and the document together.

        Parameters
        ----------
        update : bytes
            All that the page has.

        Returns
        -------
        LeftBehind or None
            The cells that the page shows until it hears of the document, and that are gone there.
        """
        if self.kind is None:
            self.ydoc.apply_update(update)
            return None
        marks = marks_of(update)
        base = await self._version(marks.file)
        same = marks.history == self.history and (marks.file is None or base is not None)
        met = None if same or marks.history is None else self._met.get(marks.history)
        if met is None and base is None and not same:
            base = await self._keep_both(update)
        await self.kind.ready()
        with self.one_message():
            if same:
                # The file says nothing that came from this page and is not in the history as well.
                met = self.ydoc.get_update()
                self.ydoc.apply_update(update)
                back: list[str] = []
            else:
                back = self._join(self.kind, update, marks, base, met)
            if met is not None:
                back += self.kind.return_typing(update, met, base)
            self._restore_marks()
        left = self.kind.left_behind(update)
        for text in back:
            self.say(text)
        return left

    def _join(
        self,
        kind: DocumentKind,
        update: bytes,
        marks: PageMarks,
        base: ContentVersion | None,
        met: bytes | None,
    ) -> list[str]:
        """Bring a page of another history and the document together by what they say.

        Parameters
        ----------
        kind : DocumentKind
        update : bytes
            All that the page has.
        marks : PageMarks
        base : ContentVersion or None
            What the file said that the page met last.
        met : bytes or None
            What the document has of the page's history already; a base that is closer.
        """
        if met is not None and (base is None or marks.file != self._loaded):
            base = kind.version_in(met)
            update = merge_updates(met, update)
        assert base is not None
        said = kind.join(update, base)
        if marks.history is not None:
            self._note_met(marks.history, update)
        return said

    def _note_met(self, history: str, update: bytes) -> None:
        """Note what the document has of another Yjs history than its own."""
        if (before := self._met.pop(history, None)) is not None:
            update = merge_updates(before, update)
        self._met[history] = update
        while len(self._met) > MAX_MET:
            self._met.popitem(last=False)

    async def _keep_both(self, update: bytes) -> ContentVersion:
        """Keep a page's version in a file of its own: nobody knows what the two have in common.

        Returns
        -------
        ContentVersion
            What the page says: compared with that, the page has changed nothing.
        """
        assert self.kind is not None
        content = self.kind.content_of(update)
        version = self.kind.version_of(content)
        if version.digest != self.kind.version_of(await self._document.aget()).digest:
            copy = await self._keep_copy(content)
            self.heard_of_copy(copy, "a page came back with it, and nobody knows which is newer")
        return version

    def _restore_marks(self) -> None:
        """Say again what is true of this room, where the page's document said something else."""
        marks = self.ydoc.get(MARKS, type=Map)
        with self.ydoc.transaction():
            if marks.get("history") != self.history:
                marks["history"] = self.history
            if self._document.path != self.path:
                self._document.path = self.path
            if self.file_hash is not None and self._document.hash != self.file_hash:
                self._document.hash = self.file_hash

    # -- updates -----------------------------------------------------------------------------------

    @contextmanager
    def one_message(self) -> Iterator[None]:
        """Send what changes in the block to the pages as one update.

        A page then draws nothing of what is between. Not for outputs: a page misses changes of two
        streams that come at once.
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
        # It is closed where nobody is left to hear of it.
        with suppress(BrokenResourceError, ClosedResourceError):
            if stream is not None:
                stream.send_nowait(update)

    async def _watch_ready(self) -> None:
        """Follow nothing: updates are followed from the moment that the document is loaded."""
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

    # -- ending ------------------------------------------------------------------------------------

    async def stop(self) -> None:
        """Save what is not saved, keep the history, and let go of the document."""
        if self.kind is not None and self.ready:
            if self.autosave.unsaved and self.saves_by_itself:
                await self.autosave.finish(FINISH_SECONDS)
            disk_of(self._file, OutOfBandChanges).detach(self)
        await self.end_history()
        if self._followed is not None:
            self.ydoc.unobserve(self._followed)
            self._followed = None
        if self.kind is not None:
            self.kind.close()
            self.kind = None
        await super().stop()
        # Upstream leaves them open, and Python warns about that.
        for name in ("_update_send_stream", "_update_receive_stream"):
            if (stream := getattr(self, name, None)) is not None:
                stream.close()

    async def end_history(self) -> None:
        """Close the history; what changes after that is in the file only."""
        self.autosave.close()
        if self.ready:
            self.store.checkpoint()
        await self.store.close()
