"""How a document is built when its room opens: from its history, and from its file."""

from __future__ import annotations

import secrets
from base64 import b64decode
from typing import TYPE_CHECKING, Any, cast

from jupyter_server.utils import ensure_async
from pycrdt import merge_updates

from ..files.cut_off import decoded, is_beginning
from ..files.notebook_files import UnreadableNotebookError
from ..notebooks.notebook_document import NotebookDocument
from ..server.containment import contained, error_name
from ..text.line_ends import plain
from .kinds import NotebookKind, version_aside
from .upstream.file_view import view_in

if TYPE_CHECKING:
    from .kinds import DocumentKind
    from .live_room import LiveRoom
    from .saving.content_versions import ContentVersion, TextVersion
    from .upstream.stored_history import Stored


class Loading:
    """Builds the document of one room.

    Parameters
    ----------
    room : LiveRoom
    kind : DocumentKind
    stored : Stored
        What the history says.
    """

    def __init__(self, room: LiveRoom, kind: DocumentKind, stored: Stored) -> None:
        self._room = room
        self._kind = kind
        self._stored = stored
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
            It is no notebook, and nothing but its end is missing that the history may have.
        """
        try:
            self._content, self._found = await self._room.disk.read()
        except UnreadableNotebookError as error:
            if not error.cut_off or self._stored.file is None:
                raise
            self._cut_off = error
        except Exception as error:
            # Each contents manager has its own for a file that is no text.
            if not await self._ends_in_a_character():
                raise
            self._cut_off = error

    async def build(self) -> None:
        """Build the document. Nobody else changes it meanwhile.

        Raises
        ------
        Exception
            The file was cut off, and the history cannot be used.
        """
        room, kind = self._room, self._kind
        known = self._apply()
        version = await self._version_of_file(known=known)
        self._version = version
        room.reunions.loaded = self._found
        if not known:
            room.history = secrets.token_hex(8)
            room.store.restart(room.history)
            await self._fill()
        elif not self._is_known(version):
            await self._branch(version)
        room.begin_history()
        await room.file_met(self._found, version, before=self._torn)
        if self._found is not None:
            room.document.hash = self._found
        room.document.dirty = False
        room.disk.attach(version)
        if isinstance(kind, NotebookKind):
            kind.notebook.repair_ids()
            kind.notebook.blank = view_in(room).blank
        if not known:
            await room.reunions.keep_unsaved_of_old_store(kind, self._content)

    async def _fill(self) -> None:
        """Put in what the file says, as it was read."""
        document = self._room.document
        # Who tried to use a history may have found out what the cells of the file are in that.
        if isinstance(document, NotebookDocument) and not self._stored.updates:
            await document.fill(self._content)
        else:
            await document.aset(self._content)

    async def says_more(self) -> bool:
        """Return whether the document says more than the file."""
        if self._torn:
            return True
        content = await self._room.document.aget()
        assert self._version is not None
        return (await version_aside(self._kind, content)).digest != self._version.digest

    def _apply(self) -> bool:
        """Apply the history; return False when there is none that can be used."""
        room, stored = self._room, self._stored
        if not stored.updates or stored.history is None:
            return False
        try:
            with contained():
                room.ydoc.apply_update(merge_updates(*stored.updates))
                room.document.get()
        except Exception as error:
            # It is harmed, or another release has written it: as good as none.
            room.log.warning("The history of a document is not usable (%s)", error_name(error))
            return False
        room.history = stored.history
        return True

    async def _version_of_file(self, *, known: bool) -> ContentVersion:
        """Return what the file says, or said before a server ended while it wrote it."""
        last = self._stored.file
        if self._cut_off is not None and not known:
            raise self._cut_off
        if last is None or not known or not (self._cut_off or self._is_beginning(self._content)):
            return await version_aside(self._kind, self._content)
        self._torn, self._found = True, last[0]
        version = await self._room.reunions.version(last[0])
        return version or self._kind.version_of(await self._room.document.aget())

    async def _ends_in_a_character(self) -> bool:
        """Return whether a text file was cut off so that it is no text any more."""
        room, stored = self._room, self._stored
        if None in (stored.file, stored.unfinished) or isinstance(self._kind, NotebookKind):
            return False
        model = await ensure_async(
            room._file._contents_manager.get(room._file.path, type="file", format="base64")
        )
        text = decoded(b64decode(model["content"]))
        return text is not None and self._is_beginning(plain(text))

    def _is_beginning(self, text: object) -> bool:
        """Return whether a text is the beginning of what a server was about to write."""
        unfinished = self._stored.unfinished
        if unfinished is None or not isinstance(text, str):
            return False
        try:
            with contained():
                whole = cast("TextVersion", self._kind.unpack(unfinished)).text
        except Exception:
            # It is harmed, or another release has written it.
            return False
        return is_beginning(text, whole)

    def _is_known(self, version: ContentVersion) -> bool:
        """Return whether the history has all that the file says."""
        if self._stored.file is None:
            return False
        found, digest = self._stored.file
        return self._found == found or version.digest in (digest, self._stored.intended)

    async def _branch(self, version: ContentVersion) -> None:
        """Begin another history: the one that was kept lacks what the file says.

        It may be older, as out of a backup, and lack what the file has from a page. That page must
        not bring it again.
        """
        room, stored = self._room, self._stored
        room.reunions.note_met(room.history, room.ydoc.get_update())
        room.history = secrets.token_hex(8)
        said = await room.document.aget()
        base: ContentVersion | None
        if version.digest == stored.ahead:
            # Compared with the history, all that differs is what could not be stored.
            base = self._kind.version_of(said)
        else:
            base = await room.reunions.version(stored.file[0]) if stored.file else None
        if base is None or not self._merges(base):
            # Nobody knows what the two had in common: the file is what people see elsewhere.
            if self._kind.version_of(said).digest != version.digest:
                await self._keep(said)
            await room.document.aset(self._content)
        room.store.branch(room.history)

    async def _keep(self, said: Any) -> None:  # noqa: ANN401
        """Keep what the history says in a file of its own, or let it wait until that works."""
        why = "a server had not saved it when it ended, and nobody knows which is newer"
        try:
            await self._room.reunions.copies.keep(said, why)
        except Exception as error:
            # The folder cannot be written, or the disk is full: no reason not to open the file.
            self._room.log.warning("A history is not taken over yet (%s)", error_name(error))
            await self._room.store.put_off()

    def _merges(self, base: ContentVersion) -> bool:
        """Take in what the file says; return False for a base that can be read and makes no sense.

        It is out of a history that was harmed, or that another release has written.
        """
        try:
            with contained():
                self._kind.reunite(base, self._content)
        except Exception as error:
            # It unpacks, and anything may be wrong with what it says.
            name = error_name(error)
            self._room.log.warning("A version in a history does not fit its file (%s)", name)
            return False
        return True


async def take_over(room: LiveRoom) -> None:
    """Go on in the history that another server had as this room was opened, once it has let go.

    The two Yjs histories cannot be one. What that server had not saved is kept in a file of its
    own; what it had saved has come from the file.
    """
    stored = await room.store.look_again()
    if stored is None:
        return
    try:
        await _keep_unsaved(room, stored)
    except Exception as error:
        # It stays where it is, and the next save tries again.
        room.log.warning("A history is not taken over (%s)", error_name(error))
    else:
        if room.kind is not None:
            room.store.take_over(room.history)
    await room.store.leave()


async def _keep_unsaved(room: LiveRoom, stored: Stored) -> None:
    kind = room.kind
    if kind is None or not stored.updates:
        return
    try:
        with contained():
            said = kind.content_of(merge_updates(*stored.updates))
    except Exception as error:
        # It is harmed: there is nothing in it that could be kept.
        room.log.warning("The history of a document is not usable (%s)", error_name(error))
        return
    digest = kind.version_of(said).digest
    saved = None if stored.file is None else stored.file[1]
    present = kind.version_of(await room.document.aget()).digest
    if digest not in (saved, stored.intended, present):
        await room.reunions.copies.keep(said, "another server that has ended had not saved it")
