"""The room of one document: load it, save it, store its history, and merge returning pages.

It replaces jupyter-server-ydoc's `DocumentRoom`, both for rooms that pages open and for rooms that
agents open. `docs/upstream.md` lists the differences and their reasons.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

from . import notices
from .kinds import NotebookKind, kind_of
from .loading import Loading, take_over
from .pages.page_merger import PageMerger
from .pages.pages_room import PagesRoom
from .saving.autosave import Autosave
from .saving.file_sync import FileSync
from .troubles import Unsaved
from .upstream.room_file import OutOfBandChanges

if TYPE_CHECKING:
    from ..notebooks.live_notebook import LiveNotebook
    from .content_versions import ContentVersion
    from .document_kind import CellsLeftBehind
    from .pages.late_edits import LateEdits

FINISH_SECONDS = 10.0
"""Maximum seconds that a closing room waits for its last save."""

MAX_TRIES = 3
"""Maximum attempts to read or save a file while another program keeps writing it."""


class NotWritableError(OSError):
    """The contents manager reports that the file is not writable."""


class LiveRoom(PagesRoom):
    """The room of one document.

    Attributes
    ----------
    autosave : Autosave
    page_merger : PageMerger
    disk : FileSync
        Follows the file.
    """

    def __init__(self, *arguments: Any, **options: Any) -> None:
        super().__init__(*arguments, **options)
        self.autosave = Autosave(self._write_file, self._on_saved, self.save_delay)
        self.page_merger = PageMerger(self)
        self.disk = FileSync(self, self)

    # -- properties --------------------------------------------------------------------------------

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

    def announce_merge(self) -> None:
        """Announce that another program's changes to the file were merged."""
        self.announce("Out-of-band changes were merged.", "overwrite")
        for listener in list(self.listeners):
            listener.merged()

    def announce_invalid_file(self, why: str) -> None:
        """Announce that the notebook's file is no longer a valid notebook."""
        self.announce("The file is no longer a notebook.")
        self.notify_agents(notices.invalid_file(self.path, why))

    @property
    def trouble(self) -> Unsaved | None:
        """The reason why the file and the document differ, if a person must act; otherwise None."""
        if self.autosave.failure is not None:
            return Unsaved.of(self.path, self.autosave.failure)
        if self.sync_failures.failure is not None:
            return Unsaved.in_page(self.path, self.sync_failures.failure)
        why = self.disk.why_invalid
        if why is None:
            return None
        return Unsaved.in_file(self.path, why)

    def save_soon(self) -> None:
        """Schedule a save, if the people in the room want autosave."""
        self.autosave.changed(wanted=self.wants_autosave)
        self._mark_unsaved()

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
        if kind.notebook is not None:
            kind.notebook.saving = lambda: self.autosave.pending
            kind.notebook.sync_file = self.disk.check
        loading = Loading(self, kind, stored, self.disk, self.page_merger)
        try:
            await loading.read()
            async with self.update_lock:
                self.kind = kind
                await loading.build()
        except BaseException:
            self.disk.detach()
            kind.close()
            self.kind = None
            await self.store.close()
            raise
        self.announce("Content loaded.", "load")
        self.ready = True
        self.announce("Room initialized", "initialize")
        if await loading.is_ahead_of_file():
            self.save_soon()

    async def rejoin(self, update: bytes) -> CellsLeftBehind | None:
        """Merge a page that comes from before the room was opened; see `PageMerger.rejoin`."""
        return await self.page_merger.rejoin(update)

    # -- the file ----------------------------------------------------------------------------------

    async def file_synced(self, found: str | None, version: ContentVersion) -> None:
        """Record that the document contains everything that the file contains.

        Parameters
        ----------
        found : str or None
            The hash of the file; None if the contents manager provides none.
        version : ContentVersion
        """
        if found is not None and self.ready and not self.store.is_open:
            await take_over(self, self.page_merger.copies)
        await self.page_merger.file_synced(found, version)

    async def about_to_write(self, version: ContentVersion) -> None:
        """Store the updates that lead to a version of the file before writing that version."""
        # A truncated notebook cannot be parsed, but a truncated text is still a text.
        pack = None if isinstance(self.kind, NotebookKind) else version.pack
        await self.store.intend(version.digest, pack)

    # -- saving ------------------------------------------------------------------------------------

    @property
    def wants_autosave(self) -> bool:
        """Whether the people in the room want autosave; upstream decides this the same way."""
        states = [state.get("autosave", True) for state in self.awareness.states.values() if state]
        return any(states) if states else True

    def why_no_autosave(self) -> str | None:
        """Return a message why nothing is saved automatically; None if autosave is on."""
        if self.save_delay is None:
            return notices.never_saved(self.path)
        return None if self.wants_autosave else notices.saved_by_hand(self.path)

    @property
    def unsaved(self) -> bool:
        """Whether there are unsaved changes."""
        return self.autosave.unsaved

    def on_change(self, part: str) -> None:
        """Schedule a save. Changes made while the file is being read are already in the file."""
        if part == "state" or self.update_lock.locked() or not self.ready:
            return
        self.autosave.changed(wanted=self.wants_autosave)
        asyncio.get_running_loop().call_soon(self._mark_unsaved)

    def _mark_unsaved(self) -> None:
        """Mark the document as dirty for all pages; only the page that typed marks it by itself."""
        if self.ready and self.autosave.unsaved and not self.in_transaction:
            if not self.document.dirty:
                self.document.dirty = True

    def save_now(self) -> asyncio.Task[None]:
        """Save, as when a person asks for it; the task raises the save's error."""
        return self.autosave.save()

    async def _write_file(self) -> None:
        for _ in range(MAX_TRIES):
            try:
                saved = await self.disk.save(self.file_format, self.file_type)
                break
            except OutOfBandChanges:
                # The document is of another extension's kind. For notebooks and texts, `FileSync`
                # merges.
                await self.load_file_again()
        else:
            raise OSError("Another program keeps writing this file")
        if (task := asyncio.current_task()) is not None and task.cancelling():
            # The loader waits until the file is written, and then swallows the cancellation.
            raise asyncio.CancelledError
        if saved is None:
            raise NotWritableError("The file is read-only")
        async with self.update_lock:
            if self.document.hash != saved["hash"]:
                self.document.hash = saved["hash"]
            if self.autosave.covers_all:
                self.document.dirty = False

    def _on_saved(self, error: Exception | None) -> None:
        if error is None:
            self.announce("Content saved.", "save")
            return
        message = f"Error saving file: {self.path}\n{error!r}"
        self.log.error(message)
        self.announce_failure(message)

    # -- ending ------------------------------------------------------------------------------------

    async def stop(self) -> None:
        """Save unsaved changes, store the history, and release the document."""
        if self.kind is not None and self.ready:
            if self.autosave.unsaved and self.wants_autosave:
                await self.autosave.finish(FINISH_SECONDS)
            self.disk.detach()
        await self.end_history()
        await super().stop()

    async def end_history(self) -> None:
        """Close the history; later changes are in the file only."""
        self.autosave.close()
        if self.ready:
            self.store.checkpoint()
        await self.store.close()
