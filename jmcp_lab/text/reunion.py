"""Bringing two texts together that may have part of what is new in them from each other."""

from __future__ import annotations

import re
from dataclasses import dataclass
from difflib import SequenceMatcher
from itertools import takewhile

from .diff import line_opcodes
from .rebase import carried, united
from .three_way_merge import Splice, splice

SIGN = re.compile(r"[\u2e80-\uffff]|\n")
"""Ideographs of Chinese, Japanese and Korean, one of thousands and about a word each, and lines."""

MOST_COMPARED = 1_000_000
"""Pairs of characters, and of signs in two insertions, that are compared one by one."""


def reunited(text: str | None, mine: str, present: str) -> list[Splice]:
    """Return what makes of two texts the present one, where both began with `text`.

    What both have beyond it, one has from the other, by a way that was not followed: once is
    enough.
    """
    if text is None:
        return united(mine, present)
    both = []
    left = MOST_COMPARED
    for part in _changed_on_both(text, mine, present):
        left -= (part.end - part.start) * (len(part.mine) + len(part.theirs))
        if left < 0:
            break
        both += [
            Splice(part.start + at, part.start + at, same)
            for at, same in _common(text[part.start : part.end], part.mine, part.theirs)
        ]
    return carried(splice(text, both), mine, present)


@dataclass(frozen=True, slots=True)
class _Part:
    """Lines of a text that both sides have changed, or put something beside."""

    start: int
    end: int
    mine: str
    theirs: str


def _changed_on_both(text: str, mine: str, present: str) -> list[_Part]:
    sides = (mine, present)
    changes = sorted(
        (start, end, first, last, side)
        for side, other in enumerate(sides)
        for kind, start, end, first, last in line_opcodes(text, other)
        if kind != "equal"
    )
    groups: list[list[tuple[int, int, int, int, int]]] = []
    reached = -1
    for change in changes:
        if change[0] > reached:
            groups.append([])
        groups[-1].append(change)
        reached = max(reached, change[1])
    found = []
    for group in groups:
        start, end = group[0][0], max(change[1] for change in group)
        said = []
        for side, other in enumerate(sides):
            ours = [change for change in group if change[4] == side]
            if ours:
                first, last = ours[0], ours[-1]
                said.append(other[first[2] - (first[0] - start) : last[3] + end - last[1]])
        if len(said) == len(sides):
            found.append(_Part(start, end, *said))
    return found


def _common(text: str, mine: str, theirs: str) -> list[tuple[int, str]]:
    """Return what both have beyond a text, and where in it that is."""
    left = [(*other, *_reach(text, *other)) for other in _inserted(text, theirs)]
    found = []
    for start, end, new in _inserted(text, mine):
        # What one side put in the place of some text the other may have put beside that.
        beside = [other for other in left if other[3] <= end and start <= other[4]]
        if same := _same(new, "".join(other[2] for other in beside)):
            found.append((start, same))
            left = [other for other in left if other not in beside]
    return found


def _reach(text: str, start: int, end: int, new: str) -> tuple[int, int]:
    """Return from where to where an insertion may stand for the same text.

    A line that comes between two stands before the break of the first, or after it.
    """
    if start == end:
        turned = new
        while start and text[start - 1] == turned[-1]:
            start, turned = start - 1, turned[-1] + turned[:-1]
        while end < len(text) and text[end] == new[0]:
            end, new = end + 1, new[1:] + new[0]
    return start, end


def _inserted(old: str, new: str) -> list[tuple[int, int, str]]:
    """Return what `new` has more, and from where to where in `old` it has it."""
    return [
        (start, end, new[first:last])
        for kind, start, end, first, last in SequenceMatcher(
            None, old, new, autojunk=False
        ).get_opcodes()
        if kind in ("insert", "replace")
    ]


def _same(one: str, other: str) -> str:
    """Return what two insertions have in common: all that one of them is, words, or ideographs.

    Of two lines in an alphabet most share letters and words, whoever wrote them: with these
    counted once, ``print(x)`` and ``print(y)`` would be ``print(y)`` and ``x)``. Words count that
    both begin with, where each goes on with words that have a space behind them, as in a sentence
    that is being typed. An ideograph is what a word is elsewhere.
    """
    short, long = sorted((one, other), key=len)
    if long.startswith(short) or _has_lines(long, short):
        return short
    begins = takewhile(lambda pair: pair[0] == pair[1], zip(one, other, strict=False))
    words = "".join(character for character, _ in begins).rpartition(" ")[0]
    if one.endswith(" ") and other.endswith(" ") and any(map(str.isalnum, words)):
        return f"{words} "
    signs, others = SIGN.findall(one), SIGN.findall(other)
    if len(signs) * len(others) > MOST_COMPARED:
        return ""
    blocks = SequenceMatcher(None, signs, others, autojunk=False).get_matching_blocks()
    found = ["".join(signs[block.a : block.a + block.size]) for block in blocks]
    return "".join(text for text in found if text.strip("\n"))


def _has_lines(text: str, lines: str) -> bool:
    """Return whether a text has these lines as they are, whole and in one piece."""
    at = text.find(lines)
    if at < 0 or not any(map(str.isalnum, lines)):
        return False
    end = at + len(lines)
    begins = lines.startswith("\n") or text[at - 1] == "\n"
    return begins and (lines.endswith("\n") or end == len(text) or text[end] == "\n")
