"""Rebase a change of one text onto another version of that text, without ever failing.

A merge may report a conflict if both sides changed the same line. But text that a person typed must
not be refused, so it is inserted character by character, next to the surrounding characters.
"""

from __future__ import annotations

from .diff import opcodes
from .three_way_merge import MergeConflict, Splice, merge


def rebase(before: str, typed: str, present: str) -> list[Splice]:
    """Return the splices that apply the change from `before` to `typed` to `present`.

    This always succeeds. If both sides changed the same line, each typed or deleted character is
    placed by its neighbours. These are a moment's keystrokes, which must not be lost.
    """
    try:
        return merge(before, typed, present)
    except MergeConflict:
        pass
    places, there = _places(before, present)
    found = []
    for kind, start, end, first, last in opcodes(before, typed):
        if kind in ("insert", "replace"):
            new, at = typed[first:last], places[start]
            if kind == "insert" and _is_empty_line(before, start):
                new = _as_lines(new, present, at)
            found.append(Splice(at, at, new))
        if kind in ("delete", "replace"):
            found += _taken_out(places, there, start, end)
    return found


def _taken_out(places: list[int], there: list[bool], start: int, end: int) -> list[Splice]:
    """Return splices that delete those of the characters that exist, as few as possible."""
    found: list[Splice] = []
    for at in range(start, end):
        if not there[at]:
            continue
        place = places[at]
        if found and found[-1].end == place:
            found[-1] = Splice(found[-1].start, place + 1, "")
        else:
            found.append(Splice(place, place + 1, ""))
    return found


def _is_empty_line(text: str, at: int) -> bool:
    return text[at - 1 : at] in ("", "\n") and text[at : at + 1] in ("", "\n")


def _as_lines(new: str, present: str, at: int) -> str:
    """Return text typed on an empty line, separated from what others have typed there meanwhile."""
    if present[max(at - 1, 0) : at] not in ("", "\n") and not new.startswith("\n"):
        new = "\n" + new
    if present[at : at + 1] not in ("", "\n") and not new.endswith("\n"):
        new += "\n"
    return new


def union_merge(mine: str, present: str) -> list[Splice]:
    """Return splices that add to `present` all that only `mine` has; the author is unknown."""
    return [
        Splice(end, end, mine[first:last])
        for kind, _start, end, first, last in opcodes(present, mine)
        if kind in ("insert", "replace")
    ]


def _places(before: str, present: str) -> tuple[list[int], list[bool]]:
    """Return the position of each character of `before` in `present`, and whether it exists."""
    places = [0] * (len(before) + 1)
    there = [False] * len(before)
    for kind, start, end, first, last in opcodes(before, present):
        for at in range(start, end):
            places[at] = first + (at - start) if kind == "equal" else first
            there[at] = kind == "equal"
        places[end] = last
    return places, there
