"""Preserve lone surrogates of a file's texts, which no shared document can hold.

The document has U+FFFD in their place. An unchanged line keeps its original form in the file,
wherever it was moved. In a changed line, each U+FFFD that stayed becomes the original character
again.
"""

from __future__ import annotations

from collections import OrderedDict
from difflib import SequenceMatcher
from typing import Final

from ..text.diff import common_ends
from .values import REPLACEMENT, is_well_formed, well_formed

MAX_TEXTS: Final = 2_000
MAX_LINES: Final = 10_000
MAX_TRIED: Final = 100
"""Maximum number of lines compared with a changed one."""

MAX_CHARACTERS: Final = 1_000
"""Maximum characters of a changed part that are compared one by one."""

MAX_COMPARED: Final = 2_000
"""Maximum number of lines of a text that are compared with its earlier lines."""


class HalfPairs:
    """The original characters behind each U+FFFD."""

    def __init__(self) -> None:
        self._texts: OrderedDict[str, str] = OrderedDict()
        # The lines in document form, each with its originals in file form.
        self._lines: OrderedDict[str, dict[str, None]] = OrderedDict()

    def learn(self, owner: str, text: str, *, from_file: bool) -> None:
        """Record a text of the file.

        Parameters
        ----------
        owner : str
            The id of the cell whose source this is; empty for a text that is not a cell's source.
        text : str
        from_file : bool
            Whether a U+FFFD in the text is a real one from the file. Otherwise somebody may have
            copied it from what the document shows.
        """
        self._texts.pop(owner, None)
        if is_well_formed(text) and not (from_file and REPLACEMENT in text):
            return
        if owner:
            self._texts[owner] = text
        for line in text.split("\n"):
            shared = well_formed(line)
            if REPLACEMENT in shared:
                self._lines.setdefault(shared, {})[line] = None
                self._lines.move_to_end(shared)
        while len(self._texts) > MAX_TEXTS:
            self._texts.popitem(last=False)
        while len(self._lines) > MAX_LINES:
            self._lines.popitem(last=False)

    def restore(self, owner: str, text: str) -> str:
        """Return the file form of a text of the document."""
        if REPLACEMENT not in text or not self._lines:
            return text
        base = self._texts.get(owner, "")
        if well_formed(base) == text:
            return base
        lines = text.split("\n")
        before = base.split("\n") if base else []
        partners = _partners([well_formed(line) for line in before], lines)
        for index, line in enumerate(lines):
            if REPLACEMENT in line:
                nearby = [before[place] for place in partners.get(index, ())]
                lines[index] = self._line(line, nearby)
        return "\n".join(lines)

    def _line(self, line: str, nearby: list[str]) -> str:
        for candidate in nearby:
            if well_formed(candidate) == line:
                return candidate
        if (known := self._lines.get(line)) is not None:
            # If the file also has this line with a real U+FFFD, that one may be meant.
            return line if line in known else next(reversed(known))
        candidates = [*nearby]
        for shared in reversed(self._lines):
            if len(candidates) >= MAX_TRIED:
                break
            candidates += self._lines[shared]
        best, most = line, 0
        for candidate in candidates:
            if is_well_formed(candidate):
                continue
            restored, found = _aligned(candidate, line)
            if found > most:
                best, most = restored, found
        return best


def _partners(before: list[str], lines: list[str]) -> dict[int, range]:
    """Return for each line the range of earlier lines that it may come from."""
    if not before or len(before) > MAX_COMPARED or len(lines) > MAX_COMPARED:
        return {}
    found = {}
    matcher = SequenceMatcher(None, before, lines, autojunk=False)
    for kind, first, last, start, end in matcher.get_opcodes():
        for index in range(start, end):
            same = first + index - start
            found[index] = range(same, same + 1) if kind == "equal" else range(first, last)
    return found


def _aligned(original: str, line: str) -> tuple[str, int]:
    """Return a changed line with its surrogates restored, and how many characters are unchanged."""
    shared = well_formed(original)
    start, end = common_ends(shared, line)
    blocks = [(0, 0, start), (len(shared) - end, len(line) - end, end)]
    old, new = shared[start : len(shared) - end], line[start : len(line) - end]
    if old and new and max(len(old), len(new)) <= MAX_CHARACTERS:
        matcher = SequenceMatcher(None, old, new, autojunk=False)
        blocks += [(start + a, start + b, size) for a, b, size in matcher.get_matching_blocks()]
    characters, restored, same = list(line), 0, 0
    for a, b, size in blocks:
        same += size
        for offset in range(size):
            if characters[b + offset] != original[a + offset]:
                characters[b + offset] = original[a + offset]
                restored += 1
    return "".join(characters), same if restored else 0
