"""Pages that do not share the documents which they show."""

from __future__ import annotations

from typing import Protocol


class Pages(Protocol):
    """What files alone need to know of pages that do not share the document."""

    def unsaved(self, path: str) -> bool:
        """Return whether a page has unsaved changes in a notebook or a text file."""

    def paths(self) -> set[str]:
        """Return the paths of the notebooks that pages have open."""

    def editing(self, path: str) -> set[str]:
        """Return the ids of a notebook's cells in which pages have the caret."""

    def running(self, path: str) -> set[str]:
        """Return the ids of a notebook's cells that pages are running."""

    async def saved(self, path: str, seconds: float) -> bool:
        """Ask pages to save a file; return whether nothing of it is unsaved in the end."""

    def wrote(self, path: str) -> None:
        """Tell pages that a file has another content now."""
