"""Control when Python's garbage collector runs in this server.

The collector looks for reference cycles each time that a few hundred more objects were created than
freed. Modules and JSON values come by the hundred thousand, without cycles, and it scans all of
them again and again. Reading a figure of 20,000 traces from a document took 180 ms with it and 30
ms without it, and imports take a third longer. No other thread runs meanwhile, whichever thread it
is in.
"""

from __future__ import annotations

import gc
import threading
import time
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from types import TracebackType

MAX_SECONDS = 5.0
"""Maximum seconds between two collections if pauses overlap continuously."""

FULL_EVERY = 10
"""Number of such collections per full one, which takes about 0.1 s."""


class _Paused:
    """A context for many threads at once; the last one that leaves it ends the pause."""

    def __init__(self) -> None:
        self._guard = threading.Lock()
        self._inside = 0
        self._was_on = False
        self._since = 0.0
        self._looked = 0

    def __enter__(self) -> None:
        with self._guard:
            self._inside += 1
            if self._inside == 1:
                self._was_on = gc.isenabled()
                gc.disable()
                self._since = time.monotonic()

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        is_due = False
        with self._guard:
            self._inside -= 1
            if not self._was_on:
                return
            if not self._inside:
                gc.enable()
            elif time.monotonic() - self._since > MAX_SECONDS:
                self._since, is_due = time.monotonic(), True
        if is_due:
            self._looked += 1
            gc.collect(1 if self._looked % FULL_EVERY else 2)


_paused = _Paused()


def collector_paused() -> _Paused:
    """Return a context that pauses the collector, for blocks that do not await."""
    return _paused


def settle() -> None:
    """Exclude everything that the server has loaded so far from garbage collection.

    A full collection stops the server while it scans every object. With what a JupyterLab server
    loads, it takes 0.15 s, several times a second while many agents work. Without that, it takes a
    tenth.
    """
    gc.freeze()
