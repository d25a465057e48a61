"""Finding text: hits by line, within a time limit, off the event loop.

A regular expression comes from outside and can be catastrophic (``(a+)+$``). Python's `re` cannot
be stopped and holds the interpreter's lock while it matches; the package `regex` can and need not.
"""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

import regex

from ..errors import InvalidArgumentError, UnavailableError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

LONGEST_QUERY = 1000

SECONDS = 3.0
"""How long one search may take."""

MOST_HITS = 1000
"""More hits are not counted."""

AROUND = 160
"""Characters of a line that are shown around a hit."""


@dataclass(frozen=True, slots=True)
class Passage:
    """A text to search.

    Parameters
    ----------
    cell_id : str
    output : int
        Number of the output, from 1; 0 for the cell's source.
    text : Callable
        Returns the text. It is called off the event loop: making it may take long.
    """

    cell_id: str
    output: int
    text: Callable[[], str]


@dataclass(frozen=True, slots=True)
class Hit:
    """A line that fits.

    Parameters
    ----------
    cell_id : str
    output : int
        As in the passage.
    line : int
        From 1.
    offset : int
        Of the line's start in the text.
    words : str
        The line, cut around the hit when it is long.
    """

    cell_id: str
    output: int
    line: int
    offset: int
    words: str


def compiled(query: str, *, is_regex: bool) -> regex.Pattern[str]:
    """Return what to search for; plain text ignores case.

    Raises
    ------
    InvalidArgumentError
        The query is empty, too long, or no regular expression.
    """
    if not query:
        raise InvalidArgumentError("'query' is empty; give the text to look for.")
    if len(query) > LONGEST_QUERY:
        raise InvalidArgumentError(f"'query' is longer than {LONGEST_QUERY} characters.")
    if not is_regex:
        return regex.compile(regex.escape(query, literal_spaces=True), regex.IGNORECASE)
    try:
        return regex.compile(query, regex.MULTILINE)
    except (regex.error, RecursionError, OverflowError, ValueError) as error:
        reason = str(error)[:200] if isinstance(error, regex.error) else type(error).__name__
        raise InvalidArgumentError(
            f"'query' is no valid regular expression: {reason}. Leave out regex=true to look for "
            "it as plain text."
        ) from error


def search(
    pattern: regex.Pattern[str], passages: Iterable[Passage], seconds: float = SECONDS
) -> list[Hit]:
    """Return the lines that fit, at most `MOST_HITS`; call it in a thread.

    Raises
    ------
    UnavailableError
        It takes too long.
    """
    end = time.monotonic() + seconds
    hits: list[Hit] = []
    for passage in passages:
        try:
            for hit in _hits(pattern, passage, end):
                hits.append(hit)
                if len(hits) >= MOST_HITS:
                    return hits
        except TimeoutError:
            raise UnavailableError(
                f"The search was stopped after {seconds:.0f} s. A regular expression with nested "
                "repeats, such as (a+)+, can take for ever: make it simpler, look for plain "
                "text, or give outputs=false when the outputs are huge."
            ) from None
    return hits


def _hits(pattern: regex.Pattern[str], passage: Passage, end: float) -> Iterable[Hit]:
    """Yield a hit for each line in which a match begins."""
    text = passage.text()
    at, line, counted = 0, 1, 0
    while at <= len(text):
        rest = end - time.monotonic()
        if rest <= 0:
            raise TimeoutError
        found = pattern.search(text, at, timeout=rest, concurrent=True)
        if found is None:
            return
        first = found.start()
        start = text.rfind("\n", 0, first) + 1
        stop = text.find("\n", first)
        stop = len(text) if stop < 0 else stop
        line += text.count("\n", counted, start)
        counted = start
        words = _around(text, start, stop, first, found.end())
        yield Hit(passage.cell_id, passage.output, line, start, words)
        at = stop + 1


def _around(text: str, start: int, stop: int, first: int, last: int) -> str:
    """Return a line, or as much of it around the match as is shown."""
    if stop - start > AROUND:
        middle = (first + min(last, stop, first + AROUND)) // 2
        left = max(start, min(middle - AROUND // 2, stop - AROUND))
        right = min(stop, left + AROUND)
        return ("…" if left > start else "") + text[left:right] + ("…" if right < stop else "")
    return text[start:stop].strip()
