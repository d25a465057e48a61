"""What a room does with a notebook and with a text file in ways of their own."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any, Protocol, cast

from jupyter_ydoc import ydocs
from pycrdt import Doc, Text

from ..codec.fingerprint import Version
from ..files.cut_off import is_beginning
from ..notebooks.carets import carets_in
from ..notebooks.first_cell import make_way
from ..notebooks.live_notebook import LiveNotebook
from ..notebooks.notebook_document import NotebookDocument
from ..notebooks.shared_text import splice_shared
from ..server.heavy_work import in_short_turns, takes_long
from ..text.rebase import carried
from ..text.reunion import reunited
from ..text.three_way_merge import splice
from .external_changes import take_in
from .pages.joining import clients_ahead
from .pages.late_edits import LateEdits
from .pages.rejoin import (
    REJOIN_ORIGIN,
    LeftBehind,
    PageMarks,
    adopt,
    differences,
    merged,
    removed_while_away,
    told_of,
    typed_into_removed,
)
from .saving.content_versions import ContentVersion, TextVersion

if TYPE_CHECKING:
    from jupyter_ydoc import YNotebook, YUnicode

    from .live_room import LiveRoom


class DocumentKind(Protocol):
    """What is particular to one kind of document."""

    def version_of(self, content: Any) -> ContentVersion:  # noqa: ANN401
        """Return the version of a file's content."""

    def unpack(self, data: bytes) -> ContentVersion:
        """Return the version that was kept on disk."""

    def was_left_by(self, attempted: ContentVersion, content: Any) -> bool:  # noqa: ANN401
        """Return whether a file says what a save of a version may have left when it failed."""

    def take_in(self, base: Any, content: Any, said: Any) -> None:  # noqa: ANN401
        """Bring what another program has changed in the file into the document.

        Parameters
        ----------
        base : ContentVersion
            The file as the document last met it.
        content : object
            The file now.
        said : ContentVersion
            What the file said when it had been given `base`.
        """

    def reunite(self, base: ContentVersion, content: Any) -> None:  # noqa: ANN401
        """Bring a file into a document that may have part of what is new there already."""

    async def ready(self) -> None:
        """Return when the document can be written."""

    def content_of(self, update: bytes) -> Any:  # noqa: ANN401
        """Return what a page's document says, as a file would."""

    def version_in(self, update: bytes) -> ContentVersion:
        """Return the version that a document holds, with the ids that its cells have there."""

    def join(self, update: bytes, base: ContentVersion) -> list[str]:
        """Bring a page of another history and the document together.

        Returns
        -------
        list of str
            What agents should know, in words.
        """

    def feed(self, update: bytes) -> None:
        """Take note of a page's update, just before the document takes it in."""

    def settle(self) -> None:
        """Put right what a page's update met, just after the document has taken it in."""

    def return_typing(self, update: bytes, ours: bytes, base: ContentVersion | None) -> list[str]:
        """Bring what was typed on one side into cells that the other took out home.

        Parameters
        ----------
        update : bytes
            All that the page had.
        ours : bytes
            All that the document had of the same Yjs history, before it met the page.
        base : ContentVersion or None
            What the file said that the page met last, if it is known.

        Returns
        -------
        list of str
            What agents should know, in words.
        """

    def left_behind(self, update: bytes) -> LeftBehind | None:
        """Return the cells of a page that the document has no more, once it has met the page."""

    def close(self) -> None:
        """Stop following the document."""


