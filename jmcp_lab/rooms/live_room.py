"""The room of one document: how it is loaded, saved, kept, and shared with pages that come back.

It takes the place of jupyter-server-ydoc's `DocumentRoom`, for the rooms that pages open as well as
for those that agents do. What it does differently, and why, is in `docs/upstream.md`.
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
"""Longest wait for the last save of a room that closes."""

TRIES = 3
"""How often a file is read again, or saved again, that another program writes meanwhile."""

MAX_COPIES = 20
"""Other versions of one document that are remembered."""


@dataclass(frozen=True, slots=True)
class RoomListener:
    """Who wants to know what happens in a room.

    Parameters
    ----------
    merged : Callable
        What another program wrote into the file was merged.
    said : Callable
        Something happened that agents should know, in words.
    """

    merged: Callable[[], None]
    said: Callable[[str], None]


class NotWritableError(OSError):
    """The contents manager says that the file cannot be written."""


class LiveRoom(PagesRoom):
    """The room of one document.

    Attributes
    ----------
    autosave : Autosave
    reunions : Reunions
    disk : Disk
        What follows the file.
    history : str
        The id of the Yjs history. It changes when the document is built from its file.
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
    def late(self) -> LateEdits:
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

    def say(self, text: str) -> None:
        """Let the agents that use the document know something."""
        for listener in list(self.listeners):
            listener.said(text)

    @property
    def identity(self) -> Identity | None:
        """Whether the notebook is still the one that people meant; None of a text."""
        return self.kind.notebook.identity if isinstance(self.kind, NotebookKind) else None

    def heard_of_merge(self) -> None:
        """Say that what another program wrote into the file was merged."""
        self._emit(LogLevel.INFO, "overwrite", "Out-of-band changes were merged.")
        for listener in list(self.listeners):
            listener.merged()

    def heard_of_copy(self, copy: str, why: str) -> None:
        """Say that another version of the document was kept in a file of its own."""
        self.copies.append((copy, why))
        del self.copies[:-MAX_COPIES]
        # On a warning, pages ask the person to close a second view, whatever it says.
        self._emit(LogLevel.INFO, None, "Another version was kept in a file of its own.")

    def heard_of_spoilt_file(self, why: str) -> None:
        """Say that the file of the notebook is no notebook any more."""
        self._emit(LogLevel.INFO, None, "The file is no notebook any more.")
        self.say(news.spoilt(self.path, why))

    @property
    def trouble(self) -> Unsaved | None:
        """What keeps the file from saying what the document says, where that needs a person."""
        if self.autosave.failure is not None:
            return Unsaved.of(self.path, self.autosave.failure)
        if self.apart.failure is not None:
            return Unsaved.in_page(self.path, self.apart.failure)
        why = self.disk.spoilt
        if why is None:
            return None
        return Unsaved.in_file(self.path, why)

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
        """Say in the document which history it is, and keep what changes from now on."""
        self._document.path = self._file.path
        marks = self.ydoc.get(MARKS, type=Map)
        with self.ydoc.transaction():
            marks["history"] = self.history
            # An update of this very document: pages that know it have been here since now.
            marks["life"] = secrets.token_hex(4)
        self.store.follow(self.ydoc.get_update)
        self._followed = self.ydoc.observe(self._on_update)
        self.store.checkpoint(complete=True)

    # -- the file ----------------------------------------------------------------------------------

    async def file_met(
        self, found: str | None, version: ContentVersion, *, before: bool = False
    ) -> None:
        """Take note that the document says all that a file says.

        Parameters
        ----------
        found : str or None
            The hash of the file; None where the contents manager knows none.
        version : ContentVersion
        before : bool, optional
            It said so before a server ended while it wrote it, as the history knows.
        """
        self.file_hash = found
        if found is None:
            return
        if self.ready and not self.store.is_open:
            await take_over(self)
        met = self.reunions.note_file(found, version)
        if before:
            # Until the file is whole, the history must tell that it is not.
            return
        await self.store.met(found, version.digest, met.pack)

    async def about_to_write(self, version: ContentVersion) -> None:
        """Store what led to a version of the file before that is written."""
        # Half a notebook is none; half a text is one.
        pack = None if isinstance(self.kind, NotebookKind) else version.pack
        await self.store.intend(version.digest, pack)

    def restore_marks(self) -> None:
        """Say again what is true of this room, where the page's document said something else."""
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
        """Whether the people in the room want that; as upstream decides it."""
        states = [state.get("autosave", True) for state in self.awareness.states.values() if state]
        return any(states) if states else True

    def why_by_hand(self) -> str | None:
        """Return that nothing is saved until somebody asks for it, and why; None where it is."""
        if self._save_delay is None:
            return news.never_saved(self.path)
        return None if self.saves_by_itself else news.saved_by_hand(self.path)

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
            try:
                saved = await self.disk.save(self._file_format, self._file_type)
                break
            except OutOfBandChanges:
                # Of a kind of another extension; what follows the others merges.
                await super()._on_outofband_change()
        else:
            raise OSError("Another program writes this file again and again")
        if (task := asyncio.current_task()) is not None and task.cancelling():
            # The loader waits until the file is written, and returns as if nothing had been.
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
        """Do nothing where the room's `FileSync` has its own look at the file."""
        if self.kind is None:
            await super()._on_outofband_change()

    # -- ending ------------------------------------------------------------------------------------

    async def stop(self) -> None:
        """Save what is not saved, keep the history, and let go of the document."""
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
