"""Provides files and rooms of notebooks as a Jupyter server has them, without a server."""

from __future__ import annotations

import logging
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

from jupyter_events import EventLogger
from jupyter_server import DEFAULT_EVENTS_SCHEMA_PATH
from jupyter_server.services.contents.largefilemanager import LargeFileManager
from jupyter_server_fileid.manager import ArbitraryFileIdManager
from jupyter_server_ydoc.loaders import FileLoaderMapping
from jupyter_server_ydoc.utils import EVENTS_SCHEMA_PATH
from nbformat.sign import MemorySignatureStore, NotebookNotary

from jmcp_lab.notebooks.notebook_document import register
from jmcp_lab.rooms.history.document_store import DocumentStore
from jmcp_lab.rooms.history.stored_history import Stored
from jmcp_lab.rooms.live_room import LiveRoom
from jmcp_lab.rooms.notices import CONTENTS_EVENTS
from jmcp_lab.rooms.upstream.ydoc_server import Upstream


class NoStore(DocumentStore):
    """A store without a history, as if another server had it."""

    async def open(self) -> Stored:
        return Stored()


class Files:
    """A contents manager with file ids and loaders, connected as their extensions do it.

    Nothing happens automatically: no file is checked and nothing is saved until a test does it.
    """

    def __init__(self, root: Path) -> None:
        register()
        self.root = root
        self.events = EventLogger()
        self.events.register_event_schema(DEFAULT_EVENTS_SCHEMA_PATH / "contents_service/v1.yaml")
        self.events.register_event_schema(EVENTS_SCHEMA_PATH)
        self.log = logging.getLogger("files")
        # Some tests provoke failed saves.
        self.log.setLevel(logging.CRITICAL)
        self.manager = LargeFileManager(
            root_dir=str(root),
            event_logger=self.events,
            notary=NotebookNotary(store_factory=MemorySignatureStore, secret=b"secret"),
        )
        self.ids = ArbitraryFileIdManager(db_path=":memory:", root_dir=str(root), log=self.log)
        self.loaders = FileLoaderMapping(
            {"contents_manager": self.manager, "file_id_manager": self.ids}, self.log
        )
        extension = SimpleNamespace(file_loaders=self.loaders)
        apps = {"jupyter_server_ydoc": [extension]}
        server = SimpleNamespace(extension_manager=SimpleNamespace(extension_apps=apps))
        self.upstream = Upstream(cast("Any", server), LiveRoom)
        self.upstream.follow_files()

    async def _listen(self, logger: object, schema_id: str, data: dict[str, Any]) -> None:
        """Let the ids follow the files, as jupyter-server-fileid does."""
        handler = self.ids.get_handlers_by_action()[data["action"]]
        if handler:
            handler(data)

    async def open(
        self, path: str, store: Path | None = None, *, kind: tuple[str, str] = ("json", "notebook")
    ) -> LiveRoom:
        file_id = self.ids.index(path)
        loader = self.loaders[file_id]
        name = f"{kind[0]}:{kind[1]}:{file_id}"
        room = LiveRoom(name, *kind, loader, self.events, None, self.log, None)
        room.ystore = room.store = DocumentStore(store) if store else NoStore(self.root)
        await room.initialize()
        return room

    async def close(self, room: LiveRoom) -> None:
        await room.stop()
        await self.loaders.remove(room.room_id.rsplit(":", 1)[-1])

    async def rename(self, old: str, new: str) -> None:
        """Rename a file, and wait until its id follows."""
        # A permanent listener would handle an event for each look at a file, which nobody needs.
        self.events.add_listener(schema_id=CONTENTS_EVENTS, listener=cast("Any", self._listen))
        self.manager.rename(old, new)
        self.events.remove_listener(listener=cast("Any", self._listen))
        await self.events.gather_listeners()
