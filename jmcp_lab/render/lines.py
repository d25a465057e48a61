"""Lines of long texts, and lines of a reply."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import takewhile

_STEP = 1 << 14
"""Characters in which line breaks are counted at once."""


def line_count(text: str) -> int:
    """Return how many lines a text has; a line break at its end does not start another line."""
    return text.count("\n") + (bool(text) and not text.endswith("\n"))


def lines_from(text: str, first: int) -> Iterator[str]:
    """Yield the lines of a text from line `first` on, counted from 1 as `line_count` counts.

    The text is never split as a whole.
    """
    at = _start(text, first)
    while at is not None and at < len(text):
        end = text.find("\n", at)
        if end < 0:
            yield text[at:]
            return
        yield text[at:end]
        at = end + 1


def _start(text: str, line: int) -> int | None:
    """Return where a line starts, or None when there is no such line."""
    at, left = 0, line - 1
    while left and at < len(text):
        breaks = text.count("\n", at, at + _STEP)
        if breaks >= left:
            for _ in range(left):
                at = text.find("\n", at) + 1
            return at
        left -= breaks
        at += _STEP
    return None if left else at


class LineBudget:
    """The lines of a reply, as many as there is room for.

    Parameters
    ----------
    room : int
        Characters of all lines together, line breaks included.
    always_one : bool, optional
        Whether the first line fits however long it is, so that paging gets on.
    """

    def __init__(self, room: int, *, always_one: bool = False) -> None:
        self._room = room
        self._always_one = always_one
        self.lines: list[str] = []

    def add(self, line: str) -> bool:
        """Add a line, and return whether there was room for it."""
        self._room -= len(line) + 1
        if self._room < 0 and not (self._always_one and not self.lines):
            return False
        self.lines.append(line)
        return True

    def fill(self, lines: Iterable[str]) -> int:
        """Add lines up to the first that does not fit, and return how many were added."""
        return sum(1 for _ in takewhile(self.add, lines))
