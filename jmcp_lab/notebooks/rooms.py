"""Rooms: open, lease, save and close the documents of jupyter-server-ydoc.

This is the only module that knows that package's internals. What it relies on beyond the public
interface, read in 3.0.4: `YDocExtension.ywebsocket_server`, `file_loaders`, `_room_locks`;
`DocumentRoom._file`, `_saving_document`, `_save_to_disc()`, `cleaner`, `clients`.
"""

from __future__ import annotations

import asyncio
import time
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING, Any, NoReturn, cast

from jupyter_server.utils import ensure_async
from tornado.web import HTTPError

from ..errors import InvalidArgumentError, NotFoundError, ToolError, UnavailableError
from .live import LiveNotebook, LiveText

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator
    from logging import Logger

    from jupyter_server.serverapp import ServerApp
    from jupyter_server_ydoc.app import YDocExtension
    from jupyter_server_ydoc.rooms import DocumentRoom

    from .contents import Contents

IDLE_SECONDS = 120.0
"""How long a room stays open for us after the last call that used it."""

SAVE_SECONDS = 10.0


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

    def __init__(self, room: DocumentRoom, notebook: LiveNotebook) -> None:
        self.room = room
        self.notebook = notebook
        self.lease = Lease(room.room_id)
        self.leases = 0
        self.used = time.monotonic()
        self.timer: asyncio.TimerHandle | None = None
        self.closing: asyncio.Task[None] | None = None


