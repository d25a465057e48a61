"""Texts that pages and agents share: an open text file's, or a cell's."""

from __future__ import annotations

from typing import TYPE_CHECKING, cast

from pycrdt import Text

from ..codec.values import well_formed

if TYPE_CHECKING:
    from collections.abc import Sequence

    from jupyter_ydoc import YUnicode

    from ..text.three_way_merge import Splice


class LiveText:
    """One open text file: the Yjs text that its pages share.

    Parameters
    ----------
    document : YUnicode
        The room's own document, not a copy.
    """

    def __init__(self, document: YUnicode) -> None:
        self._document = document

    @property
    def text(self) -> str:
        """The current text."""
        return str(self._source)

    @property
    def _source(self) -> Text:
        return cast("Text", self._document.ydoc.get("source", type=Text))

    def edit(self, splices: Sequence[Splice], origin: str) -> None:
        """Apply splices of the current text."""
        with self._document.ydoc.transaction(origin=origin):
            splice_shared(self._source, splices)
            # Pages do the same for typed text. Without autosave, the person is asked before the
            # page closes, and a server that shuts down saves the text.
            self._document.dirty = True


def splice_shared(text: Text, splices: Sequence[Splice]) -> None:
    """Apply splices of its current content to a shared text, inside a transaction.

    pycrdt counts bytes of UTF-8, not characters. To reach a position, it walks through the block of
    text there, and copies everything behind the position to a new block. So the middle splice is
    applied first, and then the halves on each side of it.
    """
    present = str(text)
    found: list[_Change] = []
    at = size = 0
    for change in splices:
        start = size + len(present[at : change.start].encode())
        end = start + len(present[change.start : change.end].encode())
        found.append((start, end, well_formed(change.text)))
        at, size = change.end, end
    # The last number is how much the text before each part has grown so far.
    waiting = [(0, len(found), 0)]
    while waiting:
        first, last, longer = waiting.pop()
        if first == last:
            continue
        middle = (first + last) // 2
        start, end, new = found[middle]
        if end > start:
            del text[start + longer : end + longer]
        if new:
            text.insert(start + longer, new)
        waiting.append((first, middle, longer))
        waiting.append((middle + 1, last, longer + len(new.encode()) - (end - start)))


_Change = tuple[int, int, str]
"""Start and end of a change, in bytes of the current text, and the new text."""
