"""The history of a room: every update, in a store on disk, from which a page reconnects.

jupyter-server-ydoc starts a write for each update. One takes several trips to a thread and a
commit, so where agents edit or a cell prints, writes queue up faster than they are done: most of
the server's time goes into them, and the history falls behind the document. Here a write takes
along all that came since the one before it.
"""

from __future__ import annotations

import asyncio
import time
from contextlib import suppress
from typing import TYPE_CHECKING, Any

from pycrdt import merge_updates

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from pycrdt import Doc

GATHER_SECONDS = 0.1
"""From an update to its write: a short run and what it puts out are over by then, and the trips of
the write do not stand in their way."""

FINISH_SECONDS = 10.0


class History:
    """Gathers what one room writes into its store.

    Parameters
    ----------
    write : Callable
        Writes one update.
    checkpoint : Callable, optional
        Writes the whole document, from which reading begins.
    every : int, optional
        The writes from one checkpoint to the next.
    """

    def __init__(
        self,
        write: Callable[[bytes], Awaitable[None]],
        checkpoint: Callable[[], Awaitable[None]] | None = None,
        every: int = 0,
    ) -> None:
        self._write = write
        self._checkpoint = checkpoint
        self._every = every
        self._count = 0
        self._updates: list[bytes] = []
        self._gathering: asyncio.Event | None = None
        self._turn = asyncio.Lock()
        self._hurry = asyncio.Event()

    async def write(self, update: bytes) -> None:
        """Return once the update is in the store.

        The first that comes after a write was begun does the next one; the others wait for that
        one, and not for a turn of their own: where updates never stop, turns would be asked for
        faster than they come.
        """
        self._updates.append(update)
        if self._gathering is not None:
            await self._gathering.wait()
            return
        written = self._gathering = asyncio.Event()
        try:
            async with self._turn:
                with suppress(TimeoutError):
                    async with asyncio.timeout(GATHER_SECONDS):
                        await self._hurry.wait()
                updates, self._updates = self._updates, []
                self._gathering = None
                await self._write(merge_updates(*updates) if len(updates) > 1 else updates[0])
                await self._count_write()
        finally:
            if self._gathering is written:
                # Called off before it began; the next one takes the updates along.
                self._gathering = None
            written.set()

    async def written(self) -> None:
        """Return once everything that was given to `write` so far is in the store."""
        self._hurry.set()
        try:
            async with self._turn:
                pass
        finally:
            self._hurry.clear()

    async def _count_write(self) -> None:
        self._count += 1
        if self._checkpoint is not None and self._count >= self._every:
            self._count = 0
            await self._checkpoint()


def gather(room: Any) -> None:  # noqa: ANN401 - of any kind
    """Gather the updates of a room from now on; whoever opened it."""
    store = room.ystore
    if store is None or hasattr(store, "jmcp_history"):
        return
    every = getattr(store, "checkpoint_interval", None)
    if every:
        # Upstream makes a checkpoint by reading the last one and all updates since into a new
        # document, on the event loop. The room has that document.
        store.checkpoint_interval = None
        store.jmcp_history = History(store.write, lambda: _checkpoint(store, room.ydoc), every)
    else:
        store.jmcp_history = History(store.write)
    store.write = store.jmcp_history.write


async def _checkpoint(store: Any, document: Doc[Any]) -> None:  # noqa: ANN401 - no public name
    """Write a document where the `SQLiteYStore` of pycrdt-store 0.1.5 keeps a checkpoint.

    A reader takes it and then the updates that were stored since. That it has some of these already
    does no harm.
    """
    async with store.lock:
        # Nothing is awaited between the two: an update that is not in the document has a later
        # time than the checkpoint.
        now, state = time.time(), document.get_update()
        packed = store._compress(state) if store._compress else state
        async with store._db:
            cursor = await store._db.cursor()
            await cursor.execute(
                "INSERT OR REPLACE INTO ycheckpoints (path, checkpoint, timestamp) "
                "VALUES (?, ?, ?)",
                (store.path, packed, now),
            )


async def finish(room: Any) -> None:  # noqa: ANN401 - of any kind
    """Wait until the updates of a room are in its store, whoever opened the room.

    Stopping the room cancels a write half-way; its transaction would stay open, and for 5 s
    every other room would find the database locked.
    """
    stream = getattr(room, "_update_receive_stream", None)
    store = getattr(room, "ystore", None)
    if stream is None or store is None:
        return
    history: History | None = getattr(store, "jmcp_history", None)
    with suppress(TimeoutError):
        async with asyncio.timeout(FINISH_SECONDS):
            while stream.statistics().current_buffer_used:  # noqa: ASYNC110 - no event for it
                await asyncio.sleep(0)
            # The writes that were just started wait for their turn from their first step on.
            await asyncio.sleep(0)
            await asyncio.sleep(0)
            if history is not None:
                await history.written()
            else:
                # A page opened it: its writes wait for the store itself, in their order.
                async with store.lock:
                    pass


async def close(store: Any) -> None:  # noqa: ANN401 - of any kind
    """Close a store, if it is open."""
    # It was never started, or is stopped.
    with suppress(RuntimeError, AttributeError):
        await store.stop()