class Rooms:
    """The notebooks that are open on this server.

    Parameters
    ----------
    serverapp : ServerApp
    contents : Contents
    log : Logger
    idle_seconds : float, optional
        How long a room without pages and runs stays open after its last use.
    """

    def __init__(
        self,
        serverapp: ServerApp,
        contents: Contents,
        log: Logger,
        *,
        idle_seconds: float = IDLE_SECONDS,
    ) -> None:
        self._serverapp = serverapp
        self._contents = contents
        self._log = log
        self._idle_seconds = idle_seconds
        self._open: dict[str, OpenRoom] = {}
        self._lock = asyncio.Lock()

    @property
    def _ydoc(self) -> YDocExtension:
        apps = self._serverapp.extension_manager.extension_apps.get("jupyter_server_ydoc")
        if not apps:
            raise UnavailableError(
                "The server extension jupyter_server_ydoc is not enabled, so notebooks cannot be "
                "opened live. Ask the user to enable it."
            )
        return cast("YDocExtension", next(iter(apps)))

    # -- opening -------------------------------------------------------------------------------

    async def open(self, path: str) -> LiveNotebook:
        """Open a notebook's room, or join it, and keep it open for a while.

        Parameters
        ----------
        path : str
            Relative to the server's root, as an agent gave it.

        Raises
        ------
        NotFoundError
            There is no such notebook.
        InvalidArgumentError
            The path is not a notebook, or not one that can be read.
        """
        path = self._contents.check_path(path)
        held = self._held(path)
        if held is None:
            async with self._lock:
                held = self._held(path) or await self._start(path)
        self._touch(held)
        await held.notebook.ready()
        return held.notebook

    async def open_file(self, file_id: str, path: str) -> LiveNotebook:
        """Open a notebook by the id of its file, wherever it was moved; by `path` without one."""
        known = self._serverapp.web_app.settings["file_id_manager"].get_path(file_id)
        return await self.open(str(known) if known else path)

    def find(self, path: str) -> LiveNotebook | None:
        """Return the notebook if we hold its room open, without opening anything."""
        held = self._held(path)
        return held.notebook if held else None

    def find_text(self, path: str) -> LiveText | None:
        """Return a text file that a page has open, or None: then the disk is the truth."""
        file_id = self._serverapp.web_app.settings["file_id_manager"].get_id(path)
        room = self._ydoc.ywebsocket_server.rooms.get(f"text:file:{file_id}")
        if room is None or not getattr(room, "ready", False):
            return None
        return LiveText(cast("Any", room)._document)

    def paths_open(self) -> set[str]:
        """Return the paths of all notebooks that have a room, ours or a page's."""
        rooms = self._ydoc.ywebsocket_server.rooms.values()
        found = set()
        for room in rooms:
            if getattr(room, "file_type", None) == "notebook":
                with suppress(RuntimeError):
                    found.add(str(room._file.path))
        return found

    def pages(self, path: str) -> int:
        """Return how many pages have the notebook open."""
        held = self._held(path)
        return len(held.room.clients - {held.lease}) if held else 0

    def _held(self, path: str) -> OpenRoom | None:
        """Return the room that we hold for a path, if it is still the server's room."""
        file_id = self._serverapp.web_app.settings["file_id_manager"].get_id(path)
        room_id = f"json:notebook:{file_id}"
        held = self._open.get(room_id)
        if held is None:
            return None
        if self._ydoc.ywebsocket_server.rooms.get(room_id) is not held.room:
            self._forget(held)
            return None
        return held

    async def _start(self, path: str) -> OpenRoom:
        await self._check_notebook(path)
        extension = self._ydoc
        _use_configured_store(extension)
        try:
            document = await extension.get_document(
                path=path, content_type="notebook", file_format="json", copy=False, create=True
            )
        except HTTPError as error:
            _explain(path, error)
        except (ValueError, KeyError, TypeError, AttributeError) as error:
            raise InvalidArgumentError(
                f"'{path}' is not a notebook that can be opened ({type(error).__name__})."
            ) from error
        file_id = str(self._serverapp.web_app.settings["file_id_manager"].get_id(path))
        room = cast("DocumentRoom", extension.ywebsocket_server.rooms[f"json:notebook:{file_id}"])
        notebook = LiveNotebook(cast("Any", document), lambda: str(room._file.path), file_id)
        held = OpenRoom(room, notebook)
        self._open[room.room_id] = held
        return held

    async def _check_notebook(self, path: str) -> None:
        try:
            contents: Any = self._serverapp.contents_manager
            model = await ensure_async(contents.get(path, content=False))
        except HTTPError as error:
            _explain(path, error)
        if model["type"] == "directory":
            raise InvalidArgumentError(f"'{path}' is a folder. list_files shows what is in it.")
        if model["type"] != "notebook":
            raise InvalidArgumentError(
                f"'{path}' is not a notebook. list_notebooks shows the notebooks."
            )

    # -- staying open --------------------------------------------------------------------------

    def _touch(self, held: OpenRoom) -> None:
        """Hold the room and put its closing off."""
        held.used = time.monotonic()
        held.room.clients.add(cast("Any", held.lease))
        # A clean-up that the last page's leaving has scheduled does not look at the clients
        # again when it is due.
        if held.room.cleaner is not None:
            held.room.cleaner.cancel()
            held.room.cleaner = cast("Any", None)
        if held.timer is None:
            self._arm(held, self._idle_seconds)

    def _arm(self, held: OpenRoom, seconds: float) -> None:
        held.timer = asyncio.get_running_loop().call_later(seconds, self._on_idle, held)

    def _on_idle(self, held: OpenRoom) -> None:
        held.timer = None
        rest = held.used + self._idle_seconds - time.monotonic()
        if held.leases or rest > 0:
            self._arm(held, max(rest, self._idle_seconds / 4))
        else:
            held.closing = asyncio.create_task(self._let_go(held), name="jmcp room closer")

    @contextmanager
    def lease(self, notebook: LiveNotebook) -> Iterator[None]:
        """Keep a notebook's room open for as long as the block runs."""
        held = self._open.get(f"json:notebook:{notebook.file_id}")
        if held is None or held.notebook is not notebook:
            raise UnavailableError("The notebook was closed. Call the tool again.")
        held.leases += 1
        self._touch(held)
        try:
            yield
        finally:
            held.leases -= 1
            held.used = time.monotonic()

    async def _let_go(self, held: OpenRoom) -> None:
        """Leave a room that is idle; close it when nobody else is in it."""
        room, extension = held.room, self._ydoc
        lock = extension._room_locks[room.room_id]
        await self._save(held)
        async with lock:
            if held.leases or time.monotonic() - held.used < self._idle_seconds:
                self._arm(held, self._idle_seconds)
                return
            self._forget(held)
            room.clients.discard(cast("Any", held.lease))
            if room.clients or extension.ywebsocket_server.rooms.get(room.room_id) is not room:
                return
            if room.cleaner is not None:
                room.cleaner.cancel()
            await extension.ywebsocket_server.delete_room(room=room)
            loader = extension.file_loaders[held.notebook.file_id]
            if loader.number_of_subscriptions == 0:
                await extension.file_loaders.remove(held.notebook.file_id)
        extension._room_locks.pop(room.room_id, None)

    def _forget(self, held: OpenRoom) -> None:
        self._open.pop(held.room.room_id, None)
        if held.timer is not None:
            held.timer.cancel()
            held.timer = None
        held.notebook.close()

    # -- saving --------------------------------------------------------------------------------

    async def save(self, notebook: LiveNotebook) -> None:
        """Write the notebook to disk now.

        Raises
        ------
        UnavailableError
            The file could not be written; the edits are still in the open document.
        """
        held = self._open.get(f"json:notebook:{notebook.file_id}")
        if held is not None and not await self._save(held):
            raise UnavailableError(
                f"'{notebook.path}' could not be saved. The changes are in the open notebook; ask "
                "the user to look at the disk and the file's permissions."
            )

    async def _save(self, held: OpenRoom) -> bool:
        """Write a room to disk; return whether the document is clean afterwards."""
        room = held.room
        with suppress(TimeoutError):
            async with asyncio.timeout(SAVE_SECONDS):
                # `_save_to_disc` does nothing while an update from disk is under way, and its
                # task swallows errors: only the flag, set here and cleared by a save that
                # worked, tells whether the file was written.
                for _ in range(3):
                    await held.notebook.ready()
                    held.notebook.document.dirty = True
                    task = room._save_to_disc()
                    if task is None:
                        async with room._update_lock:
                            continue
                    await asyncio.wait([task])
                    if not held.notebook.document.dirty:
                        return True
        return not held.notebook.document.dirty

    # -- ending --------------------------------------------------------------------------------

    async def stop(self, seconds: float = 2.0) -> None:
        """Save every notebook and let go of every page, so that the server can end.

        Pages keep their websockets open while a server stops; jupyter-server-ydoc waits for
        them, and the process would stay alive with its port closed.
        """
        try:
            extension = self._ydoc
        except UnavailableError:
            return
        for held in list(self._open.values()):
            if held.timer is not None:
                held.timer.cancel()
        rooms = list(extension.ywebsocket_server.rooms.values())
        saves = [task for room in rooms if (task := _save_task(room)) is not None]
        if saves:
            await asyncio.wait(saves, timeout=seconds)
        for room in rooms:
            if getattr(room, "cleaner", None) is not None:
                room.cleaner.cancel()
            for client in list(room.clients):
                close = getattr(client, "close", None)
                if close is not None:
                    close(1001, "The server is stopping.")
                else:
                    room.clients.discard(client)
        for held in list(self._open.values()):
            self._forget(held)


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


