"""Compute text differences by lines, and by characters within the lines that differ.

This blocks the event loop, so its time must stay close to that of reading both texts. Lines that
are unique on each side are matched at once (a patience diff). Only what lies between them is
compared pair by pair, up to a limit.
"""

from __future__ import annotations

from bisect import bisect_left
from collections import Counter
from difflib import SequenceMatcher
from itertools import pairwise
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

Opcode = tuple[str, int, int, int, int]
"""An opcode as `difflib.SequenceMatcher.get_opcodes` returns it."""

MAX_PAIRS = 1_000_000
"""Maximum number of character pairs compared in one call; the rest of the text is replaced."""

MAX_LINE_PAIRS = 250_000
"""Maximum number of line pairs compared between two matches, if no line there is unique."""

MAX_LEVELS = 20
"""Maximum depth of the search for unique lines between unique lines."""


def common_prefix(old: str, new: str) -> int:
    """Return the length of the common prefix of two texts.

    This uses bisection: comparing slices is hundreds of times as fast as comparing characters.
    """
    same, end = 0, min(len(old), len(new))
    while same < end:
        middle = (same + end + 1) // 2
        if old[same:middle] == new[same:middle]:
            same = middle
        else:
            end = middle - 1
    return same


def common_ends(
    old: Sequence[object], new: Sequence[object], most: int | None = None
) -> tuple[int, int]:
    """Return how many items at the start and at the end are the same; no item counts twice.

    `most` is the maximum of both together, if it is less than the shorter length.
    """
    size = min(len(old), len(new)) if most is None else most
    head = 0
    while head < size and old[head] == new[head]:
        head += 1
    tail = 0
    while tail < size - head and old[-1 - tail] == new[-1 - tail]:
        tail += 1
    return head, tail


def opcodes(old: str, new: str) -> list[Opcode]:
    """Return the opcodes that turn `old` into `new`.

    Parameters
    ----------
    old, new : str

    Returns
    -------
    list of tuple
        In the form of `difflib`; equal and changed parts alternate.
    """
    left = MAX_PAIRS
    found: list[Opcode] = []
    for kind, start, end, first, last in line_opcodes(old, new):
        if kind != "replace":
            found.append((kind, start, end, first, last))
            continue
        parts, compared = _by_characters(old[start:end], new[first:last], left)
        left -= compared
        found += [(what, start + a, start + b, first + c, first + d) for what, a, b, c, d in parts]
    return _joined(found)


def line_opcodes(old: str, new: str) -> list[Opcode]:
    """Return the opcodes that turn `old` into `new` by whole lines; offsets count characters."""
    before, after = old.splitlines(keepends=True), new.splitlines(keepends=True)
    starts, firsts = _starts(before), _starts(after)
    return [
        (kind, starts[i], starts[j], firsts[k], firsts[m])
        for kind, i, j, k, m in sequence_opcodes(before, after)
    ]


def sequence_opcodes(old: Sequence[str], new: Sequence[str]) -> list[Opcode]:
    """Return the opcodes that turn one sequence of texts into another."""
    return _between(matching_runs(old, new), len(old), len(new))


def matching_runs(old: Sequence[str], new: Sequence[str]) -> list[tuple[int, int, int]]:
    """Return the runs that two sequences have in common, in order.

    Parameters
    ----------
    old, new : sequence of str

    Returns
    -------
    list of tuple
        The start of each run in `old`, its start in `new`, and its length.
    """
    found = []
    waiting = [(0, len(old), 0, len(new), MAX_LEVELS)]
    while waiting:
        start, end, first, last, levels = waiting.pop()
        head = _same_head(old, new, start, end, first, last)
        found.append((start, first, head))
        start, first = start + head, first + head
        tail = _same_tail(old, new, start, end, first, last)
        end, last = end - tail, last - tail
        found.append((end, last, tail))
        if start == end or first == last:
            continue
        anchors = _anchors(old[start:end], new[first:last]) if levels else []
        if anchors:
            # Each of the parts begins with the anchor itself.
            places = [(start, first), *((start + i, first + k) for i, k in anchors), (end, last)]
            waiting += [(i, j, k, m, levels - 1) for (i, k), (j, m) in pairwise(places)]
        elif (end - start) * (last - first) <= MAX_LINE_PAIRS:
            matcher = SequenceMatcher(None, old[start:end], new[first:last], autojunk=False)
            found += [
                (start + block.a, first + block.b, block.size)
                for block in matcher.get_matching_blocks()
            ]
    return sorted(run for run in found if run[2])


