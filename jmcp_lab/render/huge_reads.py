"""Only one reply at a time holds huge outputs: many of them would fill the server's memory.

The size of an output is known only after it was read from the document. A reply that finds it huge
while another reply holds huge outputs drops what it read, waits for its turn and reads it again.
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
"""Seconds that a reply waits for its turn."""

_has_turn: ContextVar[bool] = ContextVar("has_turn", default=False)


class _TakenError(Exception):
    """Another reply holds huge outputs."""


class HugeReads:
    """The turn to hold huge outputs, for one event loop."""

    def __init__(self) -> None:
        self._lock = asyncio.Lock()

    async def reply(self, read: Callable[[], Awaitable[Reply]]) -> Reply:
        """Return the result of a function; call it again in its turn if another reply has the turn.

        Raises
        ------
        UnavailableError
            Other replies take too long.
        """
        try:
            return await read()
        except _TakenError:
            pass
        # Nothing refers to the outputs that were read any more.
        try:
            async with asyncio.timeout(WAIT_SECONDS):
                await self._lock.acquire()
        except TimeoutError:
            raise UnavailableError(
                "Other calls are reading very large outputs at the moment. Try again later, or "
                "pass outputs=false."
            ) from None
        _has_turn.set(True)
        try:
            return await read()
        finally:
            _has_turn.set(False)
            self._lock.release()

    @asynccontextmanager
    async def held(self) -> AsyncIterator[None]:
        """Let the block hold huge outputs; only for functions that `reply` calls."""
        if _has_turn.get():
            yield
            return
        if self._lock.locked():
            raise _TakenError
        async with self._lock:
            yield
