"""Use the live documents of jupyter-server-documents if it replaces jupyter-server-ydoc.

jupyter-server-documents overwrites the document as soon as the file is newer, which loses the last
second of typing. So this module never writes the file of a notebook that it has open. Instead it
merges changes into its document, without an await in between, and jupyter-server-documents saves
them like typed text. Taken from the source of 0.3.3: `YRoomManager.has_room()`, `get_room()`;
`YRoom.get_jupyter_ydoc()`, `add_stop_callback()`, `file_api.content_loaded`,
`file_api.has_unsaved_changes`.
"""

from __future__ import annotations

import asyncio
import logging
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from ..notebooks.live_notebook import LiveNotebook
from ..notebooks.notebook_document import NotebookDocument
from .external_changes import merge_file

if TYPE_CHECKING:
    from collections.abc import Iterator

    from jupyter_server.serverapp import ServerApp
    from jupyter_ydoc import YUnicode

    from ..codec.fingerprint import Version

SAVE_SECONDS = 3.0
LOOK_SECONDS = 0.05
"""Seconds between two checks whether the other extension has saved; `SAVE_SECONDS` is the maximum.
"""

_log = logging.getLogger("jmcp_lab")


class Peer:
    """One notebook that jupyter-server-documents keeps live."""

    def __init__(
        self,
        room: Any,  # noqa: ANN401 - not ours
        theirs: Any,  # noqa: ANN401
        file_id: str,
    ) -> None:
        self._room = room
        self.theirs = theirs
        # This is a second view of the same Yjs document, with the features of our own models.
        self.notebook = LiveNotebook(NotebookDocument(theirs.ydoc), lambda: "", file_id)

    @property
    def mark(self) -> str:
        """A token that differs after each change."""
        return f"live {id(self.notebook)} {self.notebook.changes}"

    def content(self) -> dict[str, Any]:
        """Return the notebook's current content."""
        content: dict[str, Any] = self.notebook.document.get()
        return content

    def put(self, base: Version, content: dict[str, Any]) -> None:
        """Merge the changes from `base` to `content` into the document, without awaiting."""
        merge_file(self.notebook, base, content)

    async def saved(self) -> None:
        """Return when the document is saved, or at the latest after `SAVE_SECONDS`."""
        loop = asyncio.get_running_loop()
        end = loop.time() + SAVE_SECONDS
        # The extension emits no event for it.
        while self._room.file_api.has_unsaved_changes and loop.time() < end:  # noqa: ASYNC110
            await asyncio.sleep(LOOK_SECONDS)


class Peers:
    """The notebooks that jupyter-server-documents has open.

    Parameters
    ----------
    serverapp : ServerApp
    """

    def __init__(self, serverapp: ServerApp) -> None:
        self._serverapp = serverapp
        self._open: dict[str, Peer] = {}
        self._texts: dict[str, YUnicode] = {}
        self._warned = False

    async def find(self, file_id: str) -> Peer | None:
        """Return a notebook that pages have open live, or None."""
        with self._as_expected():
            return await self._find(file_id)
        return None

    async def find_text(self, file_id: str) -> None:
        """Look for a text file that pages have open live; `text` returns it afterwards."""
        with self._as_expected():
            await self._find_text(file_id)

    @contextmanager
    def _as_expected(self) -> Iterator[None]:
        try:
            yield
        except (AttributeError, RuntimeError, KeyError, TypeError):
            # It is another version of the extension. Fall back to the file, and to what pages
            # report as unsaved.
            if not self._warned:
                _log.warning("jupyter-server-documents is not of a known version", exc_info=True)
            self._warned = True

    async def _find(self, file_id: str) -> Peer | None:
        manager: Any = self._serverapp.web_app.settings.get("yroom_manager")
        name = f"json:notebook:{file_id}"
        if manager is None or not manager.has_room(name):
            self._close(file_id)
            return None
        room = manager.get_room(name)
        if not room.file_api.content_loaded:
            return None
        document = await room.get_jupyter_ydoc()
        peer = self._open.get(file_id)
        if peer is None or peer.theirs is not document:
            self._close(file_id)
            peer = Peer(room, document, file_id)
            self._open[file_id] = peer
            # When the room stops, it puts entries into the document that are not cells.
            room.add_stop_callback(lambda: self._close(file_id))
        await peer.notebook.ready()
        return peer

    def _close(self, file_id: str) -> None:
        peer = self._open.pop(file_id, None)
        if peer is not None:
            peer.notebook.close()

    # -- text files ----------------------------------------------------------------------------

    def text(self, file_id: str) -> YUnicode | None:
        """Return a text file that `find_text` has found, while pages have it open."""
        return self._texts.get(file_id)

    async def _find_text(self, file_id: str) -> None:
        manager: Any = self._serverapp.web_app.settings.get("yroom_manager")
        name = f"text:file:{file_id}"
        self._texts.pop(file_id, None)
        if manager is None or not manager.has_room(name):
            return
        room = manager.get_room(name)
        if room.file_api.content_loaded:
            self._texts[file_id] = await room.get_jupyter_ydoc()
            room.add_stop_callback(lambda: self._texts.pop(file_id, None))
