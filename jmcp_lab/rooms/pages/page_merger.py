"""Merge pages that return from before the room was opened, using the versions that they know."""

from __future__ import annotations

from collections import OrderedDict
from typing import TYPE_CHECKING, Any

from pycrdt import merge_updates

from ...server.containment import contained, error_name
from ..history.history_folder import unsaved_in_old_store
from ..saving.copies import Copies
from ..saving.synced_versions import SyncedVersions
from ..sync_messages import clients_ahead
from .rejoin import PageMarks

if TYPE_CHECKING:
    from ..content_versions import ContentVersion
    from ..document_kind import CellsLeftBehind, DocumentKind
    from .pages_room import PagesRoom

MAX_HISTORIES = 4
"""Maximum number of earlier Yjs histories whose merged state is remembered."""


class PageMerger:
    """Merges returning pages with the document of one room.

    Parameters
    ----------
    room : PagesRoom

    Attributes
    ----------
    loaded : str or None
        The hash of the file that the room was opened with.
    """

    def __init__(self, room: PagesRoom) -> None:
        self._room = room
        self.copies = Copies(room, room.announce_copy)
        self.loaded: str | None = None
        self._versions = SyncedVersions()
        self._merged: OrderedDict[str, bytes] = OrderedDict()

    # -- common ancestors --------------------------------------------------------------------------

    async def file_synced(
        self, found: str | None, version: ContentVersion, *, complete: bool = True
    ) -> None:
        """Record that the document contains everything that the file contains.

        Parameters
        ----------
        found : str or None
            The hash of the file; None if the contents manager provides none.
        version : ContentVersion
        complete : bool, optional
            False if the file held this version before a server ended in the middle of a write, as
            the history shows. Until the file is complete again, the history must record that it is
            not.
        """
        self._room.file_hash = found
        if found is None:
            return
        synced = self._versions.add(found, version)
        if complete:
            await self._room.store.record_synced(found, version.digest, synced.pack)

    async def version(self, found: str | None) -> ContentVersion | None:
        """Return the version of a file that the document was synced with, by its hash."""
        if found is None or self._room.kind is None:
            return None
        if (version := self._versions.get(found, self._room.kind)) is not None:
            return version
        packed = await self._room.store.file_version(found)
        if packed is None:
            return None
        try:
            return self._room.kind.unpack(packed)
        except Exception as error:
            # The version is corrupt, or another release wrote it. Treat it as absent.
            self._room.log.warning("A version in a history cannot be used (%s)", error_name(error))
            return None

    def note_merged(self, history: str, update: bytes) -> None:
        """Record what the document contains of a Yjs history other than its own."""
        if (before := self._merged.pop(history, None)) is not None:
            update = merge_updates(before, update)
        self._merged[history] = update
        while len(self._merged) > MAX_HISTORIES:
            self._merged.popitem(last=False)

    # -- returning pages ---------------------------------------------------------------------------

    async def rejoin(self, update: bytes) -> CellsLeftBehind | None:
        """Merge a page that comes from before the room was opened with the document.

        Parameters
        ----------
        update : bytes
            Everything that the page has.

        Returns
        -------
        CellsLeftBehind or None
            The cells that the document has removed, and that the page shows until it is updated.

        Raises
        ------
        Exception
            The merge failed, or the page's content could not be saved as a separate file. The
            document is unchanged.
        """
        room = self._room
        if room.kind is None:
            room.ydoc.apply_update(update)
            return None
        try:
            with contained():
                return await self._merge(room.kind, update)
        except Exception:
            # The content of the page must not be lost with it.
            room.log.exception("A page could not be merged with its document")
            await self._save_separately(room.kind, update)
            raise

    async def _merge(self, kind: DocumentKind, update: bytes) -> CellsLeftBehind | None:
        room = self._room
        marks = PageMarks.of(update)
        base = await self.version(marks.file)
        same = marks.history == room.history and (
            marks.file is None or base is not None or self._lacks_only_typing(update)
        )
        merged = None if same or marks.history is None else self._merged.get(marks.history)
        if merged is None and base is None and not same:
            base = await self._save_separately(kind, update)
        await kind.ready()
        with room.one_message():
            if same:
                # Everything in the file that came from this page is also in the history.
                merged = room.ydoc.get_update()
                room.ydoc.apply_update(update)
                back: list[str] = []
            else:
                back = self._merge_other_history(kind, update, marks, base, merged)
            if merged is not None:
                back += kind.restore_typing(update, merged, base)
            room.restore_marks()
        left = kind.cells_left_behind(update)
        for text in back:
            room.notify_agents(text)
        return left

    def _lacks_only_typing(self, update: bytes) -> bool:
        """Return whether the document has all updates of a page except the page's own.

        Then the file that the page was last synced with is not needed; it may have been overwritten
        many times since. If a server lost the end of its history, more Yjs clients than the page
        are ahead.
        """
        return clients_ahead(update, self._room.ydoc.get_update()) <= 1

    def _merge_other_history(
        self,
        kind: DocumentKind,
        update: bytes,
        marks: PageMarks,
        base: ContentVersion | None,
        merged: bytes | None,
    ) -> list[str]:
        """Merge a page of another history with the document by content.

        Parameters
        ----------
        kind : DocumentKind
        update : bytes
            Everything that the page has.
        marks : PageMarks
        base : ContentVersion or None
            The version of the file that the page was last synced with.
        merged : bytes or None
            What the document already contains of the page's history; a closer base.
        """
        if merged is not None and (base is None or marks.file != self.loaded):
            base = kind.version_in(merged)
            update = merge_updates(merged, update)
        assert base is not None
        messages = kind.merge_page(update, base)
        if marks.history is not None:
            self.note_merged(marks.history, update)
        return messages

    # -- versions beside the file ------------------------------------------------------------------

    async def _save_separately(self, kind: DocumentKind, update: bytes) -> ContentVersion:
        """Save a page's version as a separate file, because the common ancestor is unknown.

        Returns
        -------
        ContentVersion
            The page's content: relative to this base, the page has changed nothing.
        """
        version = kind.version_of(kind.content_of(update))
        if version.digest != kind.version_of(await self._room.document.aget()).digest:
            why = "a page came back with it, and it is unknown which version is newer"
            await self.copies.keep_page(kind, update, why)
        return version

    async def keep_unsaved_of_old_store(self, kind: DocumentKind, content: Any) -> None:  # noqa: ANN401
        """Save what the store of a server without jmcp_lab had, but not the file, when it died."""
        saved = self._room.file.last_modified.timestamp()
        updates = unsaved_in_old_store(self._room.room_id, saved)
        if updates is None:
            return
        try:
            with contained():
                old = kind.content_of(merge_updates(*updates))
            if kind.version_of(old).digest != kind.version_of(content).digest:
                await self.copies.keep(old, "an earlier server ended before it had saved it")
        except Exception as error:
            # The store is corrupt, or the folder is read-only. The store stays where it is.
            self._room.log.warning("An old history is not used (%s)", error_name(error))
