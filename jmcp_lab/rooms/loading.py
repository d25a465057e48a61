"""Build a room's document from its stored history and its file."""

from __future__ import annotations

import secrets
from base64 import b64decode
from typing import TYPE_CHECKING, Any, cast

from pycrdt import merge_updates

from ..files.cut_off import decoded, is_beginning
from ..files.notebook_files import UnreadableNotebookError
from ..notebooks.notebook_document import NotebookDocument
from ..server.containment import contained, error_name
from ..text.line_ends import plain
from .document_kind import version_aside

if TYPE_CHECKING:
    from .content_versions import ContentVersion, TextVersion
    from .document_kind import DocumentKind
    from .history.stored_history import Stored
    from .pages.page_merger import PageMerger
    from .pages.pages_room import PagesRoom
    from .saving.copies import Copies
    from .saving.file_sync import FileSync


class Loading:
    """Builds the document of one room.

    Parameters
    ----------
    room : PagesRoom
    kind : DocumentKind
    stored : Stored
        The stored history.
    disk : FileSync
        Reads the file, and follows it once the document is built.
    page_merger : PageMerger
    """

    def __init__(
        self,
        room: PagesRoom,
        kind: DocumentKind,
        stored: Stored,
        disk: FileSync,
        page_merger: PageMerger,
    ) -> None:
        self._room = room
        self._kind = kind
        self._stored = stored
        self._disk = disk
        self._page_merger = page_merger
        self._content: Any = None
        self._found: str | None = None
        self._cut_off: Exception | None = None
        self._torn = False
        self._version: ContentVersion | None = None

    async def read(self) -> None:
        """Read the file.

        Raises
        ------
        UnreadableNotebookError
            The file is not a notebook, and it is not just truncated with a history that may
            complete it.
        """
        try:
            self._content, self._found = await self._disk.read()
        except UnreadableNotebookError as error:
            if not error.cut_off or self._stored.file is None:
                raise
            self._cut_off = error
        except Exception as error:
            # Each contents manager raises its own error for a file that is not text.
            if not await self._ends_in_a_character():
                raise
            self._cut_off = error

    async def build(self) -> None:
        """Build the document. The caller makes sure that nothing else changes it meanwhile.

        Raises
        ------
        Exception
            The file is truncated, and the history is unusable.
        """
        room, kind = self._room, self._kind
        known = self._apply()
        version = await self._version_of_file(known=known)
        self._version = version
        self._page_merger.loaded = self._found
        if not known:
            room.history = secrets.token_hex(8)
            room.store.restart(room.history)
            await self._fill()
        elif not self._is_known(version):
            await self._branch(version)
        room.begin_history()
        await self._page_merger.file_synced(self._found, version, complete=not self._torn)
        if self._found is not None:
            room.document.hash = self._found
        room.document.dirty = False
        self._disk.attach(version)
        if kind.notebook is not None:
            kind.notebook.repair_ids()
            kind.notebook.blank = room.file.manager.blank
        if not known:
            await self._page_merger.keep_unsaved_of_old_store(kind, self._content)

    async def _fill(self) -> None:
        """Fill the document with the file as it was read."""
        document = self._room.document
        # A failed attempt to apply a history may have taught the document about its cells, so only
        # a document without stored updates can take the shortcut.
        if isinstance(document, NotebookDocument) and not self._stored.updates:
            await document.fill(self._content)
        else:
            await document.aset(self._content)

    async def is_ahead_of_file(self) -> bool:
        """Return whether the document contains changes that the file lacks."""
        if self._torn:
            return True
        content = await self._room.document.aget()
        assert self._version is not None
        return (await version_aside(self._kind, content)).digest != self._version.digest

    def _apply(self) -> bool:
        """Apply the history; return False if there is no usable one."""
        room, stored = self._room, self._stored
        if not stored.updates or stored.history is None:
            return False
        try:
            with contained():
                room.ydoc.apply_update(merge_updates(*stored.updates))
                room.document.get()
        except Exception as error:
            # The history is corrupt, or another release wrote it. Treat it as absent.
            room.log.warning("The history of a document cannot be used (%s)", error_name(error))
            return False
        room.history = stored.history
        return True

    async def _version_of_file(self, *, known: bool) -> ContentVersion:
        """Return the version of the file, or of the file before a server died while writing it."""
        last = self._stored.file
        if self._cut_off is not None and not known:
            raise self._cut_off
        if last is None or not known or not (self._cut_off or self._is_beginning(self._content)):
            return await version_aside(self._kind, self._content)
        self._torn, self._found = True, last[0]
        version = await self._page_merger.version(last[0])
        return version or self._kind.version_of(await self._room.document.aget())

    async def _ends_in_a_character(self) -> bool:
        """Return whether a text file was cut inside a character, so that it does not decode."""
        room, stored = self._room, self._stored
        if None in (stored.file, stored.unfinished) or self._kind.notebook is not None:
            return False
        model = await room.file.manager.get(room.file.path, type="file", format="base64")
        text = decoded(b64decode(model["content"]))
        return text is not None and self._is_beginning(plain(text))

    def _is_beginning(self, text: object) -> bool:
        """Return whether a text is a prefix of what a server was about to write."""
        unfinished = self._stored.unfinished
        if unfinished is None or not isinstance(text, str):
            return False
        try:
            with contained():
                whole = cast("TextVersion", self._kind.unpack(unfinished)).text
        except Exception:
            # The stored version is corrupt, or another release wrote it.
            return False
        return is_beginning(text, whole)

    def _is_known(self, version: ContentVersion) -> bool:
        """Return whether the history contains everything that the file contains."""
        if self._stored.file is None:
            return False
        found, digest = self._stored.file
        return self._found == found or version.digest in (digest, self._stored.intended)

    async def _branch(self, version: ContentVersion) -> None:
        """Start a new history, because the stored one lacks something that the file has.

        The stored history may be older, for example from a backup, and lack what a page wrote to
        the file. When that page returns, it must not insert its text a second time.
        """
        room, stored = self._room, self._stored
        self._page_merger.note_merged(room.history, room.ydoc.get_update())
        room.history = secrets.token_hex(8)
        content = await room.document.aget()
        base: ContentVersion | None
        if version.digest == stored.ahead:
            # Take the history itself as the base: its only difference to the file is what could not
            # be stored.
            base = self._kind.version_of(content)
        else:
            base = await self._page_merger.version(stored.file[0]) if stored.file else None
        if base is None or not self._merges(base):
            # The common ancestor is unknown. Prefer the file, which is what people see elsewhere.
            if self._kind.version_of(content).digest != version.digest:
                await self._keep(content)
            await room.document.aset(self._content)
        room.store.branch(room.history)

    async def _keep(self, content: Any) -> None:  # noqa: ANN401
        """Save the history's content as a separate file, or postpone that until it works."""
        why = "a server had not saved it when it ended, and it is unknown which version is newer"
        try:
            await self._page_merger.copies.keep(content, why)
        except Exception as error:
            # The folder is read-only or the disk is full. That is no reason not to open the file.
            self._room.log.warning("A history is not used yet (%s)", error_name(error))
            await self._room.store.postpone_take_over()

    def _merges(self, base: ContentVersion) -> bool:
        """Merge the file; return False if the base can be read but makes no sense.

        Such a base comes from a corrupt history, or from one that another release has written.
        """
        try:
            with contained():
                self._kind.merge_overlapping(base, self._content)
        except Exception as error:
            # The base unpacks, but its content can be wrong in any way.
            name = error_name(error)
            self._room.log.warning("A version in a history does not match its file (%s)", name)
            return False
        return True