class NotebookKind:
    """A notebook in a room.

    Parameters
    ----------
    room : LiveRoom
    """

    def __init__(self, room: LiveRoom) -> None:
        self._room = room
        file_id = room.room_id.rsplit(":", 1)[-1]
        self.notebook = LiveNotebook(cast("YNotebook", room.document), lambda: room.path, file_id)
        self.notebook.together = room.one_message
        # The presence of who has left stays for half a minute.
        self.notebook.carets = lambda: carets_in(room) if room.pages else set()
        self.notebook.saving = lambda: room.autosave.pending
        self.notebook.meet_file = lambda: room.disk.look()
        self.late = LateEdits(
            self.notebook, lambda: room.typed_in, room.say, shared=lambda: room.typed_elsewhere
        )

    def version_of(self, content: dict[str, Any]) -> Version:
        """Return the version of a notebook as nbformat has it."""
        return Version.of(content)

    def unpack(self, data: bytes) -> Version:
        """Return the version that was kept on disk."""
        return Version.unpack(data)

    def was_left_by(self, attempted: ContentVersion, content: dict[str, Any]) -> bool:
        """Return whether it is all there: a notebook that is cut off is none."""
        return Version.of(content).digest == attempted.digest

    def take_in(self, base: Version, content: dict[str, Any], said: Version) -> None:
        """Merge by cells and lines."""
        document = self._room.document
        if base.ids is None and Version.of(document.get()) == base:
            # An old file has no ids, and keeps none as long as nothing has to be told apart.
            document.set(content)
        else:
            take_in(self.notebook, base, content, said=said)

    def reunite(self, base: ContentVersion, content: dict[str, Any]) -> None:
        """Merge by cells and lines; what both have beyond the base is there once."""
        take_in(self.notebook, cast("Version", base), content, reunited)

    async def ready(self) -> None:
        """Return when no transaction is open."""
        await self.notebook.ready()

    def content_of(self, update: bytes) -> Any:  # noqa: ANN401
        """Return what a page's notebook says."""
        return _document(self._room, update).get()

    def version_in(self, update: bytes) -> Version:
        """Return the version that a document holds; one of nbformat 4.4 has ids there as well."""
        document = _document(self._room, update)
        return Version.of(document.get(deduplicate=False) | {"cells": [*_whole(document).values()]})

    def join(self, update: bytes, base: ContentVersion) -> list[str]:
        """Bring a page of another history and the notebook together."""
        page = _document(self._room, update)
        found = LiveNotebook(cast("YNotebook", page), lambda: "", self.notebook.file_id)
        alone = self._is_blank and self.notebook.blank not in found.ids
        try:
            wanted = merged(
                self.notebook, found, cast("Version", base), lambda: _document(self._room)
            )
        finally:
            found.close()
        adopt(self.notebook, update, *wanted)
        if alone:
            make_way(self.notebook, REJOIN_ORIGIN)
        return []

    def feed(self, update: bytes) -> None:
        """Let what was typed into a cell that is gone be found."""
        self.late.feed(update)

    def settle(self) -> None:
        """Put right what a page's update met: a cell that was moved or deleted meanwhile."""
        if self.notebook.busy:
            self._room.call_later(0.05, self.settle)
            return
        self.late.settle()

    def return_typing(self, update: bytes, ours: bytes, base: ContentVersion | None) -> list[str]:
        """Find the cells that one side took out, and what was typed there on the other."""
        alone = self._is_blank
        theirs = self._return(update, ours, cast("Version | None", base))
        mine = self._return(ours, update, cast("Version | None", base))
        if base is not None:
            named = cast("Version", base).named([])
            self.late.join_doubles({cell_id: cell.source for cell_id, cell in named.items()})
        if alone:
            make_way(self.notebook, REJOIN_ORIGIN)
        return told_of(self.notebook, theirs + mine)

    def left_behind(self, update: bytes) -> LeftBehind | None:
        """Return the cells of a page that the notebook has no more, once it has met the page."""
        page = _document(self._room, update)
        gone = removed_while_away(page.ydoc, self.notebook.ydoc.get_update())
        if not gone:
            return None
        page = _document(self._room, update)
        return LeftBehind(self.notebook, page.ydoc, _whole(page), gone)

    def _return(self, one: bytes, other: bytes, base: Version | None) -> list[str]:
        gone = removed_while_away(_document(self._room, one).ydoc, other)
        if not gone or not clients_ahead(one, other):
            # Who has said nothing that the other lacks has typed nothing there.
            return []
        contents = _whole(_document(self._room, one))
        known: dict[str, str] = {}
        if base is not None:
            named = base.named([(i, str(cell["source"])) for i, cell in contents.items()])
            known = {cell_id: cell.source for cell_id, cell in named.items()}
        return typed_into_removed(self.notebook, gone, contents, known)

    @property
    def _is_blank(self) -> bool:
        return self.notebook.ids == [self.notebook.blank]

    def close(self) -> None:
        """Stop following the document."""
        self.late.close()
        self.notebook.close()


