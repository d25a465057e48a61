"""When an open document is written to its file.

jupyter-server-ydoc begins to wait anew with each change, and a change calls off a save that is
under way: while a cell prints, or somebody types without a pause, nothing is ever written. Here a
change is written after a second of quiet, and after a few seconds whatever goes on; a save that
fails is tried again until it works.
"""

from __future__ import annotations

import asyncio
import logging
from typing import TYPE_CHECKING

from ...files.save_errors import SlowSaveError
from ...server.containment import contained

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

LONGEST_SECONDS = 3.0
"""From the first change to its save, where changes never stop."""

SLOW_SECONDS = 5.0
"""After so long a save that has not come to its end is told as one that may never do."""

RETRY_SECONDS = 1.0
MAX_RETRY_SECONDS = 30.0
"""From one failed save to the next try; doubled each time up to the maximum."""

_log = logging.getLogger("jmcp_lab")


class Autosave:
    """Saves one document.

    Parameters
    ----------
    write : Callable
        Writes the document as it is now; raises what went wrong.
    told : Callable
        Told of each outcome: None, or what went wrong; and of a save that takes too long.
    quiet : float or None
        Seconds without a change before a save; None never saves by itself.

    Attributes
    ----------
    failure : Exception or None
        Why the last save did not work, or has not by now.
    """

    def __init__(
        self,
        write: Callable[[], Awaitable[None]],
        told: Callable[[Exception | None], None],
        quiet: float | None,
    ) -> None:
        self.failure: Exception | None = None
        self._write = write
        self._told = told
        self._quiet = quiet
        self._due: float | None = None
        self._timer: asyncio.TimerHandle | None = None
        self._task: asyncio.Task[None] | None = None
        self._changes = self._saved = self._looked = 0
        self._retry = RETRY_SECONDS
        self._closed = False
        self._wanted = True

    @property
    def unsaved(self) -> bool:
        """Whether something has changed that is not saved yet."""
        return self._changes != self._saved

    @property
    def pending(self) -> bool:
        """Whether a save will come by itself that nothing speaks against."""
        armed = self._timer is not None or self._running
        return self.unsaved and armed and self.failure is None

    @property
    def covers_all(self) -> bool:
        """Whether nothing has changed since the save that is under way looked at the document."""
        return self._changes == self._looked

    def changed(self, *, wanted: bool) -> None:
        """Save soon, if that is wanted: the document has changed."""
        self._changes += 1
        self._wanted = wanted
        if not wanted or self._quiet is None or self._closed or self._running:
            # The save that is under way looks for changes when it has ended.
            return
        if self.failure is not None and self._timer is not None:
            # It is tried again at its time, and changes do not hurry that.
            return
        self._arm_in_time(self._quiet)

    def save(self) -> asyncio.Task[None]:
        """Save now; the task raises what went wrong.

        What changes while the file is written is saved by the task as well, as far as it comes
        before the task has begun to look at the document.
        """
        if self._task is None or self._task.done():
            self._task = asyncio.create_task(self._run(), name="jmcp save")
        elif self._changes != self._saved:
            # The one under way may have looked already.
            return asyncio.create_task(self._after(self._task), name="jmcp save")
        return self._task

    async def finish(self, seconds: float) -> bool:
        """Save what is not saved yet, within some seconds; return whether all is."""
        try:
            async with asyncio.timeout(seconds):
                while self.unsaved or self._running:
                    await self.save()
        except Exception:
            # A save that fails has told so.
            return False
        return True

    def close(self) -> None:
        """Save no more."""
        self._closed = True
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    # -- at work -----------------------------------------------------------------------------------

    @property
    def _running(self) -> bool:
        return self._task is not None and not self._task.done()

    def _arm_in_time(self, quiet: float) -> None:
        """Save after some quiet, or when the first change has waited for long enough."""
        now = asyncio.get_running_loop().time()
        if self._due is None:
            self._due = now + LONGEST_SECONDS
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
            # It has told what went wrong, and nobody else waits for it.
            self.save().add_done_callback(lambda task: task.cancelled() or task.exception())

    async def _after(self, earlier: asyncio.Task[None]) -> None:
        await asyncio.wait([earlier])
        await asyncio.shield(self.save())

    async def _run(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        self._due = None
        changes = self._looked = self._changes
        slow = asyncio.get_running_loop().call_later(SLOW_SECONDS, self._on_slow)
        try:
            with contained():
                await self._write()
        except Exception as error:
            self._task = None
            self._fail(error)
            raise
        except BaseException:
            # Somebody called it off, and nothing went wrong.
            self._task = None
            self._try_again()
            raise
        finally:
            slow.cancel()
        self._task = None
        self._saved = max(self._saved, changes)
        self._retry = RETRY_SECONDS
        self.failure = None
        self._told(None)
        if self.unsaved and self._wanted and self._quiet is not None:
            self._arm_in_time(self._quiet)

    def _on_slow(self) -> None:
        if self.failure is None:
            self.failure = SlowSaveError()
            self._told(self.failure)

    def _fail(self, error: Exception) -> None:
        self.failure = error
        self._told(error)
        self._try_again()

    def _try_again(self) -> None:
        if self._wanted and self._quiet is not None:
            self._arm(self._retry)
            self._retry = min(self._retry * 2, MAX_RETRY_SECONDS)
