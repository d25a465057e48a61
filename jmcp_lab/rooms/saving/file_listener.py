"""What the code that follows a file tells the room of its document."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from ..content_versions import ContentVersion
    from ..document_kind import DocumentKind


class FileListener(Protocol):
    """Hears what happens to the file of a document."""

    @property
    def kind(self) -> DocumentKind | None:
        """The kind of the document; None once it is closed."""

    async def about_to_write(self, version: ContentVersion) -> None:
        """Store what leads to a version of the file before that version is written."""

    async def file_synced(self, found: str | None, version: ContentVersion) -> None:
        """Record that the document contains everything that the file contains."""

    def announce_merge(self) -> None:
        """Announce that another program's changes to the file were merged."""

    def announce_copy(self, copy: str, why: str) -> None:
        """Announce that another version of the document was saved as a separate file."""

    def announce_invalid_file(self, why: str) -> None:
        """Announce that the notebook's file is no longer a valid notebook."""

    def save_soon(self) -> None:
        """Schedule a save."""
