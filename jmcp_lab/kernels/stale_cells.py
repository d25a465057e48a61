"""Reset cells that still show [*] although the server that ran them was killed.

The shared document, not the file, records that a cell is running. A server that shuts down in order
resets it. A killed one leaves it in the history on disk and in the pages, which bring it to the
next server. It is wrong there as long as the notebook has no kernel.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any, cast
from weakref import WeakSet

from ..notebooks.cell_order import plain
from ..notebooks.live_notebook import LiveNotebook
from ..outputs.cell_writer import CellOutputWriter
from ..rooms.live_room import LiveRoom
from ..rooms.upstream.ydoc_server import NOTHING_NEW, SESSION_EVENTS, Upstream

if TYPE_CHECKING:
    from jupyter_server.serverapp import ServerApp
    from jupyter_ydoc import YNotebook

    from .sessions import KernelSessions


class StaleCells:
    """Removes the [*] from cells of notebooks without a kernel, when a room opens.

    Pages as well as jmcp_lab open rooms, so this follows the events of all rooms.

    Parameters
    ----------
    serverapp : ServerApp
    sessions : KernelSessions
    """

    def __init__(self, serverapp: ServerApp, sessions: KernelSessions) -> None:
        self._serverapp = serverapp
        self._sessions = sessions
        self._upstream = Upstream(serverapp, LiveRoom)
        self._followed: WeakSet[Any] = WeakSet()
        self._tasks: set[asyncio.Task[None]] = set()

    def listen(self) -> None:
        """Check every room that opens from now on."""
        events = self._serverapp.event_logger
        if events is not None and SESSION_EVENTS in events.schemas:
            events.add_listener(schema_id=SESSION_EVENTS, listener=cast("Any", self._on_event))

    async def _on_event(self, logger: object, schema_id: str, data: dict[str, Any]) -> None:
        if data.get("action") != "initialize":
            return
        name = str(data.get("room"))
        room = self._upstream.notebook_room(name)
        if room is None or room in self._followed:
            return
        self._followed.add(room)
        self._upstream.on_joining_update(room, lambda update: self._on_joining_update(name, update))
        await self.settle(name)

    def _on_joining_update(self, name: str, update: bytes) -> None:
        """Check again when a page returns with updates that the history lacks."""
        if update == NOTHING_NEW:
            return
        # The document applies the update as soon as this returns.
        task = asyncio.get_running_loop().create_task(self.settle(name))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def settle(self, name: str) -> None:
        """Show every cell of a notebook as idle, if nothing can be running it."""
        room = self._upstream.notebook_room(name)
        if room is None:
            return
        path = room.path
        if await self._sessions.find(path) is not None:
            return
        notebook = LiveNotebook(
            cast("YNotebook", room.document), lambda: path, name.rsplit(":", 1)[-1]
        )
        try:
            await notebook.ready()
            with notebook.reading():
                # The array itself would walk to each cell from its start.
                cells = notebook.shared_cells()
                states = [state for cell in cells for state in plain(cell, "execution_state")]
            running = [i for i, s in zip(notebook.ids, states, strict=True) if s == "running"]
            for cell_id in running:
                CellOutputWriter(notebook, cell_id).set_state("idle")
        finally:
            notebook.close()
