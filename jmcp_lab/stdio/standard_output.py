"""Writes lines to standard output in a thread, so that a client that reads slowly holds up nothing.

A thread that writes cannot be interrupted. The program waits for it for a moment when it ends, and
no longer.
"""

from __future__ import annotations

import os
import queue
import threading
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

FLUSH_SECONDS = 2.0
"""Seconds that `end` waits for the lines that are still to be written."""


class StandardOutput:
    """Lines to a file descriptor.

    Parameters
    ----------
    broken : callable
        Called from the thread once nobody reads any more.
    descriptor : int, optional
    """

    def __init__(self, broken: Callable[[], None], descriptor: int = 1) -> None:
        self._lines: queue.SimpleQueue[bytes | None] = queue.SimpleQueue()
        self._broken = broken
        self._descriptor = descriptor
        self._thread = threading.Thread(target=self._write, name="standard output", daemon=True)
        self._thread.start()

    def write(self, line: bytes) -> None:
        """Write a line, which holds no line end itself."""
        self._lines.put(line)

    def end(self) -> None:
        """Write what is left, if anybody reads it."""
        self._lines.put(None)
        self._thread.join(FLUSH_SECONDS)

    def _write(self) -> None:
        while (line := self._lines.get()) is not None:
            rest = memoryview(line + b"\n")
            try:
                while rest:
                    rest = rest[os.write(self._descriptor, rest) :]
            except OSError:
                self._broken()
                return
