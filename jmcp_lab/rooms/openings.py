"""Notebooks that are being opened: each once at a time, and none keeps another one waiting."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any, Generic, TypeVar

from ..errors import UnavailableError
from ..files.names import shown

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine

OPEN_SECONDS = 30.0
"""How long a call waits for a notebook to be opened; a large one on a slow disk takes long."""

Opened = TypeVar("Opened")


class Openings(Generic[Opened]):
    """Opens notebooks for calls, which may come for the same one at the same time.

    A drive that does not answer can keep an opening for as long as it likes. So the opening is
    nobody's in particular: who has waited long enough is told, and it goes on for who comes later.
    """

    def __init__(self) -> None:
        self._tasks: dict[str, asyncio.Task[Opened]] = {}

    async def open(self, path: str, start: Callable[[], Coroutine[Any, Any, Opened]]) -> Opened:
        """Return what opening a path gives, begun with `start` unless it is under way.

        Raises
        ------
        UnavailableError
            It takes too long, or the server ends.
        """
        task = self._tasks.get(path)
        if task is None or task.done():
            task = self._tasks[path] = asyncio.create_task(start(), name="jmcp opening")
            task.add_done_callback(lambda ended: self._on_end(path, ended))
        await asyncio.wait([task], timeout=OPEN_SECONDS)
        if not task.done():
            raise UnavailableError(
                f"'{shown(path)}' is not open after {OPEN_SECONDS:.0f} seconds, so nothing was "
                "changed: the drive or service that it is on does not answer, or is very slow. "
                "Tell the user. Opening it goes on: try again later. Other notebooks are not "
                "affected."
            )
        if task.cancelled():
            raise UnavailableError("The server is ending, so nothing is opened.")
        return task.result()

    def close(self) -> None:
        """Open nothing more."""
        for task in self._tasks.values():
            task.cancel()

    def _on_end(self, path: str, task: asyncio.Task[Opened]) -> None:
        if self._tasks.get(path) is task:
            del self._tasks[path]
        if not task.cancelled():
            # Whoever waited is told; where nobody did, nobody has to be.
            task.exception()
