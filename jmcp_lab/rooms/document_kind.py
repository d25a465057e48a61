"""What a room needs to know about the kind of its document: a notebook, or a text."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any, Protocol

from ..server.heavy_work import in_short_turns, takes_long

if TYPE_CHECKING:
    from ..notebooks.live_notebook import LiveNotebook
    from .content_versions import ContentVersion


class CellsLeftBehind(Protocol):
    """Cells that were removed while a page was away, and that the page still shows."""

    def feed(self, update: bytes) -> list[str]:
        """Merge what a later update of the page has typed; return messages about restored cells."""


class DocumentKind(Protocol):
    """The operations that differ between kinds of document."""

    @property
    def notebook(self) -> LiveNotebook | None:
        """The notebook; None for a text."""

    def version_of(self, content: Any) -> ContentVersion:  # noqa: ANN401
        """Return the version of a file's content."""

    def unpack(self, data: bytes) -> ContentVersion:
        """Return the version that was stored on disk."""

    def was_left_by(self, attempted: ContentVersion, content: Any) -> bool:  # noqa: ANN401
        """Return whether a failed save of `attempted` can have left this content in the file."""

    def merge_file(self, base: Any, content: Any, stored: Any) -> None:  # noqa: ANN401
        """Merge what another program changed in the file into the document.

        Parameters
        ----------
        base : ContentVersion
            The file as of its last sync with the document.
        content : object
            The file now.
        stored : ContentVersion
            How the file represented `base`.
        """

    def merge_overlapping(self, base: ContentVersion, content: Any) -> None:  # noqa: ANN401
        """Merge a file into a document that may already contain part of the file's changes."""

    async def ready(self) -> None:
        """Return when the document can be written."""

    def content_of(self, update: bytes) -> Any:  # noqa: ANN401
        """Return a page's document in the form that a file has."""

    def version_in(self, update: bytes) -> ContentVersion:
        """Return the version that a document holds, with the cell ids that it uses."""

    def merge_page(self, update: bytes, base: ContentVersion) -> list[str]:
        """Merge a page that has another Yjs history into the document.

        Returns
        -------
        list of str
            Messages for the agents.
        """

    def before_update(self, update: bytes) -> None:
        """Inspect a page's update just before the document applies it."""

    def after_update(self) -> None:
        """Repair the effects of a page's update just after the document has applied it."""

    def restore_typing(self, update: bytes, ours: bytes, base: ContentVersion | None) -> list[str]:
        """Restore text that one side typed into cells that the other side removed.

        Parameters
        ----------
        update : bytes
            Everything that the page had.
        ours : bytes
            Everything that the document had of the same Yjs history before the merge.
        base : ContentVersion or None
            The version of the file that the page was last synced with, if it is known.

        Returns
        -------
        list of str
            Messages for the agents.
        """

    def cells_left_behind(self, update: bytes) -> CellsLeftBehind | None:
        """Return the page's cells that the document no longer has after their merge."""

    def close(self) -> None:
        """Stop following the document."""


async def version_aside(kind: DocumentKind, content: Any) -> ContentVersion:  # noqa: ANN401
    """Return the version of a content that nothing mutates; use a thread for a long one."""
    if isinstance(content, dict) and takes_long(content):
        return await asyncio.to_thread(in_short_turns, kind.version_of, content)
    return kind.version_of(content)
