"""The history of a room: every update, in a store on disk, from which a page reconnects.

jupyter-server-ydoc starts a write for each update. One takes several trips to a thread and a
commit, so where agents edit or a cell prints, writes queue up faster than they are done: most of
the server's time goes into them, and the history falls behind the document. Here a write takes
along all that came since the one before it.
"""

from __future__ import annotations

import asyncio
from contextlib import suppress
from typing import TYPE_CHECKING, Any

from pycrdt import merge_updates

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

GATHER_SECONDS = 0.1
"""From the start of one write to the next. An update that comes alone is written at once."""

FINISH_SECONDS = 10.0


class History:
    """Gathers what one room writes into its store.

    Parameters
    ----------
    write : Callable
        Writes one update.
    """

    def __init__(self, write: Callable[[bytes], Awaitable[None]]) -> None:
        self._write = write
        self._updates: list[bytes] = []
        self._gathering: asyncio.Event | None = None
        self._turn = asyncio.Lock()
        self._next = 0.0

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
                clock = asyncio.get_running_loop().time
                await asyncio.sleep(self._next - clock())
                self._next = clock() + GATHER_SECONDS
                updates, self._updates = self._updates, []
                self._gathering = None
                await self._write(merge_updates(*updates) if len(updates) > 1 else updates[0])
        finally:
            if self._gathering is written:
                # Called off before it began; the next one takes the updates along.
                self._gathering = None
            written.set()

    async def written(self) -> None:
        """Return once everything that was given to `write` so far is in the store."""
        async with self._turn:
            pass


def gather(room: Any) -> None:  # noqa: ANN401 - of any kind
    """Gather the updates of a room from now on; whoever opened it."""
    store = room.ystore
    if store is not None and not hasattr(store, "jmcp_history"):
        store.jmcp_history = History(store.write)
        store.write = store.jmcp_history.write


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
