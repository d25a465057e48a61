"""Find the lines that match a pattern; also a program that searches for a regular expression.

A regular expression comes from outside, and one of twenty characters can run for ever or fill the
memory. Python's `re` cannot be interrupted, so it runs in a separate process, with limits. This
module imports only the standard library, so that the program starts in a few hundredths of a
second.

The program reads lines of JSON. The first one is

    {"pattern": …, "most": …, "seconds": …, "bytes": …}

and the others are the texts, one string on each line. It writes ``{"invalid": reason}`` or

    {"hits": [[number of the text, line, offset, words], …]}
"""

from __future__ import annotations

import json
import math
import re
import sys
import time
from collections.abc import Iterable, Iterator

AROUND = 160
"""Maximum characters shown of a line with a match."""

WINDOW = 1 << 18
"""Maximum characters searched at once; no other thread of the process runs during that time."""

Line = tuple[int, int, str]
"""The line's number from 1, its offset in the text, and its content."""


def lines_with(
    text: str, found: re.Pattern[str], longest: int | None = None, end: float = math.inf
) -> Iterator[Line]:
    """Yield the lines in which a match begins.

    Parameters
    ----------
    text : str
    found : re.Pattern
    longest : int, optional
        The maximum length of a match. If it is given, the text is searched in pieces.
    end : float, optional
        The time at which to give up between two pieces, on the clock of `time.thread_time`.

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
    """Return a line, shortened to the part around the match if it is long."""
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
    """Limit the resources of this process if the system can; the parent kills it anyway."""
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
            # macOS does not limit memory, but time is limited all the same.
            continue
    os.nice(10)


if __name__ == "__main__":
    print(json.dumps(_answer(sys.stdin.buffer)))
