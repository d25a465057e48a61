"""Decide when an open document is written to its file.

jupyter-server-ydoc restarts its timer on every change, and a change cancels a running save. While a
cell prints, or somebody types without a pause, it never writes anything. This module writes after a
second without changes, and after a few seconds in any case. It retries a failed save until it
works.
"""

from __future__ import annotations

import asyncio
import logging
from typing import TYPE_CHECKING

from ...files.save_errors import SlowSaveError
from ...server.containment import contained

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

MAX_DELAY_SECONDS = 3.0
"""Maximum seconds from the first change to its save, if changes never stop."""

SLOW_SECONDS = 5.0
"""Seconds after which an unfinished save is reported as one that may never finish."""

RETRY_SECONDS = 1.0
MAX_RETRY_SECONDS = 30.0
"""Maximum seconds from a failed save to the next attempt; the pause doubles up to it."""

_log = logging.getLogger("jmcp_lab")


class Autosave:
    """Saves one document.

    Parameters
    ----------
    write : Callable
        Writes the document in its present state; raises an exception if that fails.
    report : Callable
        Called with each outcome, None or the error, and with an error when a save takes too long.
    quiet : float or None
        Seconds without a change before a save; None never saves automatically.

    Attributes
    ----------
    failure : Exception or None
        Why the last save failed, or has not finished by now.
    """

    def __init__(
        self,
        write: Callable[[], Awaitable[None]],
        report: Callable[[Exception | None], None],
        quiet: float | None,
    ) -> None:
        self.failure: Exception | None = None
        self._write = write
        self._report = report
        self._quiet = quiet
        self._due: float | None = None
        self._timer: asyncio.TimerHandle | None = None
        self._task: asyncio.Task[None] | None = None
        self._changes = self._saved = self._covered = 0
        self._retry = RETRY_SECONDS
        self._closed = False
        self._wanted = True

    @property
    def unsaved(self) -> bool:
        """Whether there are unsaved changes."""
        return self._changes != self._saved

    @property
    def pending(self) -> bool:
        """Whether an automatic save is due that is expected to succeed."""
        armed = self._timer is not None or self._running
        return self.unsaved and armed and self.failure is None

    @property
    def covers_all(self) -> bool:
        """Whether nothing has changed since the running save read the document."""
        return self._changes == self._covered

    def changed(self, *, wanted: bool) -> None:
        """Record a change of the document, and schedule a save if that is wanted."""
        self._changes += 1
        self._wanted = wanted
        if not wanted or self._quiet is None or self._closed or self._running:
            # The running save checks for changes when it ends.
            return
        if self.failure is not None and self._timer is not None:
            # The retry has its own schedule, which changes do not shorten.
            return
        self._arm_in_time(self._quiet)

    def save(self) -> asyncio.Task[None]:
        """Save now; the task raises the error of a failed save.

        The task also saves changes that are made before it has begun to read the document.
        """
        if self._task is None or self._task.done():
            self._task = asyncio.create_task(self._run(), name="jmcp save")
        elif self._changes != self._saved:
            # The running save may have read the document before the latest change.
            return asyncio.create_task(self._after(self._task), name="jmcp save")
        return self._task

    async def finish(self, seconds: float) -> bool:
        """Save all changes within a time limit; return whether everything is saved."""
        try:
            async with asyncio.timeout(seconds):
                while self.unsaved or self._running:
                    await self.save()
        except Exception:
            # A failed save has reported its error already.
            return False
        return True

    def close(self) -> None:
        """Stop saving."""
        self._closed = True
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    # -- internals ---------------------------------------------------------------------------------

    @property
    def _running(self) -> bool:
        return self._task is not None and not self._task.done()

    def _arm_in_time(self, quiet: float) -> None:
        """Schedule a save after a quiet period, or once the first change has waited long enough."""
        now = asyncio.get_running_loop().time()
        if self._due is None:
            self._due = now + MAX_DELAY_SECONDS
        self._arm(min(quiet, self._due - now))

    def _arm(self, seconds: float) -> None:
        if self._timer is not None:
            self._timer.cancel()
        self._timer = None
        if not self._closed:
            self._timer = asyncio.get_running_loop().call_later(seconds, self._on_timer)

    def _on_timer(self) -> None:
        self._timer = None
        if not self._running:
            # The save itself reports its error, and no caller awaits this task.
            self.save().add_done_callback(lambda task: task.cancelled() or task.exception())

    async def _after(self, earlier: asyncio.Task[None]) -> None:
        await asyncio.wait([earlier])
        await asyncio.shield(self.save())

    async def _run(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        self._due = None
        changes = self._covered = self._changes
        slow = asyncio.get_running_loop().call_later(SLOW_SECONDS, self._on_slow)
        try:
            with contained():
                await self._write()
        except Exception as error:
            self._task = None
            self._fail(error)
            raise
        except BaseException:
            # The save was cancelled; that is not a failure.
            self._task = None
            self._try_again()
            raise
        finally:
            slow.cancel()
        self._task = None
        self._saved = max(self._saved, changes)
        self._retry = RETRY_SECONDS
        self.failure = None
        self._report(None)
        if self.unsaved and self._wanted and self._quiet is not None:
            self._arm_in_time(self._quiet)

    def _on_slow(self) -> None:
        if self.failure is None:
            self.failure = SlowSaveError()
            self._report(self.failure)

    def _fail(self, error: Exception) -> None:
        self.failure = error
        self._report(error)
        self._try_again()

    def _try_again(self) -> None:
        if self._wanted and self._quiet is not None:
            self._arm(self._retry)
            self._retry = min(self._retry * 2, MAX_RETRY_SECONDS)
