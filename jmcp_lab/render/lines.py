"""Lines of a long text, without splitting all of it."""

from __future__ import annotations

from collections.abc import Iterator

_STEP = 1 << 14
"""Characters in which line breaks are counted at once."""


def line_count(text: str) -> int:
    """Return how many lines a text has; the line break at its end begins no other."""
    return text.count("\n") + (bool(text) and not text.endswith("\n"))


def lines_from(text: str, first: int) -> Iterator[str]:
    """Yield the lines of a text from one on, which is counted from 1, as `line_count` counts."""
    at = _start(text, first)
    while at is not None and at < len(text):
        end = text.find("\n", at)
        if end < 0:
            yield text[at:]
            return
        yield text[at:end]
        at = end + 1


def _start(text: str, line: int) -> int | None:
    """Return where a line starts, or None when there is none."""
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
