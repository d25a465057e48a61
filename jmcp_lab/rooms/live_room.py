"""The room of one document: load it, save it, store its history, and merge returning pages.

It replaces jupyter-server-ydoc's `DocumentRoom`, both for rooms that pages open and for rooms that
agents open. `docs/upstream.md` lists the differences and their reasons.
"""

from __future__ import annotations

import asyncio
import secrets
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, cast

from jupyter_server_ydoc.utils import LogLevel, OutOfBandChanges
from pycrdt import Map

from . import notices as news
from .kinds import NotebookKind, kind_of
from .loading import Loading, take_over
from .pages.pages_room import PagesRoom
from .pages.rejoin import MARKS
from .pages.reunions import Reunions
from .saving.autosave import Autosave
from .saving.file_sync import FileSync
from .troubles import Unsaved

if TYPE_CHECKING:
    from collections.abc import Callable

    from jupyter_ydoc.ybasedoc import YBaseDoc

    from ..notebooks.identity import Identity
    from ..notebooks.live_notebook import LiveNotebook
    from .pages.late_edits import LateEdits
    from .saving.content_versions import ContentVersion

FINISH_SECONDS = 10.0
"""Maximum seconds that a closing room waits for its last save."""

MAX_TRIES = 3
"""Maximum attempts to read or save a file while another program keeps writing it."""

MAX_COPIES = 20
"""Maximum number of other versions remembered for one document."""


@dataclass(frozen=True, slots=True)
class RoomListener:
    """Callbacks for events in a room.

    Parameters
    ----------
    merged : Callable
        Called after another program's changes to the file were merged.
    said : Callable
        Called with a message for the agents.
    """

    merged: Callable[[], None]
    said: Callable[[str], None]


class NotWritableError(OSError):
    """The contents manager reports that the file is not writable."""


