"""Run work that keeps a thread busy for long beside an event loop that must keep running.

Python runs one thread at a time. A thread that wants to run requests the lock, and gets it after
the switch interval, unless another waiting thread comes first. With three busy threads, the event
loop waits 15 ms after each poll of its sockets, which it does a dozen times for each page. So only
one thread does heavy work at a time, in order of arrival. Meanwhile the switch interval is short
and the garbage collector is paused. Two threads would not be faster, because both need the same
lock.
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
"""Seconds that the event loop waits for a busy thread; Python's default is ten times that."""

MANY_VALUES = 2000
"""Number of values in a notebook that take the event loop more than some milliseconds to process.
"""

LONG_TEXTS = 2_000_000
"""Number of characters in a notebook's texts that take as long."""

Arguments = ParamSpec("Arguments")
Result = TypeVar("Result")


class _Line:
    """A lock that is granted in order of arrival; Python's own locks can starve a thread."""

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
        # The present holder will release this lock.
        turn.acquire()

    def __exit__(self, *error: object) -> None:
        with self._guard:
            if self._waiting:
                self._waiting.popleft().release()
            else:
                self._is_held = False


class _ShortTurns:
    """Shortens the switch interval while any thread is inside."""

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
    """Wait for this thread's turn, and make the block the only heavy work.

    Never use this on the event loop, or inside another such block.
    """
    with _line, collector_paused(), _short_turns:
        yield


def in_turn(
    work: Callable[Arguments, Result], *arguments: Arguments.args, **named: Arguments.kwargs
) -> Result:
    """Call a function as heavy work, and return its result."""
    with alone():
        return work(*arguments, **named)


def in_short_turns(
    work: Callable[Arguments, Result], *arguments: Arguments.args, **named: Arguments.kwargs
) -> Result:
    """Call a function that must not wait for other heavy work, such as a save."""
    with collector_paused(), _short_turns:
        return work(*arguments, **named)


def takes_long(content: dict[str, Any]) -> bool:
    """Return whether a notebook has many cells, or few large ones."""
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
