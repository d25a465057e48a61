"""The live documents of jupyter-server-documents, where it is there instead of jupyter-server-ydoc.

It makes the document what the file says as soon as the file is newer, and what was typed in the
last second is gone. So nothing is written into the file of a notebook that it has open: changes
are merged into its document, without an await in between, and it saves them as it saves what is
typed. Read in 0.3.3: `YRoomManager.has_room()`, `get_room()`; `YRoom.get_jupyter_ydoc()`,
`add_stop_callback()`, `file_api.content_loaded`, `file_api.has_unsaved_changes`.
"""

from __future__ import annotations

import asyncio
import logging
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from ..notebooks.live_notebook import LiveNotebook
from ..notebooks.notebook_document import NotebookDocument
from .external_changes import take_in

if TYPE_CHECKING:
    from collections.abc import Iterator

    from jupyter_server.serverapp import ServerApp
    from jupyter_ydoc import YUnicode

    from ..codec.fingerprint import Version

SAVE_SECONDS = 3.0
LOOK_SECONDS = 0.05
"""How long it may take until the other one has saved, and how often that is looked at."""

_log = logging.getLogger("jmcp_lab")


class Peer:
    """One notebook that somebody else keeps live."""

    def __init__(
        self,
        room: Any,  # noqa: ANN401 - not ours
        theirs: Any,  # noqa: ANN401
        file_id: str,
    ) -> None:
        self._room = room
        self.theirs = theirs
        # Another view of the same Yjs document, with what our own models can do.
        self.notebook = LiveNotebook(NotebookDocument(theirs.ydoc), lambda: "", file_id)

    @property
    def mark(self) -> str:
        """What is another one after each change."""
        return f"live {id(self.notebook)} {self.notebook.changes}"

    def content(self) -> dict[str, Any]:
        """Return the notebook as it is at this moment."""
        content: dict[str, Any] = self.notebook.document.get()
        return content

    def put(self, base: Version, content: dict[str, Any]) -> None:
        """Bring what `content` changed since `base` into the document. Nothing is awaited."""
        take_in(self.notebook, base, content)

    async def saved(self) -> None:
        """Return when the document is saved, or at the latest after `SAVE_SECONDS`."""
        loop = asyncio.get_running_loop()
        end = loop.time() + SAVE_SECONDS
        # There is no event for it.
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
        self._complained = False

    async def find(self, file_id: str) -> Peer | None:
        """Return a notebook that pages have open live, or None."""
        with self._as_expected():
            return await self._find(file_id)
        return None

    async def find_text(self, file_id: str) -> None:
        """Look whether pages have a text file open live; `text` returns it then."""
        with self._as_expected():
            await self._find_text(file_id)

    @contextmanager
    def _as_expected(self) -> Iterator[None]:
        try:
            yield
        except (AttributeError, RuntimeError, KeyError, TypeError):
            # Another version. The file is left, and what pages say of what is not saved.
            if not self._complained:
                _log.warning("jupyter-server-documents is not as expected", exc_info=True)
            self._complained = True

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
            # Its end puts things into the document that are no cells.
            room.add_stop_callback(lambda: self._close(file_id))
        await peer.notebook.ready()
        return peer

    def _close(self, file_id: str) -> None:
        peer = self._open.pop(file_id, None)
        if peer is not None:
            peer.notebook.close()

    # -- text files ----------------------------------------------------------------------------

    def text(self, file_id: str) -> YUnicode | None:
        """Return a text file that `find_text` has found, as long as pages have it open."""
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
