"""One reply at a time holds outputs so large that many of them would fill the server's memory.

How large an output is shows only once it was taken from the document. A reply that finds it huge
while another one holds such outputs lets go of what it took, waits for its turn and takes it anew.
"""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager
from contextvars import ContextVar
from typing import TYPE_CHECKING

from ..errors import UnavailableError

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable

    from ..calls.call import Reply

WAIT_SECONDS = 120.0
"""How long a reply waits for its turn."""

_has_turn: ContextVar[bool] = ContextVar("has_turn", default=False)


class _TakenError(Exception):
    """Another reply holds such outputs."""


class HugeReads:
    """The turn to hold huge outputs; of one event loop."""

    def __init__(self) -> None:
        self._lock = asyncio.Lock()

    async def reply(self, read: Callable[[], Awaitable[Reply]]) -> Reply:
        """Return what a function returns, called once more when its turn has come.

        Raises
        ------
        UnavailableError
            Others take too long.
        """
        try:
            return await read()
        except _TakenError:
            pass
        # Here nothing refers any more to what was taken.
        try:
            async with asyncio.timeout(WAIT_SECONDS):
                await self._lock.acquire()
        except TimeoutError:
            raise UnavailableError(
                "Other calls are reading very large outputs. Try again later, or give "
                "outputs=false."
            ) from None
        _has_turn.set(True)
        try:
            return await read()
        finally:
            _has_turn.set(False)
            self._lock.release()

    @asynccontextmanager
    async def held(self) -> AsyncIterator[None]:
        """Let the block hold huge outputs, within what `reply` calls."""
        if _has_turn.get():
            yield
            return
        if self._lock.locked():
            raise _TakenError
        async with self._lock:
            yield
