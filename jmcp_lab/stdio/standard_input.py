"""Reads standard input line by line in a thread that does not delay the program's end.

A thread that reads cannot be interrupted. A program waits for asyncio's own threads when it ends,
so it would run until its client closes the other end of the pipe. It does not wait for this thread.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import threading
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

_CHUNK = 65_536


class StandardInput:
    """The lines of a file descriptor, until it ends or `end` is called.

    Parameters
    ----------
    descriptor : int, optional
    """

    def __init__(self, descriptor: int = 0) -> None:
        self._lines: asyncio.Queue[str | None] = asyncio.Queue()
        self._loop = asyncio.get_running_loop()
        self._descriptor = descriptor
        threading.Thread(target=self._read, name="standard input", daemon=True).start()

    def end(self) -> None:
        """End the lines here."""
        self._lines.put_nowait(None)

    async def __aiter__(self) -> AsyncIterator[str]:
        """Return the lines as they arrive."""
        while (line := await self._lines.get()) is not None:
            yield line

    def _read(self) -> None:
        rest = b""
        # Read unbuffered: a buffer has a lock that the interpreter needs when it ends.
        with contextlib.suppress(OSError):
            while chunk := os.read(self._descriptor, _CHUNK):
                *lines, rest = (rest + chunk).split(b"\n")
                for line in lines:
                    self._tell(line)
        if rest:
            self._tell(rest)
        self._tell(None)

    def _tell(self, line: bytes | None) -> None:
        text = None if line is None else line.decode("utf-8", errors="replace")
        with contextlib.suppress(RuntimeError):  # The event loop has ended.
            self._loop.call_soon_threadsafe(self._lines.put_nowait, text)
