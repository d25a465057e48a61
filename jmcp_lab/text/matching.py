"""Finds the lines of texts that a pattern fits; also a program that looks for an expression.

A regular expression comes from outside, and one of twenty characters can take for ever or fill the
memory. Python's `re` cannot be stopped, so it runs in a process of its own, with limits. Nothing
but the standard library is imported here: the program starts in a few hundredths of a second.

The program reads lines of JSON: first ``{"pattern": …, "most": …, "seconds": …, "bytes": …}``,
then the texts, one string a line. It writes ``{"hits": [[number of the text, line, offset, words],
…]}``, or ``{"invalid": reason}``.
"""

from __future__ import annotations

import json
import math
import re
import sys
import time
from collections.abc import Iterable, Iterator

AROUND = 160
"""Characters of a line that are shown around a hit."""

WINDOW = 1 << 18
"""Characters that are looked through at once: as long, nobody else in the process has a turn."""

Line = tuple[int, int, str]
"""The line's number from 1, where it starts in the text, and its words."""


def lines_with(
    text: str, found: re.Pattern[str], longest: int | None = None, end: float = math.inf
) -> Iterator[Line]:
    """Yield the lines in which a match begins.

    Parameters
    ----------
    text : str
    found : re.Pattern
    longest : int, optional
        The longest match there can be: the text is looked through in pieces then.
    end : float, optional
        When to give up between two pieces, on the clock of `time.thread_time`.

    Raises
    ------
    TimeoutError
    """
    at, line, counted = 0, 1, 0
    while at <= len(text):
        match = _search(text, at, found, longest, end)
        if match is None:
            return
        first = match.start()
        start = text.rfind("\n", 0, first) + 1
        stop = text.find("\n", first)
        stop = len(text) if stop < 0 else stop
        line += text.count("\n", counted, start)
        counted = start
        yield line, start, _around(text, start, stop, first, match.end())
        at = stop + 1


def _search(
    text: str, at: int, found: re.Pattern[str], longest: int | None, end: float
) -> re.Match[str] | None:
    if longest is None:
        return found.search(text, at)
    for start in range(at, len(text) + 1, WINDOW):
        if time.thread_time() > end:
            raise TimeoutError
        if (match := found.search(text, start, start + WINDOW + longest)) is not None:
            return match
    return None


def _around(text: str, start: int, stop: int, first: int, last: int) -> str:
    """Return a line, or as much of it around the match as is shown."""
    if stop - start > AROUND:
        middle = (first + min(last, stop, first + AROUND)) // 2
        left = max(start, min(middle - AROUND // 2, stop - AROUND))
        right = min(stop, left + AROUND)
        return ("…" if left > start else "") + text[left:right] + ("…" if right < stop else "")
    return text[start:stop].strip()


def _answer(lines: Iterable[bytes]) -> dict[str, object]:
    texts = iter(lines)
    asked = json.loads(next(texts))
    _limit(asked["seconds"], asked["bytes"])
    try:
        found = re.compile(asked["pattern"], re.MULTILINE)
    except (re.error, RecursionError, OverflowError, ValueError) as error:
        reason = str(error) if isinstance(error, re.error) else type(error).__name__
        return {"invalid": reason[:200]}
    hits: list[tuple[int, int, int, str]] = []
    for number, text in enumerate(texts):
        for line in lines_with(json.loads(text), found):
            hits.append((number, *line))
            if len(hits) >= asked["most"]:
                return {"hits": hits}
    return {"hits": hits}


def _limit(seconds: float, memory: int) -> None:
    """Bound what this process takes, where the system can; its parent ends it in any case."""
    try:
        import os
        import resource
    except ImportError:
        return
    cpu = int(seconds) + 1
    for kind, most in ((resource.RLIMIT_AS, memory), (resource.RLIMIT_CPU, cpu)):
        try:
            hard = resource.getrlimit(kind)[1]
            most = most if hard == resource.RLIM_INFINITY else min(most, hard)
            resource.setrlimit(kind, (most, hard))
        except (OSError, ValueError):
            # macOS does not limit memory; time is limited all the same.
            continue
    os.nice(10)


if __name__ == "__main__":
    print(json.dumps(_answer(sys.stdin.buffer)))