class TextKind:
    """A text file in a room.

    Parameters
    ----------
    room : LiveRoom
    """

    def __init__(self, room: LiveRoom) -> None:
        self._room = room

    @property
    def _text(self) -> Text:
        document = cast("YUnicode", self._room.document)
        return cast("Text", document.ydoc.get("source", type=Text))

    def version_of(self, content: str) -> TextVersion:
        """Return the version of a text."""
        return TextVersion(content)

    def unpack(self, data: bytes) -> TextVersion:
        """Return the version that was kept on disk."""
        return TextVersion.unpack(data)

    def was_left_by(self, attempted: ContentVersion, content: str) -> bool:
        """Return whether it is all there, or its beginning, as of a disk that is full."""
        whole = cast("TextVersion", attempted).text
        return content == whole or is_beginning(content, whole)

    def take_in(self, base: TextVersion, content: str, said: TextVersion) -> None:
        """Merge by lines: another program has nothing of what was typed and is not saved."""
        present = str(self._text)
        self._make(splice(present, carried(said.text, content, present)))

    def reunite(self, base: ContentVersion, content: str) -> None:
        """Merge by lines; what both have beyond the base is there once."""
        present = str(self._text)
        self._make(splice(present, reunited(cast("TextVersion", base).text, content, present)))

    async def ready(self) -> None:
        """Return at once: nobody holds a transaction over an await."""

    def content_of(self, update: bytes) -> str:
        """Return what a page's text says."""
        page: Doc[Any] = Doc()
        page.apply_update(update)
        return str(page.get("source", type=Text))

    def version_in(self, update: bytes) -> TextVersion:
        """Return the text that a document holds."""
        return TextVersion(self.content_of(update))

    def join(self, update: bytes, base: ContentVersion) -> list[str]:
        """Bring a page of another history and the text together."""
        typed = self.content_of(update)
        present = str(self._text)
        wanted = splice(present, reunited(cast("TextVersion", base).text, typed, present))
        self._room.ydoc.apply_update(update)
        self._make(wanted)
        return []

    def _make(self, wanted: str) -> None:
        present = str(self._text)
        if present != wanted:
            with self._room.ydoc.transaction(origin=REJOIN_ORIGIN):
                splice_shared(self._text, differences(present, wanted))

    def feed(self, update: bytes) -> None:
        """Nothing is taken out of its place in a text."""

    def settle(self) -> None:
        """Nothing is taken out of its place in a text."""

    def return_typing(self, update: bytes, ours: bytes, base: ContentVersion | None) -> list[str]:
        """Nothing is taken out of its place in a text."""
        return []

    def left_behind(self, update: bytes) -> LeftBehind | None:
        """Nothing is taken out of its place in a text."""
        return None

    def close(self) -> None:
        """Nothing follows the document."""


async def version_aside(kind: DocumentKind, content: Any) -> ContentVersion:  # noqa: ANN401
    """Return the version of a file's content that nobody changes, in a thread where it is long."""
    if isinstance(content, dict) and takes_long(content):
        return await asyncio.to_thread(in_short_turns, kind.version_of, content)
    return kind.version_of(content)


def kind_of(room: LiveRoom) -> DocumentKind | None:
    """Return what is particular to a room's document; None for kinds of other extensions."""
    if room.file_type == "notebook":
        return NotebookKind(room)
    if room.file_type == "file" and room.file_format == "text":
        return TextKind(room)
    return None


def marks_of(update: bytes) -> PageMarks:
    """Return what a page's document says of itself."""
    page: Doc[Any] = Doc()
    page.apply_update(update)
    return PageMarks.of(page)


def _whole(document: YNotebook) -> dict[str, dict[str, Any]]:
    """Return the cells of a notebook by id, in their order; one of nbformat 4.4 has ids as well."""
    found = document.get(deduplicate=False)["cells"]
    ids = [str(cell["id"]) for cell in document.ycells]
    return {i: cell | {"id": i} for i, cell in zip(ids, found, strict=True)}


def _document(room: LiveRoom, update: bytes | None = None) -> Any:  # noqa: ANN401
    document = ydocs[room.file_type](Doc())
    if isinstance(document, NotebookDocument):
        document.know_like(cast("NotebookDocument", room.document))
    if update is not None:
        document.ydoc.apply_update(update)
    return document
