"""Open each notebook only once at a time, so that a slow one does not block the others."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any, Generic, TypeVar

from ..errors import UnavailableError
from ..files.names import shown

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine

OPEN_SECONDS = 30.0
"""Maximum seconds a call waits for a notebook to open; a large one on a slow disk takes long."""

Opened = TypeVar("Opened")


class Openings(Generic[Opened]):
    """Opens notebooks for calls, several of which may ask for the same one at the same time.

    A drive that does not answer can block an opening indefinitely. So no call owns the opening: a
    call that has waited long enough gets an error, and the opening continues for later calls.
    """

    def __init__(self) -> None:
        self._tasks: dict[str, asyncio.Task[Opened]] = {}

    async def open(self, path: str, start: Callable[[], Coroutine[Any, Any, Opened]]) -> Opened:
        """Open a path with `start`, or join an opening of it that is already running.

        Raises
        ------
        UnavailableError
            The opening takes too long, or the server is shutting down.
        """
        task = self._tasks.get(path)
        if task is None or task.done():
            task = self._tasks[path] = asyncio.create_task(start(), name="jmcp opening")
            task.add_done_callback(lambda ended: self._on_end(path, ended))
        await asyncio.wait([task], timeout=OPEN_SECONDS)
        if not task.done():
            raise UnavailableError(
                f"'{shown(path)}' is still not open after {OPEN_SECONDS:.0f} seconds, so nothing "
                "was changed. Its drive or service does not respond or is very slow. Tell the "
                "user. The server keeps trying to open it, so try again later. Other notebooks "
                "are not affected."
            )
        if task.cancelled():
            raise UnavailableError("The server is shutting down, so it opens nothing.")
        return task.result()

    def close(self) -> None:
        """Cancel all openings."""
        for task in self._tasks.values():
            task.cancel()

    def _on_end(self, path: str, task: asyncio.Task[Opened]) -> None:
        if self._tasks.get(path) is task:
            del self._tasks[path]
        if not task.cancelled():
            # Retrieve the exception, so that asyncio does not warn. Every waiting call has raised
            # it already.
            task.exception()
