"""The parts of jupyter-server-ydoc that have no public name, in one place.

Read in 3.0.4, and held by `tests/notebooks/test_upstream.py`: `YDocExtension.ywebsocket_server`,
`file_loaders`, `_room_locks`, `disable_rtc`; `DocumentRoom._file`, `_document`, `_update_lock`,
`_saving_document`, `_save_to_disc()`, `_emit()`, `_on_outofband_change()`, `cleaner`, `clients`,
`ready`, `initialize()`, `on_message`; of `FileLoader` what `disk` puts its own in the place of.
"""

from __future__ import annotations

import asyncio
import logging
from contextlib import nullcontext, suppress
from typing import TYPE_CHECKING, Any, cast

from jupyter_server_ydoc.utils import LogLevel, OutOfBandChanges

from ..errors import UnavailableError
from . import history
from .disk import disk_of, follow

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from jupyter_server.serverapp import ServerApp
    from jupyter_server_ydoc.app import YDocExtension
    from jupyter_server_ydoc.rooms import DocumentRoom
    from jupyter_ydoc import YNotebook, YUnicode

    from .live import LiveNotebook

SESSION_EVENTS = "https://schema.jupyter.org/jupyter_collaboration/session/v1"
"""Events of rooms: load, initialize, save, overwrite, clean."""

SAVE_SECONDS = 10.0
SYNC = 0
SYNC_STEP_2 = 1
SYNC_UPDATE = 2
NOTHING_NEW = b"\0\0"
"""The update of a page that has nothing which the room has not."""

_log = logging.getLogger("jmcp_lab")


