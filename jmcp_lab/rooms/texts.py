"""Text files that pages may have open."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

from ..errors import UnavailableError
from ..notebooks.shared_text import LiveText
from .notices import text_not_saved

if TYPE_CHECKING:
    from collections.abc import Callable

    from .live_room import LiveRoom
    from .other_documents import Peers
    from .unshared_pages import Pages
    from .upstream.ydoc_server import Upstream

ASK_SECONDS = 3.0
"""Maximum seconds that a page gets to save what a person typed."""


class Texts(Protocol):
    """What tools need to know about text files that pages may have open."""

    def find(self, path: str) -> LiveText | None:
        """Return a text file that a page has open live; None if the file on disk is current."""

    async def prepare(self, path: str) -> None:
        """Fetch changes that pages have not shared yet, before a call changes the file.

        Raises
        ------
        UnavailableError
            A page keeps unsaved input that it does not share.
        """

    def written(self, path: str) -> None:
        """Tell pages that the content of the file has changed."""

    def unsaved(self, path: str) -> str | None:
        """Return a message why the open text is not in the file, if a save has failed."""


class LiveTexts:
    """Text files that jupyter-server-ydoc keeps live while pages have them open."""

    def __init__(self, upstream: Upstream[LiveRoom]) -> None:
        self._upstream = upstream

    def find(self, path: str) -> LiveText | None:
        """See `Texts`."""
        document = self._upstream.text(path)
        return None if document is None else LiveText(document)

    async def prepare(self, path: str) -> None:
        """Do nothing: pages share typed text at once."""

    def written(self, path: str) -> None:
        """Do nothing: a file without a live document is not open in any page."""

    def unsaved(self, path: str) -> str | None:
        """See `Texts`."""
        room = self._upstream.text_room(path)
        if room is None or room.autosave.failure is None:
            return None
        return text_not_saved(path, room.autosave.failure)


class FileTexts:
    """Text files that pages have open on their own, or through jupyter-server-documents.

    Parameters
    ----------
    pages : Pages
    peers : Peers or None
    file_id : callable
        Returns the id of the file at a path, or None.
    """

    def __init__(
        self, pages: Pages, peers: Peers | None, file_id: Callable[[str], str | None]
    ) -> None:
        self._pages = pages
        self._peers = peers
        self._file_id = file_id

    def find(self, path: str) -> LiveText | None:
        """See `Texts`."""
        file_id = None if self._peers is None else self._file_id(path)
        if self._peers is None or file_id is None:
            return None
        document = self._peers.text(file_id)
        return None if document is None else LiveText(document)

    async def prepare(self, path: str) -> None:
        """See `Texts`."""
        file_id = None if self._peers is None else self._file_id(path)
        if self._peers is not None and file_id is not None:
            await self._peers.find_text(file_id)
        if not await self._pages.saved(path, ASK_SECONDS):
            raise UnavailableError(
                f"'{path}' has unsaved changes in JupyterLab, so nothing was changed. Ask the user "
                "to save the file (Ctrl+S), then call again."
            )

    def written(self, path: str) -> None:
        """See `Texts`."""
        self._pages.wrote(path)

    def unsaved(self, path: str) -> str | None:
        """Return None: a call whose write fails reports that itself."""
        return None
