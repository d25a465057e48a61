"""Python's garbage collector, as this server lets it work.

The collector looks for rings of objects each time that some hundreds more came than went. Modules
and JSON values come by the hundred thousand, in no ring, and it goes through all of them again and
again: a figure of 20,000 traces took 180 ms to be read from a document, 30 ms without it; imports
take a third longer. Whatever thread that is in, no other runs meanwhile.
"""

from __future__ import annotations

import gc
import threading
import time
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from types import TracebackType

MOST_SECONDS = 5.0
"""Where pauses overlap all the time, rings are looked for in between as often as that."""

FULL_EVERY = 10
"""One in so many of these times all objects are looked at, which takes some 0.1 s."""


class _Paused:
    """A context for many threads at once; the last who leaves it ends the pause."""

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
            elif time.monotonic() - self._since > MOST_SECONDS:
                self._since, is_due = time.monotonic(), True
        if is_due:
            self._looked += 1
            gc.collect(1 if self._looked % FULL_EVERY else 2)


_paused = _Paused()


def collector_paused() -> _Paused:
    """Return the pause, for a ``with`` statement around work in which nothing is awaited."""
    return _paused


def settle() -> None:
    """Tell the collector that what the server has loaded by now is there to stay.

    A full collection stops the server for as long as it takes to go through every object: 0.15 s
    with what a JupyterLab server loads, several times a second while many agents work; a tenth of
    that without it.
    """
    gc.freeze()
