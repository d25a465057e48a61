"""One execute request: what came back for it, and whether that is all."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable

    from .output_sink import OutputSink

SETTLE_SECONDS = 5.0
"""How long the second of shell reply and idle status may come after the last that was heard."""

SETTLE_LOOKS = 5
"""In so many steps that is waited: a loop that was held up for long has not read what came."""

USUAL_GAP = 6
"""So many numbers are missing among published messages when nothing was dropped."""


class Execution:
    """One execute request.

    Attributes
    ----------
    started : bool
        The kernel works on it, or did.
    reply : dict or None
        Content of the shell reply.
    idle : bool
        The kernel said that it has published everything.
    finished : Future
        Done when both are there, or one of them and nothing was heard for `SETTLE_SECONDS`.
    over : Event
        Set when it is finished, or its kernel is lost. Whoever waits for this goes on in the next
        turn of the loop; for one of two futures it would be the one after.
    """

    def __init__(self, msg_id: str, sink: OutputSink) -> None:
        self.msg_id = msg_id
        self.sink = sink
        self.started = False
        self.idle = False
        self.reply: dict[str, Any] | None = None
        self.finished: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self.over = asyncio.Event()
        self.on_started: Callable[[], None] | None = None
        self.refused = False
        self.on_question: Callable[[dict[str, Any]], None] | None = None
        self._first: int | None = None
        self._last: int | None = None
        self._counted = 0
        self._heard = 0
        self._timer: asyncio.TimerHandle | None = None

    def count(self, msg_id: str, *, own: bool) -> None:
        """Count a published message by the number that ipykernel gives it.

        A kernel that has no time to send drops messages: its own high-water mark is 1000. What it
        sends on other channels is numbered as well: we see most of that, hence `USUAL_GAP`.
        """
        self._heard += int(own)
        digits = msg_id.rpartition("_")[2]
        if not digits.isdecimal():
            return
        number = int(digits)
        if self._first is None:
            self._first = self._last = number if own else None
        elif self._last is not None and number > self._first:
            self._counted += 1
            self._last = max(self._last, number) if own else self._last

    def count_unpublished(self) -> None:
        """Count a question, or the reply to somebody else's request: numbered, not published."""
        self._counted += int(self._first is not None)

    @property
    def dropped(self) -> int:
        """About how many messages the kernel did not manage to send."""
        if self._first is None or self._last is None:
            return 0
        gap = self._last - self._first - self._counted
        return gap if gap > USUAL_GAP else 0

    def start(self) -> None:
        """Note that the kernel began."""
        if not self.started:
            self.started = True
            if self.on_started is not None:
                self.on_started()

    def settle(self) -> None:
        """Finish if everything is there, or soon if only half of it is."""
        if self.finished.done():
            return
        if self.idle and self.reply is not None:
            self._finish()
        elif self._timer is None:
            self._look(SETTLE_LOOKS, self._heard)

    def _look(self, left: int, heard: int) -> None:
        """Look whether anything still comes, and finish after enough looks that saw nothing."""
        if heard != self._heard:
            # What was published before the idle status is still being read.
            left = SETTLE_LOOKS
        if left == 0:
            self._finish()
            return
        pause = SETTLE_SECONDS / SETTLE_LOOKS
        loop = asyncio.get_running_loop()
        self._timer = loop.call_later(pause, self._look, left - 1, self._heard)

    def drop(self) -> None:
        """Wait for nothing more."""
        if self._timer is not None:
            self._timer.cancel()

    def _finish(self) -> None:
        self.drop()
        if not self.finished.done():
            self.finished.set_result(None)
            self.over.set()
