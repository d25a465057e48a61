"""Limit the size of a request, because nobody can check or allow what a card cannot show."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ..errors import ToolError
from ..text.counting import count
from ..text.diff import common_prefix

if TYPE_CHECKING:
    from ..calls.call import Action, PreviewItem

MAX_LINES = 10_000
MAX_CHARACTERS = 400_000
"""Maximum characters, beside `MAX_LINES`, that a card draws; the panel has the same limits."""

MAX_COMPARED = 2_000_000
"""Maximum characters of texts before and after a change; the panel compares no longer ones."""


def showable(action: Action) -> Action:
    """Return the action if a person can be asked for it.

    Raises
    ------
    ToolError
        Its card would be too long to be read, or to be drawn at all.
    """
    preview = action.preview
    if preview is None:
        return action
    whole = sum(len(t) for item in preview.items for t in (item.old, item.new) if t is not None)
    drawn = [_drawn(item) for item in preview.items] if whole <= MAX_COMPARED else []
    characters = sum(len(text) for text in drawn) if drawn or not whole else whole
    lines = sum(text.count("\n") + 1 for text in drawn)
    if characters > MAX_CHARACTERS or lines > MAX_LINES:
        size = (
            count(characters, "character")
            if characters > MAX_CHARACTERS
            else f"{count(lines, 'line')} in {count(len(drawn), 'part')}"
        )
        raise ToolError(
            f"This is too long for the user to check: {size}. A request may show "
            f"{MAX_CHARACTERS:,} characters and {MAX_LINES:,} lines. Nothing was done. Use smaller "
            "steps, or keep large data out of the code and read it from a file.",
            code="too_long",
        )
    return action


def _drawn(item: PreviewItem) -> str:
    """Return the drawn part of an item: the text, or the lines that a change removes and adds."""
    if item.text is not None:
        return item.text
    old, new = item.old or "", item.new or ""
    head = common_prefix(old, new)
    head = new.rfind("\n", 0, head) + 1
    tail = common_prefix(old[head:][::-1], new[head:][::-1])
    end = new.find("\n", len(new) - tail) if tail else len(new)
    kept = len(new) - end if end >= 0 else 0
    return old[head : len(old) - kept] + new[head : len(new) - kept]
