r"""Remove line ends and byte order marks for editing, and restore them on saving.

A page's editor counts ``\r\n`` as one character and a shared text as two, so a shared text contains
``\n`` only. A saved file gets its old line ends back. So a comparison with its previous version
shows only the lines that were changed.
"""

from __future__ import annotations

import re
from collections import Counter
from difflib import SequenceMatcher

from .diff import common_ends

BOM = "\ufeff"

MAX_COMPARED = 5_000
"""Maximum number of changed lines that are compared in a file with mixed line ends."""

_BREAK = re.compile(r"\r\n|\r|\n")


def plain(text: str) -> str:
    r"""Return a text with ``\n`` for every line end, and without a byte order mark."""
    text = text.removeprefix(BOM)
    if "\r" not in text:
        return text
    return text.replace("\r\n", "\n").replace("\r", "\n")


def is_plain(text: str) -> bool:
    """Return whether `plain` leaves a text unchanged."""
    return "\r" not in text and not text.startswith(BOM)


def line_end(text: str) -> str:
    r"""Return the most frequent line end of a text; ``\n`` if it has none."""
    return _most_frequent(_BREAK.findall(text))


def as_before(text: str, before: str) -> str:
    r"""Return a plain text with the line ends and the byte order mark of its previous version.

    Parameters
    ----------
    text : str
        With ``\n`` for every line end.
    before : str
        The previous text as it is in the file.

    Returns
    -------
    str
        Every old line keeps its line end. A new line gets that of the line above it.
    """
    if is_plain(before):
        return text
    mark = BOM if before.startswith(BOM) else ""
    old = before.removeprefix(BOM)
    ends = _BREAK.findall(old)
    kinds = set(ends)
    if len(kinds) <= 1:
        return mark + text.replace("\n", kinds.pop() if kinds else "\n")
    return mark + _joined(text.split("\n"), _mixed(text.split("\n"), _BREAK.split(old), ends))


def _mixed(lines: list[str], old: list[str], ends: list[str]) -> list[str | None]:
    """Return the line end of each old line in a text with mixed line ends, or None.

    The last line has no line end, in both versions.
    """
    found: list[str | None] = [None] * (len(lines) - 1)
    head, tail = common_ends(lines, old, min(len(found), len(ends)))
    found[:head] = ends[:head]
    # At the end, the break before a line is the one after the line before.
    found[len(found) - tail :] = ends[len(ends) - tail :]
    middle, old_middle = lines[head : len(found) - tail], old[head : len(ends) - tail]
    if max(len(middle), len(old_middle)) <= MAX_COMPARED:
        for a, b, length in SequenceMatcher(None, middle, old_middle).get_matching_blocks():
            found[head + a : head + a + length] = ends[head + b : head + b + length]
    _changed(found, head, len(found) - tail, ends, head, len(ends) - tail)
    return found


def _changed(
    found: list[str | None], start: int, stop: int, ends: list[str], first: int, last: int
) -> None:
    """If as many lines were changed as before, give them their old line ends."""
    if stop - start == last - first:
        for offset in range(stop - start):
            if found[start + offset] is None:
                found[start + offset] = ends[first + offset]


def _joined(lines: list[str], ends: list[str | None]) -> str:
    known = [end for end in ends if end is not None]
    above = known[0] if known else "\n"
    parts: list[str] = []
    for line, end in zip(lines, ends, strict=False):
        above = end or above
        if not line and above == "\n" and parts and parts[-1] == "\r":
            # With the preceding line end, this one would form a single one.
            above = "\r"
        parts += [line, above]
    return "".join([*parts, lines[-1]])


def _most_frequent(ends: list[str]) -> str:
    return Counter(ends).most_common(1)[0][0] if ends else "\n"