def _save_task(room: Any) -> asyncio.Task[None] | None:  # noqa: ANN401 - a room of any kind
    """Start saving a document room that has unsaved changes."""
    document = getattr(room, "_document", None)
    if document is None or not room.ready:
        return None
    pending = room._saving_document is not None and not room._saving_document.done()
    if not (pending or document.dirty):
        return None
    return cast("asyncio.Task[None] | None", room._save_to_disc())


def _explain(path: str, error: HTTPError) -> NoReturn:
    """Raise what a failed open means, in words, without the server's own paths."""
    reason = str(error.log_message or error.reason or "")
    if error.status_code == 404:
        raise NotFoundError(
            f"There is no notebook '{path}'. list_notebooks shows the notebooks; use_notebook "
            "with create=true makes a new one."
        ) from error
    if error.status_code == 403:
        raise InvalidArgumentError(f"'{path}' cannot be read: permission denied.") from error
    if "UTF-8" in reason:
        raise InvalidArgumentError(
            f"'{path}' is not UTF-8 text, so it is not a notebook. Nothing was changed."
        ) from error
    if error.status_code in (400, 500):
        raise InvalidArgumentError(
            f"'{path}' is not a valid notebook file, so it was not opened and not changed. Ask "
            "the user to repair it (it may be incomplete JSON or an unknown notebook format)."
        ) from error
    raise ToolError(f"'{path}' could not be opened (HTTP {error.status_code}).") from error
