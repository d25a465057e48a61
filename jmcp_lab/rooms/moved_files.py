"""Relocate open documents whose file a shell has moved, once saving them fails.

The server does not notice such a move, and every save to the old path would fail. Rooms that agents
hold follow their file on the next call. This module handles all rooms, including those that only
pages use.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, cast

from .notices import moved
from .upstream.ydoc_server import SESSION_EVENTS

if TYPE_CHECKING:
    from jupyter_server.serverapp import ServerApp

    from ..files.contents import Contents
    from ..files.on_disk import FileKey
    from .live_room import LiveRoom
    from .notices import Notices
    from .upstream.ydoc_server import Upstream

SYNCED = ("initialize", "save", "overwrite")
"""Events after which a document and its file have the same content."""


class MovedFiles:
    """Lets the rooms of a server follow their moved files.

    Parameters
    ----------
    upstream : Upstream
    contents : Contents
    notices : Notices
        Receives the notices for the agents that use a document.
    """

    def __init__(self, upstream: Upstream[LiveRoom], contents: Contents, notices: Notices) -> None:
        self._upstream = upstream
        self._contents = contents
        self._notices = notices
        self._keys: dict[str, FileKey] = {}

    def listen(self, serverapp: ServerApp) -> None:
        """Start following the document events of a server."""
        events = serverapp.event_logger
        if events is not None and SESSION_EVENTS in events.schemas:
            events.add_listener(schema_id=SESSION_EVENTS, listener=cast("Any", self._on_event))

    async def _on_event(self, logger: object, schema_id: str, data: dict[str, Any]) -> None:
        rooms = {room.room_id: room for room in self._upstream.live_rooms()}
        self._keys = {name: key for name, key in self._keys.items() if name in rooms}
        room = rooms.get(str(data.get("room")))
        if room is None:
            return
        if data.get("action") in SYNCED:
            await self._note(room)
        elif data.get("level") == "ERROR" and room.autosave.failure is not None:
            await self._find(room)

    async def _note(self, room: LiveRoom) -> None:
        """Record the file key of a room, which survives a move."""
        state = await self._contents.look(room.path)
        if state is not None and state.key is not None:
            self._keys[room.room_id] = state.key

    async def _find(self, room: LiveRoom) -> None:
        """Find the room's moved file, and let the room follow it."""
        file_id, key = room.room_id.rsplit(":", 1)[-1], self._keys.get(room.room_id)
        old = self._upstream.path_of(file_id)
        if old is None or key is None or not self._contents.gone(old):
            return
        new = await self._contents.find_key(key, notebook=room.file_type == "notebook")
        if new is None or self._upstream.path_of(file_id) != old:
            return
        if await self._is_of(room, new) and self._upstream.moved(old, new):
            self._notices.add(file_id, moved(old, new))
            task = self._upstream.start_saving(room) if room.wants_autosave else None
            if task is not None:
                # The save itself reports its error, and no caller awaits this task.
                task.add_done_callback(lambda ended: ended.cancelled() or ended.exception())

    async def _is_of(self, room: LiveRoom, path: str) -> bool:
        """Return whether a file is the room's; a key alone is no proof, as keys are reused."""
        if await self._contents.changed(path) == room.disk.known:
            return True
        # The file was moved during a write, or has changed since.
        is_notebook = room.file_type == "notebook"
        return is_notebook and await self._contents.alike(path, room.notebook.ids)
