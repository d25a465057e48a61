"""A room that jmcp_lab keeps open, and the fake client that keeps it from closing."""

from __future__ import annotations

import asyncio
import time
from typing import TYPE_CHECKING

from .notices import replaced

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from ..files.contents import Contents, FileState
    from ..notebooks.live_notebook import LiveNotebook
    from .live_room import LiveRoom
    from .notices import Notices
    from .pages.pages_room import RoomListener


class Lease:
    """A client that neither reads nor sends, so that its room does not count as empty.

    jupyter-server-ydoc closes a room when the last websocket leaves and `room.clients` has no other
    member. Edits to the document of a closed room are lost without an error.
    """

    def __init__(self, path: str) -> None:
        self.path = path

    async def send(self, message: bytes) -> None:
        """Drop the message: we share the room's own document."""

    async def recv(self) -> bytes:
        """Wait for ever: this client never sends anything."""
        nothing: asyncio.Future[bytes] = asyncio.get_running_loop().create_future()
        return await nothing

    def __aiter__(self) -> AsyncIterator[bytes]:
        return self

    async def __anext__(self) -> bytes:
        return await self.recv()


class OpenRoom:
    """A room that we keep open, and the time of its last use."""

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

    async def update_state(self, state: FileState, contents: Contents, notices: Notices) -> None:
        """Record which file is at the notebook's path; notify agents if it is another one."""
        before, self.state = self.state, state
        if before is None or before.key is None or before.key == state.key:
            return
        # Most programs save by replacing the old file with a new one, so the old file's key exists
        # nowhere.
        elsewhere = await contents.find_key(before.key)
        if elsewhere is not None and await contents.alike(elsewhere, self.notebook.ids):
            notices.add(self.notebook.file_id, replaced(self.path, elsewhere))

    @property
    def file_id(self) -> str:
        """The file's id, which survives renames."""
        return self.notebook.file_id

    def release(self) -> None:
        """Cancel the timer and stop listening to the room."""
        if self.timer is not None:
            self.timer.cancel()
            self.timer = None
        if self.listener in self.room.listeners:
            self.room.listeners.remove(self.listener)

    @property
    def needed(self) -> bool:
        """Whether a call uses the room, or late edits may still find their cell in it."""
        return self.leases > 0 or self.room.late.waiting
