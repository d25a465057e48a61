"""One execute request: what has come back for it, and whether that is everything."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable

    from .output_sink import OutputSink

SETTLE_SECONDS = 5.0
"""Maximum seconds to wait for the missing one of shell reply and idle status after the last
message.
"""

SETTLE_LOOKS = 5
"""Number of checks in that time; after a long block, the event loop has not read all messages yet.
"""

USUAL_GAP = 6
"""Number of published messages that may be missing in the count when nothing was dropped."""


class Execution:
    """One execute request.

    Attributes
    ----------
    started : bool
        Whether the kernel has begun to run it.
    reply : dict or None
        The content of the shell reply.
    idle : bool
        Whether the kernel has reported that it has published everything.
    finished : Future
        Done when both have come, or when one has and no message came for `SETTLE_SECONDS`.
    over : Event
        Set when it is finished, or its kernel is lost. A task that waits for this event continues
        in the next iteration of the event loop; waiting for one of two futures takes one more.
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

        A kernel that cannot send fast enough drops messages; its high-water mark is 1000. Messages
        on other channels are numbered as well. We see most of those, hence `USUAL_GAP`.
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
        """Count a question, or a reply to somebody else's request: numbered, but not published."""
        self._counted += int(self._first is not None)

    @property
    def dropped(self) -> int:
        """The approximate number of messages that the kernel failed to send."""
        if self._first is None or self._last is None:
            return 0
        gap = self._last - self._first - self._counted
        return gap if gap > USUAL_GAP else 0

    def start(self) -> None:
        """Record that the kernel has begun."""
        if not self.started:
            self.started = True
            if self.on_started is not None:
                self.on_started()

    def settle(self) -> None:
        """Finish if everything has come, or soon if only half of it has."""
        if self.finished.done():
            return
        if self.idle and self.reply is not None:
            self._finish()
        elif self._timer is None:
            self._look(SETTLE_LOOKS, self._heard)

    def _look(self, left: int, heard: int) -> None:
        """Finish after enough checks in a row that saw no new message."""
        if heard != self._heard:
            # The reader is still working on what was published before the idle status.
            left = SETTLE_LOOKS
        if left == 0:
            self._finish()
            return
        pause = SETTLE_SECONDS / SETTLE_LOOKS
        loop = asyncio.get_running_loop()
        self._timer = loop.call_later(pause, self._look, left - 1, self._heard)

    def drop(self) -> None:
        """Stop waiting."""
        if self._timer is not None:
            self._timer.cancel()

    def _finish(self) -> None:
        self.drop()
        if not self.finished.done():
            self.finished.set_result(None)
            self.over.set()
