"""A room that we hold open, and the client by which we hold it."""

from __future__ import annotations

import asyncio
import time
from typing import TYPE_CHECKING

from .notices import replaced

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from ..files.contents import Contents, FileState
    from ..notebooks.live_notebook import LiveNotebook
    from .live_room import LiveRoom, RoomListener
    from .notices import Notices


class Lease:
    """A client that reads nothing and sends nothing, so that a room is not empty.

    jupyter-server-ydoc closes a room when the last websocket leaves and `room.clients` holds
    nobody else, and edits made through the closed room's document are lost without an error.
    """

    def __init__(self, path: str) -> None:
        self.path = path

    async def send(self, message: bytes) -> None:
        """Drop the message: we share the room's own document."""

    async def recv(self) -> bytes:
        """Wait for ever: nothing comes from here."""
        nothing: asyncio.Future[bytes] = asyncio.get_running_loop().create_future()
        return await nothing

    def __aiter__(self) -> AsyncIterator[bytes]:
        return self

    async def __anext__(self) -> bytes:
        return await self.recv()


class OpenRoom:
    """A room that we hold open, and when it was last used."""

    def __init__(self, room: LiveRoom, notebook: LiveNotebook, path: str) -> None:
        self.room = room
        self.notebook = notebook
        self.path = path
        self.names = {path}
        self.state: FileState | None = None
        self.lease = Lease(room.room_id)
        self.listener: RoomListener | None = None
        self.leases = 0
        self.used = time.monotonic()
        self.timer: asyncio.TimerHandle | None = None
        self.closing: asyncio.Task[None] | None = None

    async def meet(self, state: FileState, contents: Contents, news: Notices) -> None:
        """Take note of the file that is at the notebook's place, and tell if it is another one."""
        before, self.state = self.state, state
        if before is None or before.key is None or before.key == state.key:
            return
        # Most programs save by putting a new file in the place of the old one, which is gone then.
        elsewhere = await contents.find_key(before.key)
        if elsewhere is not None and await contents.alike(elsewhere, self.notebook.ids):
            news.add(self.notebook.file_id, replaced(self.path, elsewhere))

    @property
    def file_id(self) -> str:
        """The id that stays with the file when it is renamed."""
        return self.notebook.file_id

    def release(self) -> None:
        """Hear of the room no longer."""
        if self.timer is not None:
            self.timer.cancel()
            self.timer = None
        if self.listener in self.room.listeners:
            self.room.listeners.remove(self.listener)

    @property
    def needed(self) -> bool:
        """Whether somebody works with the room, or what was typed may still find its cell here."""
        return self.leases > 0 or self.room.late.waiting
