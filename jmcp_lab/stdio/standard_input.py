"""Standard input as lines that nothing waits for at the end.

A thread that reads cannot be interrupted. Those of anyio are waited for when a program ends, so
that it would last until its client closes the other end; this one is not.
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
    """The lines of a descriptor, until it or `end` ends them.

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
        """Let the lines end here."""
        self._lines.put_nowait(None)

    async def __aiter__(self) -> AsyncIterator[str]:
        """Return the lines as they come."""
        while (line := await self._lines.get()) is not None:
            yield line

    def _read(self) -> None:
        rest = b""
        # Unbuffered: a buffer has a lock, which the interpreter needs at its end.
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
        with contextlib.suppress(RuntimeError):  # The loop has ended.
            self._loop.call_soon_threadsafe(self._lines.put_nowait, text)
