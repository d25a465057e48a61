"""Bringing what was typed into one text into what became of that text elsewhere, come what may.

A merge may refuse where the same line was changed on both sides. What a person typed must not be
refused: it is put in character by character, by those around it.
"""

from __future__ import annotations

from difflib import SequenceMatcher
from typing import TYPE_CHECKING

from .merge import MergeConflict, Splice, merge, splice

if TYPE_CHECKING:
    from collections.abc import Sequence

MOST_COMPARED = 4_000_000
"""Pairs of characters that are compared one by one; beyond that, texts are compared by lines."""


def carried(before: str, typed: str, present: str) -> list[Splice]:
    """Return what brings the change from `before` to `typed` into `present`, come what may.

    Where the same line was changed on both sides, each character that was typed is put in, or
    taken out, by those around it: the keystrokes of a moment, which must not be lost.
    """
    try:
        return merge(before, typed, present)
    except MergeConflict:
        pass
    places, there = _places(before, present)
    found = []
    for kind, start, end, first, last in _opcodes(before, typed):
        if kind in ("insert", "replace"):
            found.append(Splice(places[start], places[start], typed[first:last]))
        if kind in ("delete", "replace"):
            found += [
                Splice(places[at], places[at] + 1, "") for at in range(start, end) if there[at]
            ]
    return found


def joined(text: str | None, mine: str, present: str) -> list[Splice]:
    """Return what makes of two copies of one cell the present one, where both began with `text`.

    What both have beyond it, one has from the other, by a way that was not followed: once is
    enough.
    """
    if text is None:
        return united(mine, present)
    theirs = _inserted(text, present)
    both = [
        Splice(at, at, "".join(new[i : i + size] for i, _, size in _common(new, theirs[at])))
        for at, new in sorted(_inserted(text, mine).items())
        if at in theirs
    ]
    return carried(splice(text, both), mine, present)


def _inserted(old: str, new: str) -> dict[int, str]:
    """Return what `new` has more, by its place in `old`."""
    return {
        start: new[first:last]
        for kind, start, _end, first, last in _opcodes(old, new)
        if kind in ("insert", "replace")
    }


def _common(one: str, other: str) -> list[tuple[int, int, int]]:
    return [
        (start, first, end - start)
        for kind, start, end, first, _last in _opcodes(one, other)
        if kind == "equal"
    ]


def united(mine: str, present: str) -> list[Splice]:
    """Return what puts into `present` all that only `mine` has, where nobody knows who wrote it."""
    return [
        Splice(end, end, mine[first:last])
        for kind, _start, end, first, last in _opcodes(present, mine)
        if kind in ("insert", "replace")
    ]


def _opcodes(old: str, new: str) -> list[tuple[str, int, int, int, int]]:
    """Return what makes `new` of `old`, as `difflib` says it; of long texts less exactly."""
    head, size = 0, min(len(old), len(new))
    while head < size and old[head] == new[head]:
        head += 1
    tail, size = 0, size - head
    while tail < size and old[-1 - tail] == new[-1 - tail]:
        tail += 1
    inner_old, inner_new = old[head : len(old) - tail], new[head : len(new) - tail]
    found = [("equal", 0, head, 0, head)] if head else []
    compare = _by_characters
    if len(inner_old) * len(inner_new) > MOST_COMPARED:
        compare = _by_lines
    found += [
        (kind, head + i, head + j, head + k, head + m)
        for kind, i, j, k, m in compare(inner_old, inner_new)
    ]
    if tail:
        found.append(("equal", len(old) - tail, len(old), len(new) - tail, len(new)))
    return found


def _by_characters(old: str, new: str) -> Sequence[tuple[str, int, int, int, int]]:
    return SequenceMatcher(None, old, new, autojunk=False).get_opcodes()


def _by_lines(old: str, new: str) -> Sequence[tuple[str, int, int, int, int]]:
    before, after = old.splitlines(keepends=True), new.splitlines(keepends=True)
    starts, firsts = [0], [0]
    for line in before:
        starts.append(starts[-1] + len(line))
    for line in after:
        firsts.append(firsts[-1] + len(line))
    # Lines that come again and again are no landmarks in a long text, and would take very long.
    matcher = SequenceMatcher(None, before, after, autojunk=True)
    return [
        (kind, starts[i], starts[j], firsts[k], firsts[m])
        for kind, i, j, k, m in matcher.get_opcodes()
    ]


def _places(before: str, present: str) -> tuple[list[int], list[bool]]:
    """Return where each character of `before` is in `present`, and whether it is there at all."""
    places = [0] * (len(before) + 1)
    there = [False] * len(before)
    for kind, start, end, first, last in _opcodes(before, present):
        for at in range(start, end):
            places[at] = first + (at - start) if kind == "equal" else first
            there[at] = kind == "equal"
        places[end] = last
    return places, there