class Upstream:
    """The documents that jupyter-server-ydoc has open on a server.

    Parameters
    ----------
    serverapp : ServerApp
    """

    def __init__(self, serverapp: ServerApp) -> None:
        self._serverapp = serverapp

    @property
    def extension(self) -> YDocExtension:
        """The server extension.

        Raises
        ------
        UnavailableError
            It is not enabled.
        """
        apps = self._serverapp.extension_manager.extension_apps.get("jupyter_server_ydoc")
        if not apps:
            raise UnavailableError(
                "The server extension jupyter_server_ydoc is not enabled, so nothing can be opened "
                "live."
            )
        return cast("YDocExtension", next(iter(apps)))

    # -- files ---------------------------------------------------------------------------------

    @property
    def _file_ids(self) -> Any:  # noqa: ANN401 - its methods carry no types
        return self._serverapp.web_app.settings["file_id_manager"]

    def file_id(self, path: str) -> str | None:
        """Return the id of a file that was opened before, or None."""
        found = self._file_ids.get_id(path)
        return None if found is None else str(found)

    def path_of(self, file_id: str) -> str | None:
        """Return where a file is as far as the server knows, or None once it was deleted."""
        found = self._file_ids.get_path(file_id)
        return None if found is None else str(found)

    def moved(self, old: str, new: str) -> bool:
        """Let the id of a file, and so its room, follow a move that the server did not see.

        Returns
        -------
        bool
            False when the new place has a room of its own already.
        """
        there = self.file_id(new)
        if there is not None:
            if self.room(room_id(there)) is not None:
                return False
            self._file_ids.delete(new)
        self._file_ids.move(old, new)
        return True

    # -- rooms ---------------------------------------------------------------------------------

    def room(self, name: str) -> DocumentRoom | None:
        """Return an open room by its name."""
        return cast("DocumentRoom | None", self.extension.ywebsocket_server.rooms.get(name))

    def rooms(self) -> list[Any]:
        """Return all open rooms, of documents and others."""
        return list(self.extension.ywebsocket_server.rooms.values())

    def notebook_paths(self) -> set[str]:
        """Return the paths of all notebooks that are open, by us or by a page."""
        found = set()
        for room in self.rooms():
            if getattr(room, "file_type", None) == "notebook":
                with suppress(RuntimeError):
                    found.add(str(room._file.path))
        return found

    def text(self, path: str) -> YUnicode | None:
        """Return the document of a text file that is open, or None."""
        room: Any = self.room(f"text:file:{self.file_id(path)}")
        return room._document if room is not None and getattr(room, "ready", False) else None

    def notebook_room(self, name: str) -> DocumentRoom | None:
        """Return the room of a notebook that is open and read, or None."""
        room: Any = self.room(name)
        if getattr(room, "file_type", None) != "notebook" or not room.ready:
            return None
        return cast("DocumentRoom", room)

    @staticmethod
    def document(room: DocumentRoom) -> YNotebook:
        """Return the shared document of a notebook's room."""
        return cast("YNotebook", room._document)

    @staticmethod
    def path_in(room: DocumentRoom) -> str:
        """Return the present path of a room's file."""
        return str(room._file.path)

    async def open(self, path: str) -> tuple[DocumentRoom, YNotebook]:
        """Open the room of a notebook, or join it.

        Whatever the contents manager or the document raises when the file cannot be read is
        passed on, and no room stays behind: upstream would hand out its empty document next time.
        """
        extension = self.extension
        _use_configured_store(extension)
        self.follow_files()
        name = room_id(str(self._file_ids.index(path)))
        try:
            document = await extension.get_document(
                path=path, content_type="notebook", file_format="json", copy=False, create=True
            )
            room = cast("DocumentRoom", self.room(name))
            if not room.ready:
                # A page is opening it at this moment: its room is there and still empty.
                async with extension._room_locks[name]:
                    await room.initialize()
            history.gather(room)
        except Exception:
            left = self.room(name)
            if left is not None and not left.ready and not left.clients:
                extension.ywebsocket_server.rooms.pop(name, None)
                _close_streams(left)
                await self._unload(name)
            raise
        return room, cast("YNotebook", document)

    async def close(self, room: DocumentRoom, still_wanted: Callable[[], bool]) -> None:
        """Close a room that nobody is in any more, unless it is wanted after all."""
        extension, name = self.extension, room.room_id
        store: Any = room.ystore
        async with extension._room_locks[name]:
            if still_wanted() or room.clients or self.room(name) is not room:
                return
            self.keep(room)
            await history.finish(room)
            await extension.ywebsocket_server.delete_room(room=room)
            _close_streams(room)
            if store is not None:
                await history.close(store)
            await self._unload(name)
        extension._room_locks.pop(name, None)

    async def _unload(self, name: str) -> None:
        """Stop watching the file of a room that is gone."""
        loaders = self.extension.file_loaders
        file_id = name.rsplit(":", 1)[-1]
        if file_id in loaders and loaders[file_id].number_of_subscriptions == 0:
            # A watcher whose file was deleted has ended with this error.
            with suppress(RuntimeError):
                await loaders.remove(file_id)

    @staticmethod
    def keep(room: DocumentRoom) -> None:
        """Call off the clean-up that the last page's leaving has scheduled.

        When it is due, it does not look again whether somebody is in the room.
        """
        if room.cleaner is not None:
            room.cleaner.cancel()
            room.cleaner = cast("Any", None)

    @staticmethod
    def on_update(room: DocumentRoom, listener: Callable[[bytes], None]) -> None:
        """Call `listener` with each Yjs update of a page, just before the room takes it in."""
        _hear(room, listener, {SYNC_STEP_2, SYNC_UPDATE})

    @staticmethod
    def on_answer(room: DocumentRoom, listener: Callable[[bytes], None]) -> None:
        """Call `listener` with what each page brings that joins the room, just before it is in."""
        _hear(room, listener, {SYNC_STEP_2})

    # -- the file ------------------------------------------------------------------------------

    def follow_files(self) -> None:
        """Know of each file, from its first reading on, what it said when last read or saved."""
        follow(self.extension.file_loaders, OutOfBandChanges)

    @staticmethod
    def known_change(room: DocumentRoom) -> object:
        """Return the time of change of a room's file as the document last met it."""
        return disk_of(room._file, OutOfBandChanges).known

    @staticmethod
    def attach(room: DocumentRoom, notebook: LiveNotebook, kept: Callable[[str], None]) -> None:
        """Merge what other programs write into the room's file with what is not saved yet.

        `kept` is called with the path of a copy, when what they wrote could not be read.
        """
        disk_of(room._file, OutOfBandChanges).attach(
            room,
            notebook,
            lambda: room._emit(LogLevel.INFO, "overwrite", "Out-of-band changes were merged."),
            kept,
        )

    @staticmethod
    def detach(room: DocumentRoom) -> None:
        """Leave the room's file to jupyter-server-ydoc alone."""
        disk_of(room._file, OutOfBandChanges).detach(room)

    # -- saving --------------------------------------------------------------------------------

    @staticmethod
    async def save(room: DocumentRoom) -> bool:
        """Write a room to disk; return whether that worked."""
        document = room._document
        with suppress(TimeoutError):
            async with asyncio.timeout(SAVE_SECONDS):
                # `_save_to_disc` does nothing while an update from disk is under way, and its
                # task swallows errors: only the flag, set here and cleared by a save that
                # worked, tells whether the file was written.
                for _ in range(3):
                    # There is no event for the end of a transaction.
                    while room.ydoc._txn is not None:  # noqa: ASYNC110
                        await asyncio.sleep(0)
                    document.dirty = True
                    task = room._save_to_disc()
                    if task is None:
                        async with room._update_lock:
                            continue
                    await asyncio.wait([task])
                    if not document.dirty:
                        return True
        return not document.dirty

    @staticmethod
    def start_saving(room: Any, *, edited: bool) -> asyncio.Task[None] | None:  # noqa: ANN401
        """Start saving a document room that has unsaved changes."""
        document = getattr(room, "_document", None)
        if document is None or not room.ready:
            return None
        pending = room._saving_document is not None and not room._saving_document.done()
        if not (edited or pending or document.dirty):
            return None
        return cast("asyncio.Task[None] | None", room._save_to_disc())

    # -- ending --------------------------------------------------------------------------------

    async def end_histories(self, seconds: float) -> None:
        """Finish and close the store of every room, within some seconds.

        Upstream leaves them open. The task of one that is open holds on to a thread of anyio's,
        for which the process would wait at its end. A room that a page opens at this moment would
        open its store again, so no room keeps one.
        """
        with suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                for room in self.rooms():
                    store = getattr(room, "ystore", None)
                    if store is None:
                        continue
                    # A room that is being read holds its lock, and uses its store until it is.
                    async with self.extension._room_locks.get(room.room_id, nullcontext()):
                        await history.finish(room)
                        room.ystore = None
                        await history.close(store)

    def end_after(self, ours: Callable[[], Awaitable[None]]) -> None:
        """Let the live documents end only when something of ours has.

        A server stops its extensions all at once. What we write into a document at the end, that a
        cell does not run any more, would reach the pages or not, by chance.
        """
        extension = self.extension
        stop = extension.stop_extension

        async def stop_extension() -> None:
            await ours()
            await stop()

        extension.stop_extension = stop_extension

    def send_everybody_off(self) -> None:
        """Close the websocket of every page, and call off every clean-up.

        Pages keep their websockets open while a server stops; upstream waits for them, and the
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


def _close_streams(room: DocumentRoom) -> None:
    """Close what a stopped room leaves open, and Python warns about."""
    for name in ("_update_send_stream", "_update_receive_stream"):
        stream = getattr(room, name, None)
        if stream is not None:
            stream.close()


def _use_configured_store(extension: YDocExtension) -> None:
    """Make rooms that we open keep their history where rooms that pages open keep it.

    `get_document` of jupyter-server-ydoc 3.0.4 makes the store without the server's
    configuration, so that a configured `SQLiteYStore.db_path` counts for pages only, and what an
    agent did is missing in the history from which a page reconnects.
    """
    plain = extension.ystore_class
    if getattr(plain, "jmcp_configured", False):
        return

    def __init__(self: object, **arguments: object) -> None:
        arguments.setdefault("config", extension.config)
        plain.__init__(self, **arguments)

    extension.ystore_class = type(
        plain.__name__, (plain,), {"__init__": __init__, "jmcp_configured": True}
    )


def _hear(room: DocumentRoom, listener: Callable[[bytes], None], kinds: set[int]) -> None:
    """Call `listener` with the update in each sync message of these kinds."""
    before = room.on_message

    def hear(message: bytes) -> Any:  # noqa: ANN401 - a bool, or one to be awaited
        if len(message) > 2 and message[0] == SYNC and message[1] in kinds:
            try:
                listener(_payload(message))
            except Exception:
                # A room whose hook raises would drop the page.
                _log.exception("An update of a page could not be followed")
        return before(message) if before is not None else False

    room.on_message = hear


def room_id(file_id: str) -> str:
    """Return the name of a notebook's room."""
    return f"json:notebook:{file_id}"


def _payload(message: bytes) -> bytes:
    """Return the update in a sync message: two numbers of one byte, a length, and that many."""
    at, shift, size = 2, 0, 0
    while True:
        byte = message[at]
        size |= (byte & 0x7F) << shift
        at, shift = at + 1, shift + 7
        if byte < 0x80:
            return message[at : at + size]
