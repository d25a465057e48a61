"""Bringing two texts together that may have part of what is new in them from each other."""

from __future__ import annotations

import re
from difflib import SequenceMatcher

from .keystrokes import carried, united
from .merge import Splice, splice

WORD = re.compile(r"[\u2e80-\uffff]|[^\W\u2e80-\uffff]+|\W", re.DOTALL)
"""Words, and one by one all else; Chinese, Japanese and Korean leave no space between words."""


def reunited(text: str | None, mine: str, present: str) -> list[Splice]:
    """Return what makes of two texts the present one, where both began with `text`.

    What both have beyond it, one has from the other, by a way that was not followed: once is
    enough.
    """
    if text is None:
        return united(mine, present)
    theirs = _inserted(text, present)
    both = []
    for start, end, new in _inserted(text, mine):
        # What one side put in the place of some text the other may have put beside that.
        beside = [found for found in theirs if found[0] <= end and start <= found[1]]
        near = "".join(other for _, _, other in beside)
        if same := _same(new, near):
            both.append(Splice(start, start, same))
            theirs = [found for found in theirs if found not in beside]
    return carried(splice(text, both), mine, present)


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
    """Return what two insertions have in common: the beginning of one, or whole words.

    Two words that share some letters are still two words.
    """
    if one.startswith(other) or other.startswith(one):
        return min(one, other, key=len)
    words, others = WORD.findall(one), WORD.findall(other)
    blocks = SequenceMatcher(None, words, others, autojunk=False).get_matching_blocks()
    found = ["".join(words[block.a : block.a + block.size]) for block in blocks]
    return "".join(text for text in found if any(map(str.isalnum, text)))
