"""Plays the same restarts with a room of plain jupyter-server-ydoc, for comparison."""

from __future__ import annotations

import asyncio
import sqlite3
from contextlib import closing
from typing import TYPE_CHECKING, Any, cast

from jupyter_server_ydoc.loaders import FileLoaderMapping
from jupyter_server_ydoc.rooms import DocumentRoom
from jupyter_server_ydoc.stores import SQLiteYStore
from jupyter_ydoc import YNotebook
from pycrdt import Doc

from jmcp_lab.notebooks.live_notebook import LiveNotebook
from jmcp_lab.rooms.upstream.ydoc_server import room_id

from .restarts import Restarts

if TYPE_CHECKING:
    from .files import Files

WRITE_SECONDS = 0.005
"""Seconds that the store needs to write its updates."""


class UpstreamRoom(DocumentRoom):  # type: ignore[misc]  # its base has no types
    """A room of jupyter-server-ydoc with the attributes that the schedules need."""

    notebook: LiveNotebook

    @property
    def document(self) -> YNotebook:
        return self._document


class UpstreamRestarts(Restarts):
    """One notebook over restarts of a server without jmcp_lab.

    Pages may reconnect, as on a server that knows the sessions of the server before it.
    """

    room: Any

    def __init__(self, files: Files, folder: str) -> None:
        super().__init__(files, folder)
        self.loaders = FileLoaderMapping(
            {"contents_manager": files.manager, "file_id_manager": files.ids}, files.log
        )

    async def starts(self) -> None:
        if self.up:
            return
        file_id = self.files.ids.index(self.path)
        self.store.parent.mkdir(exist_ok=True)
        store = SQLiteYStore(path="a", log=self.files.log)
        store.db_path = str(self.store)
        self.room = UpstreamRoom(
            room_id(file_id),
            "json",
            "notebook",
            self.loaders[file_id],
            self.files.events,
            store,
            self.files.log,
            None,
        )
        self.running = asyncio.create_task(self.room.start())
        await self.room.started.wait()
        await self.room.initialize()
        await self.room.ydoc_observed.wait()
        document = cast("YNotebook", self.room.document)
        self.room.notebook = LiveNotebook(document, lambda: self.path, file_id)

    async def is_killed(self) -> None:
        if self.up:
            alive = self.known() | self.in_memory()
            await self._close()
            self.loose |= alive - self.known()

    async def ends(self) -> None:
        if self.up:
            await self.flushes()
            await self.saves()
            await self._close()

    async def _close(self) -> None:
        for page in self.pages:
            await self.cuts(page)
        if self.room._saving_document is not None:
            self.room._saving_document.cancel()
        self.room.notebook.close()
        await self._leave()
        await self.room.ystore.stop()

    async def _forget_loader(self) -> None:
        await self.loaders.remove(self.room.room_id.rsplit(":", 1)[-1])

    async def backs_up(self) -> None:
        if self.up:
            await self.flushes()
            self.backup.unlink(missing_ok=True)
            with closing(sqlite3.connect(self.store)) as connection:
                connection.execute("VACUUM INTO ?", (str(self.backup),))

    async def flushes(self) -> None:
        if self.up:
            await asyncio.sleep(WRITE_SECONDS)

    async def saves(self) -> None:
        if self.up and (task := self.room._save_to_disc()) is not None:
            await task

    def _in_history(self) -> list[str]:
        if self.up or not self.store.exists():
            return []
        with closing(sqlite3.connect(self.store)) as connection:
            rows = [
                *connection.execute("SELECT checkpoint FROM ycheckpoints"),
                *connection.execute("SELECT yupdate FROM yupdates ORDER BY timestamp"),
            ]
        document: Doc[Any] = Doc()
        for (data,) in rows:
            document.apply_update(data)
        return self.written_in(YNotebook(document).ycells)
