"""Patches jupyter-server-ydoc, and reads the private parts of its extension.

They were read in the source of 3.0.4. `names.py` lists all of them, and the extension checks them
when it starts.
"""

from __future__ import annotations

import asyncio
import logging
from contextlib import nullcontext, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any, Generic, TypeVar, cast

from jupyter_core.paths import jupyter_data_dir
from jupyter_server_ydoc import app as ydoc_app
from jupyter_server_ydoc import handlers as ydoc_handlers
from jupyter_server_ydoc.utils import (
    JUPYTER_COLLABORATION_EVENTS_URI,
    check_session_compatibility,
)

from ...errors import UnavailableError
from ...notebooks.notebook_document import register
from ..sync_messages import payload
from .document_room import UpstreamRoom
from .followed_loader import follow

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from jupyter_server.serverapp import ServerApp
    from jupyter_server_ydoc.app import YDocExtension
    from jupyter_ydoc import YUnicode

SESSION_EVENTS: str = JUPYTER_COLLABORATION_EVENTS_URI
"""Schema of room events: load, initialize, save, overwrite, clean."""

SAVE_SECONDS = 10.0
"""Maximum seconds that a caller waits for a save, which continues after that."""

SYNC = 0
SYNC_STEP_2 = 1
NOTHING_NEW = b"\0\0"
"""The update of a page that has nothing new for the room."""

SESSIONS = "collaborative_session_store_path"
"""The server setting for the file in which jupyter-server-ydoc records its sessions."""

_log = logging.getLogger("jmcp_lab")


Room = TypeVar("Room", bound=UpstreamRoom)


def install(room_class: type[UpstreamRoom]) -> None:
    """Make upstream create rooms of this class, and stop it from losing values."""
    register()
    ydoc_app.DocumentRoom = ydoc_handlers.DocumentRoom = room_class
    ydoc_handlers.check_session_compatibility = _cannot_reconnect


def _cannot_reconnect(*arguments: Any, **options: Any) -> tuple[bool, str]:
    """Return whether a page must be reloaded, and why.

    Upstream rejects every page whose session it does not know, because its history may differ.
    `PageMerger.rejoin` merges other histories, so only another version of the document is a reason.
    """
    cannot, reason = check_session_compatibility(*arguments, **options)
    return (False, "") if reason == "unknown_session" else (cannot, reason)