async def take_over(room: PagesRoom, copies: Copies) -> None:
    """Take over a history that another server held when this room opened, once it is free.

    Two Yjs histories cannot become one. Changes that the other server had not saved go into a
    separate file; those that it had saved have already come from the document's file.
    """
    stored = await room.store.open_if_free()
    if stored is None:
        return
    try:
        await _keep_unsaved(room, copies, stored)
    except Exception as error:
        # The history stays where it is, and the next save tries again.
        room.log.warning("A history is not used (%s)", error_name(error))
    else:
        if room.kind is not None:
            room.store.take_over(room.history)
    await room.store.release()


async def _keep_unsaved(room: PagesRoom, copies: Copies, stored: Stored) -> None:
    kind = room.kind
    if kind is None or not stored.updates:
        return
    try:
        with contained():
            content = kind.content_of(merge_updates(*stored.updates))
    except Exception as error:
        # The history is corrupt, so it contains nothing that could be kept.
        room.log.warning("The history of a document cannot be used (%s)", error_name(error))
        return
    digest = kind.version_of(content).digest
    saved = None if stored.file is None else stored.file[1]
    present = kind.version_of(await room.document.aget()).digest
    if digest not in (saved, stored.intended, present):
        await copies.keep(content, "another server ended before it had saved it")
