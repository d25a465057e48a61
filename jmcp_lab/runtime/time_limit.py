"""Limits how long a call may read before it is answered or a person is asked."""

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
"""Seconds that a call may take if nobody has to allow it, or until somebody is asked."""


@asynccontextmanager
async def answering(call: Call) -> AsyncIterator[None]:
    """End a call that reads for too long; such a call has not changed anything yet.

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
            f"This did not finish within {ANSWER_SECONDS:.0f} seconds and was given up. Nothing "
            "was changed. The file's drive or service may not be responding, or may be very slow. "
            "Tell the user. Files on other drives are not affected."
        ) from None
    finally:
        timer.cancel()
