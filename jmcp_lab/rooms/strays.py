"""Open documents whose file a shell has moved: they are found again when they cannot be saved.

The server does not see such a move, and saves would fail at the old place for ever. The rooms that
agents hold go with their file at the next call; here all do, those that only pages have included.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, cast

from . import notices as news
from .upstream.ydoc_server import SESSION_EVENTS

if TYPE_CHECKING:
    from jupyter_server.serverapp import ServerApp

    from ..files.contents import Contents
    from ..files.on_disk import FileKey
    from .live_room import LiveRoom
    from .upstream.ydoc_server import Upstream

MET = ("initialize", "save", "overwrite")
"""Events after which a document and its file say the same."""


class Strays:
    """Lets the rooms of a server go with their files.

    Parameters
    ----------
    upstream : Upstream
    contents : Contents
    told : News
        For the agents that use a document.
    """

    def __init__(self, upstream: Upstream, contents: Contents, told: news.Notices) -> None:
        self._upstream = upstream
        self._contents = contents
        self._news = told
        self._keys: dict[str, FileKey] = {}

    def listen(self, serverapp: ServerApp) -> None:
        """Follow what happens to the documents of a server from now on."""
        events = serverapp.event_logger
        if events is not None and SESSION_EVENTS in events.schemas:
            events.add_listener(schema_id=SESSION_EVENTS, listener=cast("Any", self._on_event))

    async def _on_event(self, logger: object, schema_id: str, data: dict[str, Any]) -> None:
        rooms = {room.room_id: room for room in self._upstream.live_rooms()}
        self._keys = {name: key for name, key in self._keys.items() if name in rooms}
        room = rooms.get(str(data.get("room")))
        if room is None:
            return
        if data.get("action") in MET:
            await self._note(room)
        elif data.get("level") == "ERROR" and room.autosave.failure is not None:
            await self._find(room)

    async def _note(self, room: LiveRoom) -> None:
        """Take note of what stays the same when the file of a room is moved."""
        state = await self._contents.look(room.path)
        if state is not None and state.key is not None:
            self._keys[room.room_id] = state.key

    async def _find(self, room: LiveRoom) -> None:
        """Let a room go with its file, if that is elsewhere now."""
        file_id, key = room.room_id.rsplit(":", 1)[-1], self._keys.get(room.room_id)
        old = self._upstream.path_of(file_id)
        if old is None or key is None or not self._contents.gone(old):
            return
        new = await self._contents.find_key(key, notebook=room.file_type == "notebook")
        if new is None or self._upstream.path_of(file_id) != old:
            return
        if await self._is_of(room, new) and self._upstream.moved(old, new):
            self._news.add(file_id, news.moved(old, new))
            task = self._upstream.start_saving(room) if room.saves_by_itself else None
            if task is not None:
                # It has told what went wrong, and nobody else waits for it.
                task.add_done_callback(lambda ended: ended.cancelled() or ended.exception())

    async def _is_of(self, room: LiveRoom, path: str) -> bool:
        """Return whether a file is a room's: keys are soon given to other files."""
        if await self._contents.changed(path) == self._upstream.known_change(room):
            return True
        # It was moved while it was written, or changed since.
        is_notebook = room.file_type == "notebook"
        return is_notebook and await self._contents.alike(path, room.notebook.ids)
