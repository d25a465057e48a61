"""Open, lease, save and close the shared documents of notebooks."""

from __future__ import annotations

import asyncio
import time
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING, Any, cast

from ..errors import InvalidArgumentError, NotFoundError, UnavailableError
from ..files.open_errors import check_notebook, explain
from ..notebooks.live_notebook import LiveNotebook
from ..server.manager_errors import ManagerError
from . import notices
from .live_room import LiveRoom
from .open_room import OpenRoom
from .openings import Openings
from .pages.pages_room import RoomListener
from .texts import LiveTexts
from .troubles import Copy, Troubles
from .upstream.ydoc_server import SESSION_EVENTS, Upstream, install, room_id

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from logging import Logger

    from jupyter_server.serverapp import ServerApp

    from ..files.contents import Contents, FileState

IDLE_SECONDS = 120.0
"""Seconds that a room stays open for us after the last call that used it."""

MAX_SAVES = 5
"""Maximum rounds of saving everything at shutdown, while changes keep coming."""


class Rooms:
    """The notebooks that are open on this server.

    Parameters
    ----------
    serverapp : ServerApp
    contents : Contents
    log : Logger
    idle_seconds : float, optional
        Seconds that a room without pages and runs stays open after its last use.
    """

    def __init__(
        self,
        serverapp: ServerApp,
        contents: Contents,
        log: Logger,
        *,
        idle_seconds: float = IDLE_SECONDS,
    ) -> None:
        install(LiveRoom)
        self._serverapp = serverapp
        self._contents = contents
        self._log = log
        self.idle_seconds = idle_seconds
        self.notices = notices.Notices()
        self._upstream = Upstream(serverapp, LiveRoom)
        self.texts = LiveTexts(self._upstream)
        self._open: dict[str, OpenRoom] = {}
        self._openings = Openings[OpenRoom]()
        self._listening = False
        self._troubles = Troubles()
        self.ring: Callable[[], None] = lambda: None

    # -- opening -------------------------------------------------------------------------------

    async def open(self, path: str) -> LiveNotebook:
        """Open or join a notebook's room, and keep it open for a while.

        Parameters
        ----------
        path : str
            Relative to the server's root, as an agent gave it. The old path of a notebook that was
            renamed or moved while it was open also works.

        Raises
        ------
        NotFoundError
            There is no such notebook.
        InvalidArgumentError
            The path is not a notebook, or not a readable one.
        """
        path = await self._contents.resolve(path)
        state = await self._contents.look(path)
        held = await self._follow(path) if state is None else await self._join(path, state)
        held.names.add(path)
        self._touch(held)
        await held.notebook.ready()
        return held.notebook

    async def _join(self, path: str, state: FileState) -> OpenRoom:
        held = self._held(path)
        if held is None:
            held = await self._openings.open(path, lambda: self._enter(path, state))
        await held.update_state(state, self._contents, self.notices)
        return held

    async def _enter(self, path: str, state: FileState) -> OpenRoom:
        await self._adopt(path, state)
        held = self._held(path) or await self._start(path)
        # The caller that asked for it may be gone. Then this room closes like any other.
        self._touch(held)
        return held

    async def open_file(self, file_id: str, path: str) -> LiveNotebook:
        """Open a notebook by file id, which survives moves; fall back to `path` without an id."""
        return await self.open(self.place_of(file_id) or path)

    def place_of(self, file_id: str) -> str | None:
        """Return the current path of a file, or None if it was deleted."""
        return self._upstream.path_of(file_id)

    def find(self, path: str) -> LiveNotebook | None:
        """Return the notebook if we hold its room open; never open it."""
        held = self._held(path)
        return held.notebook if held else None

    def paths_open(self) -> set[str]:
        """Return the paths of all notebooks that have a room, ours or a page's."""
        return self._upstream.notebook_paths()

    def check(self, notebook: LiveNotebook) -> None:
        """Verify, without awaiting, that the room and its file still exist.

        Raises
        ------
        NotFoundError
            The file was deleted or moved away while the caller waited.
        UnavailableError
            The room was closed.
        """
        held = self._open.get(room_id(notebook.file_id))
        if held is None or held.notebook is not notebook or not self._is_current(held):
            raise UnavailableError("The notebook has been closed. Call the tool again.")
        if (path := self._where(held)) is None or self._contents.gone(path):
            raise NotFoundError(notices.gone_meanwhile(held.path))
        self._contents.check_path(path)

    async def prepare(self, notebook: LiveNotebook, *, edits: bool) -> None:
        """Do nothing: pages share the document, so they have nothing to save first."""

    async def written(self, notebook: LiveNotebook) -> str | None:
        """Do nothing: rooms save by themselves."""
        return None

    def standing(self, notebook: LiveNotebook) -> list[str]:
        """Return the current conditions of a notebook that each agent must be told once."""
        held = self._open.get(room_id(notebook.file_id))
        if held is None:
            return []
        by_hand = [words] if (words := held.room.why_no_autosave()) else []
        return by_hand + [notices.kept(held.path, copy, why) for copy, why in held.room.copies]

    def _held(self, path: str) -> OpenRoom | None:
        """Return the room that we hold for a path, if it is still the server's room."""
        held = self._open.get(room_id(str(self._upstream.file_id(path))))
        if held is None:
            return None
        if not self._is_current(held):
            self._forget(held)
            return None
        return held

    def _is_current(self, held: OpenRoom) -> bool:
        return self._upstream.room(held.room.room_id) is held.room

    def _where(self, held: OpenRoom) -> str | None:
        """Return the current path of a room's file, or None if it was deleted."""
        found = self._upstream.path_of(held.notebook.file_id)
        if found is not None:
            held.path = found
            held.names.add(found)
        return found

    async def _start(self, path: str) -> OpenRoom:
        await check_notebook(self._serverapp, path)
        self.listen()
        try:
            room = await self._upstream.open(path)
        except ManagerError as error:
            explain(path, error)
        except (ValueError, KeyError, TypeError, AttributeError) as error:
            raise InvalidArgumentError(
                f"'{path}' is not a notebook that can be opened ({type(error).__name__})."
            ) from error
        if (held := self._open.get(room.room_id)) is not None and held.room is room:
            # Another call opened the room by another of its names meanwhile.
            return held
        held = OpenRoom(room, room.notebook, path)
        held.listener = RoomListener(
            merged=lambda: self.notices.add(held.file_id, notices.merged(held.path)),
            message=lambda text: self.notices.add(held.file_id, text),
        )
        room.listeners.append(held.listener)
        self._open[room.room_id] = held
        await held.notebook.ready()
        return held

    # -- files that move -----------------------------------------------------------------------

    async def _follow(self, path: str) -> OpenRoom:
        """Return the open room of a notebook that is no longer at `path`.

        Raises
        ------
        NotFoundError
        """
        for held in list(self._open.values()):
            if path not in held.names or not self._is_current(held):
                continue
            where = self._where(held)
            if where is not None and where != path:
                state = await self._contents.look(where)
                if state is not None:
                    held.state = state
                    return held
            if where is not None and held.state is not None and held.state.key is not None:
                # A shell moved the file, so the server knows only the old path.
                found = await self._contents.find_key(held.state.key)
                if found is not None and await self._moved(held, where, found):
                    return held
            await self._abandon(held)
            raise NotFoundError(notices.gone(path))
        await check_notebook(self._serverapp, path)
        raise NotFoundError(f"There is no notebook '{path}'.")

    async def _adopt(self, path: str, state: FileState) -> None:
        """If a shell has moved an open room's file to `path`, let the room follow it."""
        if state.key is None:
            return
        for held in list(self._open.values()):
            if held.state is None or held.state.key != state.key:
                continue
            where = self._where(held)
            if where is not None and where != path and self._contents.gone(where):
                await self._moved(held, where, path)

    async def _moved(self, held: OpenRoom, old: str, new: str) -> bool:
        """Let a room follow its file if `new` is that file; the system soon reuses keys."""
        if await self._contents.changed(new) != held.room.disk.known:
            return False
        if self._where(held) != old or not self._upstream.moved(old, new):
            return False
        self._where(held)
        self.notices.add(held.notebook.file_id, notices.moved(old, new))
        return True

    async def _abandon(self, held: OpenRoom) -> None:
        """Release a room whose file is gone; pages that have it open keep it."""
        self._forget(held)
        held.room.clients.discard(cast("Any", held.lease))
        await self._upstream.close(held.room, lambda: False)

    # -- what happens to files -----------------------------------------------------------------

    def listen(self) -> None:
        """Start following the server's document and file events, from the first room on."""
        events = self._serverapp.event_logger
        if self._listening or events is None:
            return
        self._listening = True
        for schema, listener in (
            (SESSION_EVENTS, self._on_session_event),
            (notices.CONTENTS_EVENTS, self._on_contents_event),
        ):
            if schema in events.schemas:
                events.add_listener(schema_id=schema, listener=cast("Any", listener))

    async def _on_session_event(self, logger: object, schema_id: str, data: dict[str, Any]) -> None:
        if (troubles := self.troubles()) != self._troubles:
            self._troubles = troubles
            self.ring()
        held = self._open.get(str(data.get("room")))
        if held is None:
            return
        file_id = held.notebook.file_id
        if data.get("level") == "ERROR" and "Error saving" in str(data.get("msg")):
            error = held.room.autosave.failure or str(data.get("msg"))
            self.notices.add(file_id, notices.not_saved(held.path, error))

    async def _on_contents_event(
        self, logger: object, schema_id: str, data: dict[str, Any]
    ) -> None:
        if data.get("action") != "delete":
            return
        for held in list(self._open.values()):
            if not held.leases and self._where(held) is None:
                # Otherwise the room's file watcher finds no file, and logs that with a traceback.
                await self._abandon(held)

    def troubles(self) -> Troubles:
        """Return the problems that need a person, in all rooms, also those only pages use."""
        rooms = self._upstream.live_rooms()
        return Troubles(
            tuple(trouble for room in rooms if (trouble := room.trouble) is not None),
            tuple(Copy(room.path, copy, why) for room in rooms for copy, why in room.copies),
        )

    # -- staying open --------------------------------------------------------------------------

    def _touch(self, held: OpenRoom) -> None:
        """Hold the room and postpone its closing."""
        held.used = time.monotonic()
        held.room.clients.add(cast("Any", held.lease))
        self._upstream.cancel_cleanup(held.room)
        if held.timer is None:
            self._arm(held, self.idle_seconds)

    def _arm(self, held: OpenRoom, seconds: float) -> None:
        held.timer = asyncio.get_running_loop().call_later(seconds, self._on_idle, held)

    def _on_idle(self, held: OpenRoom) -> None:
        held.timer = None
        rest = held.used + self.idle_seconds - time.monotonic()
        if held.needed or rest > 0:
            self._arm(held, max(rest, self.idle_seconds / 4))
        else:
            held.closing = asyncio.create_task(self._close_idle(held), name="jmcp room closer")

    @contextmanager
    def lease(self, notebook: LiveNotebook) -> Iterator[None]:
        """Keep a notebook's room open while the block runs."""
        held = self._open.get(room_id(notebook.file_id))
        if held is None or held.notebook is not notebook:
            raise UnavailableError("The notebook has been closed. Call the tool again.")
        held.leases += 1
        self._touch(held)
        try:
            yield
        finally:
            held.leases -= 1
            held.used = time.monotonic()

    async def _close_idle(self, held: OpenRoom) -> None:
        """Leave an idle room, and close it if nobody else is in it."""
        where = self._where(held)
        there = where is not None and await self._contents.look(where) is not None
        saved = not there or not held.room.autosave.unsaved or await self._upstream.save(held.room)
        if self._open.get(held.room.room_id) is not held:
            return
        if held.leases or time.monotonic() - held.used < self.idle_seconds or not saved:
            # Unsaved changes exist only in this room, so it stays open until a save works.
            self._arm(held, self.idle_seconds)
            return
        self._forget(held)
        held.room.clients.discard(cast("Any", held.lease))
        await self._upstream.close(held.room, lambda: held.room.room_id in self._open)

    def _forget(self, held: OpenRoom) -> None:
        self._open.pop(held.room.room_id, None)
        held.release()

    # -- saving and ending ---------------------------------------------------------------------

    async def save(self, notebook: LiveNotebook) -> None:
        """Write the notebook to disk now.

        Raises
        ------
        UnavailableError
            The file could not be written; the edits are still in the open document.
        """
        held = self._open.get(room_id(notebook.file_id))
        if held is not None and not await self._upstream.save(held.room):
            raise UnavailableError(
                f"'{notebook.path}' could not be saved. The changes are only in the open notebook. "
                "Ask the user to check the disk and the file's permissions."
            )

    async def stop(self, seconds: float = 2.0) -> None:
        """Save every notebook and disconnect every page, so that the server can shut down."""
        self._openings.close()
        try:
            rooms = self._upstream.live_rooms()
        except UnavailableError:
            return
        with suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                # A notebook may change while it is being saved. If people have switched autosave
                # off, nothing else would write the changes.
                for _ in range(MAX_SAVES):
                    tasks = [self._upstream.start_saving(room) for room in rooms]
                    if not (saves := [task for task in tasks if task is not None]):
                        break
                    await asyncio.wait(saves)
        self._upstream.close_websockets()
        await self._upstream.end_histories(seconds)
        for held in list(self._open.values()):
            self._forget(held)
