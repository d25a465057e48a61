"""Merge two texts that may already contain parts of each other's changes."""

from __future__ import annotations

import re
from dataclasses import dataclass
from difflib import SequenceMatcher
from itertools import takewhile

from .diff import line_opcodes
from .rebase import rebase, union_merge
from .three_way_merge import Splice, splice

SIGN = re.compile(r"[\u2e80-\uffff]|\n")
"""Pattern for line breaks and for Chinese, Japanese and Korean characters, each of which is one of
thousands and stands for about a word.
"""

MAX_COMPARED = 1_000_000
"""Maximum number of pairs of characters, or of signs in two insertions, that are compared."""


def merge_overlapping(text: str | None, mine: str, present: str) -> list[Splice]:
    """Return splices that merge `mine` into `present`, where both are based on `text`.

    Text that both sides added was copied from one to the other by an unknown route, so it is kept
    once.
    """
    if text is None:
        return union_merge(mine, present)
    both = []
    left = MAX_COMPARED
    for part in _changed_on_both(text, mine, present):
        left -= (part.end - part.start) * (len(part.mine) + len(part.theirs))
        if left < 0:
            break
        both += [
            Splice(part.start + at, part.start + at, same)
            for at, same in _common(text[part.start : part.end], part.mine, part.theirs)
        ]
    return rebase(splice(text, both), mine, present)


@dataclass(frozen=True, slots=True)
class _Part:
    """Lines of a text that both sides have changed, or next to which both have inserted."""

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
    """Return what both sides have added to a text, and where."""
    left = [(*other, *_reach(text, *other)) for other in _inserted(text, theirs)]
    found = []
    for start, end, new in _inserted(text, mine):
        # Where one side replaced some text, the other may have inserted beside that text.
        beside = [other for other in left if other[3] <= end and start <= other[4]]
        if same := _same(new, "".join(other[2] for other in beside)):
            found.append((start, same))
            left = [other for other in left if other not in beside]
    return found


def _reach(text: str, start: int, end: int, new: str) -> tuple[int, int]:
    """Return the range of positions at which an insertion gives the same text.

    For example, a line between two others can be inserted before or after the first one's line
    break.
    """
    if start == end:
        turned = new
        while start and text[start - 1] == turned[-1]:
            start, turned = start - 1, turned[-1] + turned[:-1]
        while end < len(text) and text[end] == new[0]:
            end, new = end + 1, new[1:] + new[0]
    return start, end


def _inserted(old: str, new: str) -> list[tuple[int, int, str]]:
    """Return what `new` adds, and which range of `old` each addition replaces."""
    return [
        (start, end, new[first:last])
        for kind, start, end, first, last in SequenceMatcher(
            None, old, new, autojunk=False
        ).get_opcodes()
        if kind in ("insert", "replace")
    ]


def _same(one: str, other: str) -> str:
    """Return what two insertions share: all of one of them, or words, or CJK characters.

    Two lines in an alphabetic script usually share letters and words, whoever wrote them. If these
    were kept once, ``print(x)`` and ``print(y)`` would become ``print(y)`` and ``x)``. A common
    prefix of words counts if both insertions end with a space, as in a sentence that is being
    typed. A CJK character counts like a word.
    """
    short, long = sorted((one, other), key=len)
    if long.startswith(short) or _has_lines(long, short):
        return short
    begins = takewhile(lambda pair: pair[0] == pair[1], zip(one, other, strict=False))
    words = "".join(character for character, _ in begins).rpartition(" ")[0]
    if one.endswith(" ") and other.endswith(" ") and any(map(str.isalnum, words)):
        return f"{words} "
    signs, others = SIGN.findall(one), SIGN.findall(other)
    if len(signs) * len(others) > MAX_COMPARED:
        return ""
    blocks = SequenceMatcher(None, signs, others, autojunk=False).get_matching_blocks()
    found = ["".join(signs[block.a : block.a + block.size]) for block in blocks]
    return "".join(text for text in found if text.strip("\n"))


def _has_lines(text: str, lines: str) -> bool:
    """Return whether a text contains these lines completely and in one piece."""
    at = text.find(lines)
    if at < 0 or not any(map(str.isalnum, lines)):
        return False
    end = at + len(lines)
    begins = lines.startswith("\n") or text[at - 1] == "\n"
    return begins and (lines.endswith("\n") or end == len(text) or text[end] == "\n")
