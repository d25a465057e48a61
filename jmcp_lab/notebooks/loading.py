"""How a document is built when its room opens: from its history, and from its file."""

from __future__ import annotations

import secrets
from typing import TYPE_CHECKING, Any, cast

from pycrdt import merge_updates

from .cut_off import was_being_written
from .file_view import view_in
from .kinds import NotebookKind
from .notebook_files import UnreadableNotebookError

if TYPE_CHECKING:
    from .document_store import Stored
    from .kinds import ContentVersion, DocumentKind
    from .live_room import LiveRoom
    from .version import Version

TRIES = 3
"""How often a file is read again that another program writes meanwhile."""


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
        self._cut_off: UnreadableNotebookError | None = None
        self._version: ContentVersion | None = None

    async def read(self) -> None:
        """Read the file.

        Raises
        ------
        UnreadableNotebookError
            It is no notebook, and nothing but its end is missing that the history may have.
        """
        try:
            self._content, self._found = await read_file(self._room)
        except UnreadableNotebookError as error:
            if not error.cut_off or self._stored.file is None:
                raise
            self._cut_off = error

    async def build(self) -> None:
        """Build the document. Nobody else changes it meanwhile.

        Raises
        ------
        UnreadableNotebookError
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
            await room.document.aset(self._content)
        elif not self._is_known(version):
            await self._branch()
        room.begin_history()
        await room.file_met(self._found, version)
        if self._found is not None:
            room.document.hash = self._found
        room.document.dirty = False
        if isinstance(kind, NotebookKind):
            room.disk.attach(room, kind.notebook)
            if self._cut_off is not None:
                room.disk.is_cut_off(cast("Version", version))
            kind.notebook.repair_ids()
            kind.notebook.blank = view_in(room).blank
        if not known:
            await room.reunions.keep_unsaved_of_old_store(kind, self._content)

    async def says_more(self) -> bool:
        """Return whether the document says more than the file."""
        content = await self._room.document.aget()
        assert self._version is not None
        return self._kind.version_of(content).digest != self._version.digest

    def _apply(self) -> bool:
        """Apply the history; return False when there is none that can be used."""
        room, stored = self._room, self._stored
        if not stored.updates or stored.history is None:
            return False
        try:
            room.ydoc.apply_update(merge_updates(*stored.updates))
            room.document.get()
        except Exception as error:
            room.log.warning("The history of a document is not usable (%s)", type(error).__name__)
            return False
        room.history = stored.history
        return True

    async def _version_of_file(self, *, known: bool) -> ContentVersion:
        """Return what the file says, or said before a server ended while it wrote it."""
        last = self._stored.file
        if self._cut_off is not None and not known:
            raise self._cut_off
        if last is None or not known or not (self._cut_off or self._is_beginning()):
            return self._kind.version_of(self._content)
        self._found = last[0]
        packed = await self._room.store.file_version(last[0])
        if packed is not None:
            return self._kind.unpack(packed)
        return self._kind.version_of(await self._room.document.aget())

    def _is_beginning(self) -> bool:
        """Return whether a text file is the beginning of what a server was about to write."""
        if not isinstance(self._content, str):
            return False
        whole = str(self._room.document.get())
        return (
            len(self._content) < len(whole)
            and whole.startswith(self._content)
            and was_being_written(self._room._file._contents_manager, self._room._file.path)
        )

    def _is_known(self, version: ContentVersion) -> bool:
        """Return whether the history has all that the file says."""
        if self._stored.file is None:
            return False
        found, digest = self._stored.file
        return self._found == found or version.digest in (digest, self._stored.intended)

    async def _branch(self) -> None:
        """Begin another history: the one that was kept lacks what the file says.

        It may be older, as out of a backup, and lack what the file has from a page. That page must
        not bring it again.
        """
        room, stored = self._room, self._stored
        room.reunions.note_met(room.history, room.ydoc.get_update())
        room.history = secrets.token_hex(8)
        room.store.branch(room.history)
        packed = await room.store.file_version(stored.file[0]) if stored.file else None
        if packed is None:
            # Nobody knows what the two had in common: the file is what people see elsewhere.
            await room.document.aset(self._content)
        else:
            self._kind.take_in(self._kind.unpack(packed), self._content)


async def read_file(room: LiveRoom) -> tuple[Any, str | None]:
    """Return what the file of a room says, and its hash."""
    manager = view_in(room)
    for _ in range(TRIES):
        model = await room._file.load_content(room._file_format, room._file_type)
        found = await manager.get(room._file.path, content=False, require_hash=True)
        if found["last_modified"] == model["last_modified"]:
            return model["content"], found.get("hash")
    return model["content"], None
