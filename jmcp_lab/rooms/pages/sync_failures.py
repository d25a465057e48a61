"""Track pages that could not be merged with their document, and when they may reconnect.

A page whose connection ends reconnects by itself after a tenth of a second and resends everything
that was typed there. So the growing pause is on the server, before it closes the connection.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

FIRST_SECONDS = 1.0
MAX_PAUSE_SECONDS = 30.0
"""Maximum seconds from a failure to the end of the connection; the pause doubles up to it."""

GONE_SECONDS = 15.0
"""Seconds after which a page that has not reconnected counts as closed."""


class SyncFailures:
    """Whether a page of one room is out of sync with its document.

    Parameters
    ----------
    changed : Callable
        Called when `failure` changes.

    Attributes
    ----------
    failure : Exception or None
        Why a page could not be merged with the document.
    """

    def __init__(self, changed: Callable[[], None]) -> None:
        self.failure: Exception | None = None
        self._changed = changed
        self._pause = FIRST_SECONDS
        self._gone: asyncio.TimerHandle | None = None

    def failed(self, error: Exception) -> float:
        """Record a failure; return after how many seconds the page may reconnect."""
        self.close()
        pause, self._pause = self._pause, min(self._pause * 2, MAX_PAUSE_SECONDS)
        loop = asyncio.get_running_loop()
        self._gone = loop.call_later(pause + GONE_SECONDS, self.resolved)
        self.failure = error
        self._changed()
        return pause

    def resolved(self) -> None:
        """Record that the page is in sync with the document again, or that it is gone."""
        self.close()
        self._pause = FIRST_SECONDS
        if self.failure is not None:
            self.failure = None
            self._changed()

    def close(self) -> None:
        """Stop waiting for a page."""
        if self._gone is not None:
            self._gone.cancel()
            self._gone = None