class Upstream(Generic[Room]):
    """The documents that jupyter-server-ydoc has open on a server.

    Parameters
    ----------
    serverapp : ServerApp
    room_class : type
        The class of the rooms, as given to `install`.
    """

    def __init__(self, serverapp: ServerApp, room_class: type[Room]) -> None:
        self._serverapp = serverapp
        self._room_class = room_class
        self._extension: YDocExtension | None = None

    @property
    def extension(self) -> YDocExtension:
        """The server extension.

        Raises
        ------
        UnavailableError
            It is not enabled.
        """
        if self._extension is not None:
            # The server rebuilds its table of extensions on every access, so keep the result.
            return self._extension
        apps = self._serverapp.extension_manager.extension_apps.get("jupyter_server_ydoc")
        if not apps:
            raise UnavailableError(
                "The server extension jupyter_server_ydoc is not enabled, so no document can be "
                "opened live."
            )
        self._extension = cast("YDocExtension", next(iter(apps)))
        return self._extension

    # -- files ---------------------------------------------------------------------------------

    @property
    def _file_ids(self) -> Any:  # noqa: ANN401 - its methods carry no types
        return self._serverapp.web_app.settings["file_id_manager"]

    def file_id(self, path: str) -> str | None:
        """Return the id of a file that was opened before, or None."""
        found = self._file_ids.get_id(path)
        return None if found is None else str(found)

    def path_of(self, file_id: str) -> str | None:
        """Return the path of a file as the server knows it, or None if it was deleted."""
        found = self._file_ids.get_path(file_id)
        return None if found is None else str(found)

    def moved(self, old: str, new: str) -> bool:
        """Let a file's id, and so its room, follow a move that the server did not notice.

        Returns
        -------
        bool
            False if the new path already has a room of its own.
        """
        there = self.file_id(new)
        if there is not None:
            if any(room.room_id.endswith(f":{there}") for room in self.live_rooms()):
                return False
            self._file_ids.delete(new)
        self._file_ids.move(old, new)
        return True

    # -- rooms ---------------------------------------------------------------------------------

    def room(self, name: str) -> Room | None:
        """Return an open room by its name."""
        return cast("Room | None", self.extension.ywebsocket_server.rooms.get(name))

    def rooms(self) -> list[Any]:
        """Return all open rooms, including those that hold no document."""
        return list(self.extension.ywebsocket_server.rooms.values())

    def live_rooms(self) -> list[Room]:
        """Return all open rooms of documents."""
        return [room for room in self.rooms() if isinstance(room, self._room_class)]

    def notebook_paths(self) -> set[str]:
        """Return the paths of all notebooks that jmcp_lab or a page has open."""
        found = set()
        for room in self.live_rooms():
            if room.file_type == "notebook":
                with suppress(RuntimeError):
                    found.add(room.file.path)
        return found

    def text(self, path: str) -> YUnicode | None:
        """Return the document of a text file that is open, or None."""
        room = self.text_room(path)
        return None if room is None else cast("YUnicode", room.document)

    def text_room(self, path: str) -> Room | None:
        """Return the room of a text file that is open and loaded, or None."""
        room = self.room(f"text:file:{self.file_id(path)}")
        return room if isinstance(room, self._room_class) and room.ready else None

    def notebook_room(self, name: str) -> Room | None:
        """Return the room of a notebook that is open and loaded, or None."""
        room = self.room(name)
        if not isinstance(room, self._room_class) or room.file_type != "notebook":
            return None
        return room if room.ready else None

    async def open(self, path: str) -> Room:
        """Open or join the room of a notebook.

        If the file cannot be read, this raises whatever the contents manager or the document
        raised, and removes the room. Otherwise upstream would serve its empty document next time.
        """
        extension = self.extension
        self.follow_files()
        name = room_id(str(self._file_ids.index(path)))
        try:
            await extension.get_document(
                path=path, content_type="notebook", file_format="json", copy=False, create=True
            )
            room = cast("Room", self.room(name))
            if not room.ready:
                # A page is opening the room right now, so it exists but is still empty.
                async with extension._room_locks[name]:
                    await room.initialize()
        except Exception:
            left = self.room(name)
            if left is not None and not left.ready and not left.clients:
                extension.ywebsocket_server.rooms.pop(name, None)
                await self._unload(name)
            raise
        return room

    async def close(self, room: Room, still_wanted: Callable[[], bool]) -> None:
        """Close a room that nobody uses any more, unless it is wanted again."""
        extension, name = self.extension, room.room_id
        async with extension._room_locks[name]:
            if still_wanted() or room.clients or self.room(name) is not room:
                return
            self.cancel_cleanup(room)
            await extension.ywebsocket_server.delete_room(room=room)
            await self._unload(name)
        extension._room_locks.pop(name, None)

    async def _unload(self, name: str) -> None:
        """Stop watching the file of a closed room."""
        loaders = self.extension.file_loaders
        file_id = name.rsplit(":", 1)[-1]
        if file_id in loaders and loaders[file_id].number_of_subscriptions == 0:
            # A watcher whose file was deleted has ended with this error.
            with suppress(RuntimeError):
                await loaders.remove(file_id)

    @staticmethod
    def cancel_cleanup(room: UpstreamRoom) -> None:
        """Cancel the clean-up that upstream scheduled when the last page left.

        When the clean-up runs, it does not check again whether somebody is in the room.
        """
        if room.cleaner is not None:
            room.cleaner.cancel()
            room.cleaner = None

    @staticmethod
    def on_joining_update(room: UpstreamRoom, listener: Callable[[bytes], None]) -> None:
        """Call `listener` with the update that each joining page sends, just before it applies."""
        _follow_joining(room, listener)

    # -- the file ------------------------------------------------------------------------------

    def follow_files(self) -> None:
        """Let each room follow its file by itself, even if several rooms share one file."""
        follow(self.extension.file_loaders)

    def keep_folders_clean(self) -> None:
        """Keep files of the live documents out of the person's folders.

        By default, upstream records its sessions below the server's root.
        """
        settings = self._serverapp.web_app.settings
        if not settings.get(SESSIONS):
            settings[SESSIONS] = str(Path(jupyter_data_dir()) / "jmcp_lab" / "sessions.json")

    # -- saving --------------------------------------------------------------------------------

    @staticmethod
    async def save(room: UpstreamRoom) -> bool:
        """Write a room to disk; return whether that worked."""
        try:
            async with asyncio.timeout(SAVE_SECONDS):
                # The save continues after this timeout.
                await asyncio.shield(room.save_now())
        except Exception:
            # The room has reported the error, and retries.
            return False
        return True

    @staticmethod
    def start_saving(room: UpstreamRoom) -> asyncio.Task[None] | None:
        """Start saving a room, if it has unsaved changes."""
        return room.save_now() if room.ready and room.unsaved else None

    # -- ending --------------------------------------------------------------------------------

    async def end_histories(self, seconds: float) -> None:
        """Close the history of every room, within a time limit."""
        with suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                for room in self.live_rooms():
                    # A room that is loading holds its lock until it is loaded.
                    async with self.extension._room_locks.get(room.room_id, nullcontext()):
                        await room.end_history()

    def run_before_stop(self, ours: Callable[[], Awaitable[None]]) -> None:
        """Run `ours` before the live documents stop.

        A server stops all its extensions at once. Without this, it is a matter of chance whether
        pages receive our last changes to a document, such as the end of a running cell.
        """
        extension = self.extension
        stop = extension.stop_extension

        async def stop_extension() -> None:
            await ours()
            await stop()

        extension.stop_extension = stop_extension

    def close_websockets(self) -> None:
        """Close the websocket of every page, and cancel every clean-up.

        Pages keep their websockets open while a server stops, and upstream waits for them. The
        process would stay alive with its port closed.
        """
        for room in self.rooms():
            if getattr(room, "cleaner", None) is not None:
                room.cleaner.cancel()
            for client in list(room.clients):
                close = getattr(client, "close", None)
                if close is not None:
                    close(1001, "The server is stopping.")
                else:
                    room.clients.discard(client)


def _follow_joining(room: UpstreamRoom, listener: Callable[[bytes], None]) -> None:
    """Call `listener` with the updates of joining pages."""
    before = room.on_message

    def hear(message: bytes) -> Any:  # noqa: ANN401 - a bool, or one to be awaited
        if len(message) > 2 and message[0] == SYNC and message[1] == SYNC_STEP_2:
            try:
                listener(payload(message))
            except Exception:
                # If this hook raised an exception, the room would drop the page.
                _log.exception("An update of a page could not be handled")
        return before(message) if before is not None else False

    room.on_message = hear


def room_id(file_id: str) -> str:
    """Return the name of a notebook's room."""
    return f"json:notebook:{file_id}"
