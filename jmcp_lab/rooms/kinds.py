"""The behaviour of a room that differs between notebooks and text files."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, cast

from jupyter_ydoc import ydocs
from pycrdt import Doc, Text

from ..codec.fingerprint import Version
from ..files.cut_off import is_beginning
from ..notebooks.carets import carets_in
from ..notebooks.first_cell import make_way
from ..notebooks.live_notebook import LiveNotebook
from ..notebooks.notebook_document import NotebookDocument
from ..notebooks.shared_text import splice_shared
from ..text.overlapping_merge import merge_overlapping
from ..text.rebase import rebase
from ..text.three_way_merge import splice
from .content_versions import ContentVersion, TextVersion
from .external_changes import merge_file
from .pages.late_edits import LateEdits
from .pages.rejoin import (
    REJOIN_ORIGIN,
    LeftBehind,
    adopt,
    differences,
    merged_content,
    removed_while_away,
    restored_messages,
    typed_into_removed,
)
from .sync_messages import clients_ahead

if TYPE_CHECKING:
    from jupyter_ydoc import YNotebook, YUnicode

    from .document_kind import DocumentKind
    from .pages.pages_room import PagesRoom


class NotebookKind:
    """A notebook in a room.

    Parameters
    ----------
    room : PagesRoom
    """

    def __init__(self, room: PagesRoom) -> None:
        self._room = room
        file_id = room.room_id.rsplit(":", 1)[-1]
        self.notebook = LiveNotebook(cast("YNotebook", room.document), lambda: room.path, file_id)
        self.notebook.together = room.one_message
        # The awareness state of a user who has left stays for half a minute.
        self.notebook.carets = lambda: carets_in(room) if room.pages else set()
        self.late = LateEdits(
            self.notebook,
            lambda: room.typed_in,
            room.notify_agents,
            shared=lambda: room.typed_elsewhere,
        )

    def version_of(self, content: dict[str, Any]) -> Version:
        """Return the version of a notebook in nbformat form."""
        return Version.of(content)

    def unpack(self, data: bytes) -> Version:
        """Return the version that was stored on disk."""
        return Version.unpack(data)

    def was_left_by(self, attempted: ContentVersion, content: dict[str, Any]) -> bool:
        """Return whether the file is complete; a truncated notebook is not a notebook."""
        return Version.of(content).digest == attempted.digest

    def merge_file(self, base: Version, content: dict[str, Any], stored: Version) -> None:
        """Merge by cells and lines."""
        document = self._room.document
        if base.ids is None and Version.of(document.get()) == base:
            # A notebook of an old format has no cell ids. It needs none while no cells must be told
            # apart.
            document.set(content)
        else:
            merge_file(self.notebook, base, content, stored=stored)

    def merge_overlapping(self, base: ContentVersion, content: dict[str, Any]) -> None:
        """Merge by cells and lines; keep once what both sides added to the base."""
        merge_file(self.notebook, cast("Version", base), content, merge_overlapping)

    async def ready(self) -> None:
        """Return when no transaction is open."""
        await self.notebook.ready()

    def content_of(self, update: bytes) -> Any:  # noqa: ANN401
        """Return the content of a page's notebook."""
        return _document(self._room, update).get()

    def version_in(self, update: bytes) -> Version:
        """Return the version that a document holds; it has ids even for nbformat 4.4 cells."""
        document = _document(self._room, update)
        return Version.of(document.get(deduplicate=False) | {"cells": [*_whole(document).values()]})

    def merge_page(self, update: bytes, base: ContentVersion) -> list[str]:
        """Merge a page that has another Yjs history into the notebook."""
        page = _document(self._room, update)
        found = LiveNotebook(cast("YNotebook", page), lambda: "", self.notebook.file_id)
        alone = self._is_blank and self.notebook.blank not in found.ids
        try:
            wanted = merged_content(
                self.notebook, found, cast("Version", base), lambda: _document(self._room)
            )
        finally:
            found.close()
        adopt(self.notebook, update, *wanted)
        if alone:
            make_way(self.notebook, REJOIN_ORIGIN)
        return []

    def before_update(self, update: bytes) -> None:
        """Record edits to a removed cell, so that they can be found later."""
        self.late.before_update(update)

    def after_update(self) -> None:
        """Repair a page's edit of a cell that was moved or deleted in the meantime."""
        if self.notebook.busy:
            self._room.call_later(0.05, self.after_update)
            return
        self.late.after_update()

    def restore_typing(self, update: bytes, ours: bytes, base: ContentVersion | None) -> list[str]:
        """Find the cells that one side removed, and what the other side typed into them."""
        alone = self._is_blank
        theirs = self._return(update, ours, cast("Version | None", base))
        mine = self._return(ours, update, cast("Version | None", base))
        if base is not None:
            named = cast("Version", base).named([])
            self.late.join_doubles({cell_id: cell.source for cell_id, cell in named.items()})
        if alone:
            make_way(self.notebook, REJOIN_ORIGIN)
        return restored_messages(self.notebook, theirs + mine)

    def cells_left_behind(self, update: bytes) -> LeftBehind | None:
        """Return the page's cells that the notebook no longer has after their merge."""
        page = _document(self._room, update)
        gone = removed_while_away(page.ydoc, self.notebook.ydoc.get_update())
        if not gone:
            return None
        page = _document(self._room, update)
        return LeftBehind(self.notebook, page.ydoc, _whole(page), gone)

    def _return(self, one: bytes, other: bytes, base: Version | None) -> list[str]:
        gone = removed_while_away(_document(self._room, one).ydoc, other)
        if not gone or not clients_ahead(one, other):
            # A side without any update that the other lacks has typed nothing into these cells.
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
    room : PagesRoom
    """

    def __init__(self, room: PagesRoom) -> None:
        self._room = room

    @property
    def notebook(self) -> None:
        """None: a text is no notebook."""
        return None

    @property
    def _text(self) -> Text:
        document = cast("YUnicode", self._room.document)
        return cast("Text", document.ydoc.get("source", type=Text))

    def version_of(self, content: str) -> TextVersion:
        """Return the version of a text."""
        return TextVersion(content)

    def unpack(self, data: bytes) -> TextVersion:
        """Return the version that was stored on disk."""
        return TextVersion.unpack(data)

    def was_left_by(self, attempted: ContentVersion, content: str) -> bool:
        """Return whether the content is the whole text or, as after a full disk, a prefix."""
        whole = cast("TextVersion", attempted).text
        return content == whole or is_beginning(content, whole)

    def merge_file(self, base: TextVersion, content: str, stored: TextVersion) -> None:
        """Merge by lines; another program has none of the unsaved text."""
        present = str(self._text)
        self._make(splice(present, rebase(stored.text, content, present)))

    def merge_overlapping(self, base: ContentVersion, content: str) -> None:
        """Merge by lines; keep once what both sides added to the base."""
        present = str(self._text)
        self._make(
            splice(present, merge_overlapping(cast("TextVersion", base).text, content, present))
        )

    async def ready(self) -> None:
        """Return at once: no code keeps a transaction of a text open across an await."""

    def content_of(self, update: bytes) -> str:
        """Return the content of a page's text file."""
        page: Doc[Any] = Doc()
        page.apply_update(update)
        return str(page.get("source", type=Text))

    def version_in(self, update: bytes) -> TextVersion:
        """Return the text that a document holds."""
        return TextVersion(self.content_of(update))

    def merge_page(self, update: bytes, base: ContentVersion) -> list[str]:
        """Merge a page that has another Yjs history into the text."""
        typed = self.content_of(update)
        present = str(self._text)
        wanted = splice(present, merge_overlapping(cast("TextVersion", base).text, typed, present))
        self._room.ydoc.apply_update(update)
        self._make(wanted)
        return []

    def _make(self, wanted: str) -> None:
        present = str(self._text)
        if present != wanted:
            with self._room.ydoc.transaction(origin=REJOIN_ORIGIN):
                splice_shared(self._text, differences(present, wanted))

    def before_update(self, update: bytes) -> None:
        """Do nothing: a text has no cells that could be moved or removed."""

    def after_update(self) -> None:
        """Do nothing: a text has no cells that could be moved or removed."""

    def restore_typing(self, update: bytes, ours: bytes, base: ContentVersion | None) -> list[str]:
        """Return no messages: a text has no cells that could be moved or removed."""
        return []

    def cells_left_behind(self, update: bytes) -> LeftBehind | None:
        """Return None: a text has no cells that could be moved or removed."""
        return None

    def close(self) -> None:
        """Do nothing: a text kind does not follow its document."""


def kind_of(room: PagesRoom) -> DocumentKind | None:
    """Return the `DocumentKind` of a room's document; None for kinds of other extensions."""
    if room.file_type == "notebook":
        return NotebookKind(room)
    if room.file_type == "file" and room.file_format == "text":
        return TextKind(room)
    return None


def _whole(document: YNotebook) -> dict[str, dict[str, Any]]:
    """Return the cells of a notebook by id, in order; nbformat 4.4 cells get their ids as well."""
    found = document.get(deduplicate=False)["cells"]
    ids = [str(cell["id"]) for cell in document.ycells]
    return {i: cell | {"id": i} for i, cell in zip(ids, found, strict=True)}


def _document(room: PagesRoom, update: bytes | None = None) -> Any:  # noqa: ANN401
    document = ydocs[room.file_type](Doc())
    if isinstance(document, NotebookDocument):
        document.know_like(cast("NotebookDocument", room.document))
    if update is not None:
        document.ydoc.apply_update(update)
    return document
