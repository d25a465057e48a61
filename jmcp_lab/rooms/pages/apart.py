"""Pages that could not be brought together with their document, and when they come again.

A page whose connection ends comes back by itself after a tenth of a second, with all that was typed
there. The pause that grows is here, before the connection ends.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

FIRST_SECONDS = 1.0
LONGEST_SECONDS = 30.0
"""From a failure to the end of the connection; doubled each time up to the longest."""

GONE_SECONDS = 15.0
"""A page that has not come back by then was closed."""


class Apart:
    """Whether a page of one room is apart from its document.

    Parameters
    ----------
    changed : Callable
        Called when `failure` is another.

    Attributes
    ----------
    failure : Exception or None
        Why a page could not be brought together with the document.
    """

    def __init__(self, changed: Callable[[], None]) -> None:
        self.failure: Exception | None = None
        self._changed = changed
        self._pause = FIRST_SECONDS
        self._gone: asyncio.TimerHandle | None = None

    def failed(self, error: Exception) -> float:
        """Note a failure; return in how many seconds the page may come again."""
        self.close()
        pause, self._pause = self._pause, min(self._pause * 2, LONGEST_SECONDS)
        loop = asyncio.get_running_loop()
        self._gone = loop.call_later(pause + GONE_SECONDS, self.together)
        self.failure = error
        self._changed()
        return pause

    def together(self) -> None:
        """Note that a page and the document are one, or that the page is gone."""
        self.close()
        self._pause = FIRST_SECONDS
        if self.failure is not None:
            self.failure = None
            self._changed()

    def close(self) -> None:
        """Wait for no page."""
        if self._gone is not None:
            self._gone.cancel()
            self._gone = None
