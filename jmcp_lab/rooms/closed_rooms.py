"""The notebooks of a server whose packages do not fit ours: agents get none of them.

Pages share their documents through jupyter-server-ydoc as it is. What an agent wrote into a file
meanwhile would be behind these documents, and their next save would undo it, or it would take what
a person typed. So whatever needs a document, or changes a file, is refused with the reason.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NoReturn

from ..errors import UnavailableError
from .notices import Notices
from .troubles import Troubles

if TYPE_CHECKING:
    from collections.abc import Callable
    from contextlib import AbstractContextManager

    from ..notebooks.live_notebook import LiveNotebook
    from ..notebooks.shared_text import LiveText


class ClosedRooms:
    """Refuses every notebook; see `Backend`.

    Parameters
    ----------
    why : str
        What agents are told.
    idle_seconds : float
    """

    def __init__(self, why: str, idle_seconds: float) -> None:
        self._why = why
        self.idle_seconds = idle_seconds
        self.notices = Notices()
        self.texts = ClosedTexts(why)
        self.ring: Callable[[], None] = lambda: None

    def _refuse(self) -> NoReturn:
        raise UnavailableError(self._why)

    async def open(self, path: str) -> LiveNotebook:
        """Refuse."""
        self._refuse()

    async def open_file(self, file_id: str, path: str) -> LiveNotebook:
        """Refuse."""
        self._refuse()

    def place_of(self, file_id: str) -> str | None:
        """Return nothing: no file is followed."""
        return None

    def find(self, path: str) -> LiveNotebook | None:
        """Return nothing: none is open for agents."""
        return None

    def paths_open(self) -> set[str]:
        """Return none."""
        return set()

    def check(self, notebook: LiveNotebook) -> None:
        """Refuse."""
        self._refuse()

    def standing(self, notebook: LiveNotebook) -> list[str]:
        """Return nothing: what there is to say was said by the refusal."""
        return []

    def lease(self, notebook: LiveNotebook) -> AbstractContextManager[None]:
        """Refuse."""
        self._refuse()

    async def prepare(self, notebook: LiveNotebook, *, edits: bool) -> None:
        """Refuse."""
        self._refuse()

    async def written(self, notebook: LiveNotebook) -> str | None:
        """Return nothing: nothing was written."""
        return None

    def listen(self) -> None:
        """Do nothing."""

    def troubles(self) -> Troubles:
        """Return none."""
        return Troubles()

    async def save(self, notebook: LiveNotebook) -> None:
        """Refuse."""
        self._refuse()

    async def stop(self, seconds: float = 2.0) -> None:
        """Do nothing: pages' documents end with jupyter-server-ydoc."""


class ClosedTexts:
    """Lets text files be read as they were saved last, and refuses to change them; see `Texts`.

    Parameters
    ----------
    why : str
    """

    def __init__(self, why: str) -> None:
        self._why = why

    def find(self, path: str) -> LiveText | None:
        """Return nothing: the document that a page may have is not ours to read."""
        return None

    async def prepare(self, path: str) -> None:
        """Refuse: a page may have the file open live."""
        raise UnavailableError(self._why)

    def written(self, path: str) -> None:
        """Do nothing: nothing is written."""

    def unsaved(self, path: str) -> str | None:
        """Return nothing."""
        return None