def _anchors(old: Sequence[str], new: Sequence[str]) -> list[tuple[int, int]]:
    """Return the positions of lines that are unique on each side and in the same order."""
    once = _once(old)
    places = [(once[line], at) for line, at in _once(new).items() if line in once]
    # Find the longest increasing subsequence of their positions in `old`.
    ends: list[int] = []
    tops: list[int] = []
    before: list[int] = []
    for number, (at, _) in enumerate(places):
        length = bisect_left(ends, at)
        ends[length : length + 1] = [at]
        tops[length : length + 1] = [number]
        before.append(tops[length - 1] if length else -1)
    found = []
    number = tops[-1] if tops else -1
    while number >= 0:
        found.append(places[number])
        number = before[number]
    return found[::-1]


def _once(lines: Sequence[str]) -> dict[str, int]:
    counted = Counter(lines)
    return {line: at for at, line in enumerate(lines) if counted[line] == 1}


def _by_characters(old: str, new: str, most: int) -> tuple[list[Opcode], int]:
    """Return the opcodes for one part, and the number of pairs compared for it."""
    head = _same_head(old, new, 0, len(old), 0, len(new))
    tail = _same_tail(old, new, head, len(old), head, len(new))
    end, last = len(old) - tail, len(new) - tail
    runs = [(0, 0, head), (end, last, tail)]
    pairs = (end - head) * (last - head)
    if pairs <= most:
        matcher = SequenceMatcher(None, old[head:end], new[head:last], autojunk=False)
        runs += [(head + b.a, head + b.b, b.size) for b in matcher.get_matching_blocks()]
    runs = sorted(run for run in runs if run[2])
    return list(_between(runs, len(old), len(new))), pairs if pairs <= most else 0


def _same_head(
    old: Sequence[str], new: Sequence[str], start: int, end: int, first: int, last: int
) -> int:
    size, most = 0, min(end - start, last - first)
    while size < most and old[start + size] == new[first + size]:
        size += 1
    return size


def _same_tail(
    old: Sequence[str], new: Sequence[str], start: int, end: int, first: int, last: int
) -> int:
    size, most = 0, min(end - start, last - first)
    while size < most and old[end - 1 - size] == new[last - 1 - size]:
        size += 1
    return size


def _between(runs: Iterable[tuple[int, int, int]], end: int, last: int) -> list[Opcode]:
    """Return the opcodes for the given common runs."""
    found: list[Opcode] = []
    i = k = 0
    for at, there, size in [*runs, (end, last, 0)]:
        if i < at or k < there:
            kind = "replace" if i < at and k < there else "delete" if i < at else "insert"
            found.append((kind, i, at, k, there))
        if size:
            found.append(("equal", at, at + size, there, there + size))
        i, k = at + size, there + size
    return _joined(found)


def _joined(found: list[Opcode]) -> list[Opcode]:
    """Return the opcodes with adjacent equal parts combined."""
    joined: list[Opcode] = []
    for opcode in found:
        if joined and opcode[0] == joined[-1][0] == "equal":
            kind, start, _, first, _ = joined.pop()
            joined.append((kind, start, opcode[2], first, opcode[4]))
        else:
            joined.append(opcode)
    return joined


def _starts(lines: Iterable[str]) -> list[int]:
    starts = [0]
    for line in lines:
        starts.append(starts[-1] + len(line))
    return starts
