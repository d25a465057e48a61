"""The time that a call may take before anybody is asked: whatever it reads from, it ends."""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

from ..calls.call import CallState
from ..errors import UnavailableError

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from ..calls.call import Call

ANSWER_SECONDS = 40.0
"""How long a call may take that nobody has to allow, or until somebody is asked."""


@asynccontextmanager
async def answering(call: Call) -> AsyncIterator[None]:
    """End a call that waits too long for what it reads; nothing is allowed to change yet.

    Raises
    ------
    UnavailableError
    """
    loop = asyncio.get_running_loop()

    def on_time() -> None:
        if call.state is CallState.RECEIVED:
            limit.reschedule(loop.time())

    limit = asyncio.timeout(None)
    timer = loop.call_later(ANSWER_SECONDS, on_time)
    try:
        async with limit:
            yield
    except TimeoutError:
        if not limit.expired():
            raise
        raise UnavailableError(
            f"This had not come to its end after {ANSWER_SECONDS:.0f} seconds and was given up; "
            "nothing was changed. The drive or service that the file is on may not answer, or is "
            "very slow. Tell the user. Files on other drives are not affected."
        ) from None
    finally:
        timer.cancel()