class LiveRoom(PagesRoom):
    """The room of one document.

    Attributes
    ----------
    autosave : Autosave
    reunions : Reunions
    disk : FileSync
        Follows the file.
    history : str
        The id of the Yjs history. It changes when the document is rebuilt from its file.
    file_hash : str or None
        The hash of the file that the document met last.
    """

    def __init__(self, *arguments: Any, **options: Any) -> None:
        super().__init__(*arguments, **options)
        self.history = ""
        self.file_hash: str | None = None
        self.listeners: list[RoomListener] = []
        self.copies: list[tuple[str, str]] = []
        self.autosave = Autosave(self._write_file, self._on_saved, self._save_delay)
        self.reunions = Reunions(self)
        self.disk = FileSync(self, OutOfBandChanges)
        self._followed: Any = None

    # -- properties
    # ----------------------------------------------------------------------------------

    @property
    def document(self) -> YBaseDoc:
        """The shared document."""
        return cast("YBaseDoc", self._document)

    @property
    def notebook(self) -> LiveNotebook:
        """The notebook; only for the room of a notebook that is ready."""
        assert isinstance(self.kind, NotebookKind)
        return self.kind.notebook

    @property
    def late(self) -> LateEdits:
        """The late edits of removed cells; only for the room of a notebook that is ready."""
        assert isinstance(self.kind, NotebookKind)
        return self.kind.late

    @property
    def path(self) -> str:
        """The current path of the file, or the last known one."""
        try:
            return str(self._file.path)
        except RuntimeError:
            return str(self._document.path)

    def say(self, text: str) -> None:
        """Send a message to the agents that use the document."""
        for listener in list(self.listeners):
            listener.said(text)

    @property
    def identity(self) -> Identity | None:
        """The notebook's identity, which tells whether a call still means it; None for a text."""
        return self.kind.notebook.identity if isinstance(self.kind, NotebookKind) else None

    def heard_of_merge(self) -> None:
        """Announce that another program's changes to the file were merged."""
        self._emit(LogLevel.INFO, "overwrite", "Out-of-band changes were merged.")
        for listener in list(self.listeners):
            listener.merged()

    def heard_of_copy(self, copy: str, why: str) -> None:
        """Record and announce that another version of the document was saved as a separate file."""
        self.copies.append((copy, why))
        del self.copies[:-MAX_COPIES]
        # On a warning, pages ask the person to close a second view, whatever the message says.
        self._emit(LogLevel.INFO, None, "Another version was kept in a separate file.")

    def heard_of_spoilt_file(self, why: str) -> None:
        """Announce that the notebook's file is no longer a valid notebook."""
        self._emit(LogLevel.INFO, None, "The file is no longer a notebook.")
        self.say(news.spoilt(self.path, why))

    @property
    def trouble(self) -> Unsaved | None:
        """The reason why the file and the document differ, if a person must act; otherwise None."""
        if self.autosave.failure is not None:
            return Unsaved.of(self.path, self.autosave.failure)
        if self.apart.failure is not None:
            return Unsaved.in_page(self.path, self.apart.failure)
        why = self.disk.spoilt
        if why is None:
            return None
        return Unsaved.in_file(self.path, why)

    def save_soon(self) -> None:
        """Schedule a save, if the people in the room want autosave."""
        self.autosave.changed(wanted=self.saves_by_itself)
        self._mark_unsaved()

    def call_later(self, seconds: float, work: Callable[[], None]) -> None:
        """Call `work` after a delay, unless the room is closed by then."""
        loop = asyncio.get_running_loop()
        loop.call_later(seconds, lambda: work() if self.kind is not None else None)

    # -- loading -----------------------------------------------------------------------------------

    async def initialize(self) -> None:
        """Load the document: apply its stored history and merge the file into it."""
        if self.ready_event.is_set():
            return
        stored = await self.store.open()
        kind = kind_of(self)
        if kind is None:
            await super().initialize()
            return
        loading = Loading(self, kind, stored)
        try:
            await loading.read()
            async with self._update_lock:
                self.kind = kind
                await loading.build()
        except BaseException:
            self.disk.detach()
            kind.close()
            self.kind = None
            await self.store.close()
            raise
        self._emit(LogLevel.INFO, "load", "Content loaded.")
        self.ready = True
        self._emit(LogLevel.INFO, "initialize", "Room initialized")
        if await loading.says_more():
            self.save_soon()

    def begin_history(self) -> None:
        """Write the history's id into the document, and record all changes from now on."""
        self._document.path = self._file.path
        marks = self.ydoc.get(MARKS, type=Map)
        with self.ydoc.transaction():
            marks["history"] = self.history
            # This is an update of this very document. A page that knows it joined after this
            # moment.
            marks["life"] = secrets.token_hex(4)
        self.store.follow(self.ydoc.get_update)
        self._followed = self.ydoc.observe(self._on_update)
        self.store.checkpoint(complete=True)

    # -- the file ----------------------------------------------------------------------------------

    async def file_met(
        self, found: str | None, version: ContentVersion, *, before: bool = False
    ) -> None:
        """Record that the document contains everything that the file contains.

        Parameters
        ----------
        found : str or None
            The hash of the file; None if the contents manager provides none.
        version : ContentVersion
        before : bool, optional
            The file held this version before a server ended in the middle of a write, as the
            history shows. The file itself is still incomplete.
        """
        self.file_hash = found
        if found is None:
            return
        if self.ready and not self.store.is_open:
            await take_over(self)
        met = self.reunions.note_file(found, version)
        if before:
            # Until the file is complete again, the history must record that it is not.
            return
        await self.store.met(found, version.digest, met.pack)

    async def about_to_write(self, version: ContentVersion) -> None:
        """Store the updates that lead to a version of the file before writing that version."""
        # A truncated notebook cannot be parsed, but a truncated text is still a text.
        pack = None if isinstance(self.kind, NotebookKind) else version.pack
        await self.store.intend(version.digest, pack)

    def restore_marks(self) -> None:
        """Restore this room's marks after a page's document has overwritten them."""
        marks = self.ydoc.get(MARKS, type=Map)
        with self.ydoc.transaction():
            if marks.get("history") != self.history:
                marks["history"] = self.history
            if self._document.path != self.path:
                self._document.path = self.path
            if self.file_hash is not None and self._document.hash != self.file_hash:
                self._document.hash = self.file_hash

    # -- saving ------------------------------------------------------------------------------------

    @property
    def saves_by_itself(self) -> bool:
        """Whether the people in the room want autosave; upstream decides this the same way."""
        states = [state.get("autosave", True) for state in self.awareness.states.values() if state]
        return any(states) if states else True

    def why_by_hand(self) -> str | None:
        """Return a message why nothing is saved automatically; None if autosave is on."""
        if self._save_delay is None:
            return news.never_saved(self.path)
        return None if self.saves_by_itself else news.saved_by_hand(self.path)

    def _on_document_change(self, target: str, event: object) -> None:
        """Schedule a save. Changes made while the file is being read are already in the file."""
        if target == "state" or self._update_lock.locked() or not self.ready:
            return
        self.autosave.changed(wanted=self.saves_by_itself)
        asyncio.get_running_loop().call_soon(self._mark_unsaved)

    def _mark_unsaved(self) -> None:
        """Mark the document as dirty for all pages; only the page that typed marks it by itself."""
        if self.ready and self.autosave.unsaved and self.ydoc._txn is None:
            if not self._document.dirty:
                self._document.dirty = True

    def _save_to_disc(self) -> asyncio.Task[None]:
        """Save now, as when a person asks for it; the task raises the save's error."""
        return self.autosave.save()

    async def _write_file(self) -> None:
        for _ in range(MAX_TRIES):
            try:
                saved = await self.disk.save(self._file_format, self._file_type)
                break
            except OutOfBandChanges:
                # The document is of another extension's kind. For notebooks and texts, `FileSync`
                # merges.
                await super()._on_outofband_change()
        else:
            raise OSError("Another program keeps writing this file")
        if (task := asyncio.current_task()) is not None and task.cancelling():
            # The loader waits until the file is written, and then swallows the cancellation.
            raise asyncio.CancelledError
        if saved is None:
            raise NotWritableError("The file is read-only")
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
        """Ignore the notification where `FileSync` inspects the file itself."""
        if self.kind is None:
            await super()._on_outofband_change()

    # -- ending ------------------------------------------------------------------------------------

    async def stop(self) -> None:
        """Save unsaved changes, store the history, and release the document."""
        if self.kind is not None and self.ready:
            if self.autosave.unsaved and self.saves_by_itself:
                await self.autosave.finish(FINISH_SECONDS)
            self.disk.detach()
        await self.end_history()
        self.apart.close()
        if self._followed is not None:
            self.ydoc.unobserve(self._followed)
            self._followed = None
        if self.kind is not None:
            self.kind.close()
            self.kind = None
        await super().stop()
        # Upstream leaves these streams open, and Python warns about that.
        for name in ("_update_send_stream", "_update_receive_stream"):
            if (stream := getattr(self, name, None)) is not None:
                stream.close()

    async def end_history(self) -> None:
        """Close the history; later changes are in the file only."""
        self.autosave.close()
        if self.ready:
            self.store.checkpoint()
        await self.store.close()
