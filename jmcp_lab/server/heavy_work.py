"""Work that keeps a thread busy for long, beside an event loop that has to go on.

Python runs one thread at a time. Whoever wants to go on asks for that, and has it after the switch
interval; another thread that waits as well may come first. With three busy threads the loop waits
15 ms each time it has looked at its sockets, which it does a dozen times for each page. So heavy
work is done by one thread at a time, in the order in which it came; meanwhile the interval is short
and the garbage collector pauses. Two at a time would be done no sooner: both need the same lock.
"""

from __future__ import annotations

import sys
import threading
from collections import deque
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, ParamSpec, TypeVar

from .garbage_collector import collector_paused

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

SWITCH_SECONDS = 0.0005
"""How long the loop waits for a thread that is busy; usually Python has it wait ten times that."""

MANY_VALUES = 2000
"""To go through a notebook with more values takes the event loop more than some milliseconds."""

LONG_TEXTS = 2_000_000
"""The same for the characters of its texts."""

Arguments = ParamSpec("Arguments")
Result = TypeVar("Result")


class _Line:
    """A lock that is had in the order in which it was asked for: Python's own starve who waits."""

    def __init__(self) -> None:
        self._guard = threading.Lock()
        self._is_held = False
        self._waiting: deque[threading.Lock] = deque()

    def __enter__(self) -> None:
        turn = threading.Lock()
        with self._guard:
            if not self._is_held:
                self._is_held = True
                return
            turn.acquire()
            self._waiting.append(turn)
        # Whoever has it now hands it over.
        turn.acquire()

    def __exit__(self, *error: object) -> None:
        with self._guard:
            if self._waiting:
                self._waiting.popleft().release()
            else:
                self._is_held = False


class _ShortTurns:
    """Makes the switch interval short while anybody is in it."""

    def __init__(self) -> None:
        self._guard = threading.Lock()
        self._inside = 0
        self._before = 0.0

    def __enter__(self) -> None:
        with self._guard:
            if not self._inside:
                self._before = sys.getswitchinterval()
                sys.setswitchinterval(min(self._before, SWITCH_SECONDS))
            self._inside += 1

    def __exit__(self, *error: object) -> None:
        with self._guard:
            self._inside -= 1
            if not self._inside:
                sys.setswitchinterval(self._before)


_line, _short_turns = _Line(), _ShortTurns()


@contextmanager
def alone() -> Iterator[None]:
    """Wait for the turn of this thread, and let the block be the only heavy work.

    Never on the event loop, and not within another such block.
    """
    with _line, collector_paused(), _short_turns:
        yield


def in_turn(
    work: Callable[Arguments, Result], *arguments: Arguments.args, **named: Arguments.kwargs
) -> Result:
    """Return what a function returns that is heavy work."""
    with alone():
        return work(*arguments, **named)


def in_short_turns(
    work: Callable[Arguments, Result], *arguments: Arguments.args, **named: Arguments.kwargs
) -> Result:
    """Return what a function returns that must not wait for other heavy work, such as a save."""
    with collector_paused(), _short_turns:
        return work(*arguments, **named)


def takes_long(content: dict[str, Any]) -> bool:
    """Return whether a notebook has many cells, or few with much in them."""
    values = characters = 0
    waiting: list[Any] = [content]
    while waiting:
        part = waiting.pop()
        if isinstance(part, str):
            characters += len(part)
        elif isinstance(part, dict | list | tuple):
            values += len(part)
            if values <= MANY_VALUES:
                waiting += part.values() if isinstance(part, dict) else part
        if values > MANY_VALUES or characters > LONG_TEXTS:
            return True
    return False
