"""The outputs of one run of a cell, in memory: what JupyterLab's output area would hold.

Kernel messages change this buffer at once, and the document follows in batches. If there is too
much output, the buffer keeps its beginning and its end.
"""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from ..text.terminal_line import TerminalLine
from .items import TOO_MUCH, Item, Joins, Rich, Stream, fitted, words_of_ours

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

DEFAULT_LIMIT = 10_000_000
"""Maximum characters of text kept of the outputs of one cell."""

MAX_OUTPUTS = 2_000
"""Maximum number of outputs kept of one cell, however short they are.

Each output is an object in the document, in every page and in the history, and writing more of them
at once would block the event loop.
"""

LIVE_TAIL = 16_000
"""Maximum characters shown of the end of a flood of output while it continues."""

LIVE_OUTPUTS = 50
"""Maximum number of outputs shown of that end: as many as JupyterLab draws of a cell."""


class Taken:
    """The outputs that a widget captured, shown where the first of them arrived.

    An ``Output`` of ipywidgets, which `interact` and the progress bars of rich use, captures what
    is printed and displayed while it is entered. Clearing it clears nothing else. The page can
    capture outputs only for code that it runs itself.
    """

    __slots__ = ("buffer",)

    def __init__(self, buffer: OutputBuffer) -> None:
        self.buffer = buffer

    @property
    def weight(self) -> int:
        """The size of the content, in characters."""
        return self.buffer.weight


class OutputBuffer:
    """The outputs of one run of a cell.

    Parameters
    ----------
    limit : int or None
        Maximum characters to keep, in at most `MAX_OUTPUTS` outputs: half of them for the
        beginning, the rest for the end. Rich outputs count a tenth of their size. None keeps
        everything.

    Attributes
    ----------
    items : list
        All outputs, or their beginning if there were too many.
    last_line : str
        The last line of text that is not blank, for progress reports.
    """

    def __init__(self, limit: int | None = DEFAULT_LIMIT) -> None:
        self._limit = limit or None
        self._clear_next = False
        self._joins = Joins()
        self.last_line = ""
        self._reset()

    def _reset(self) -> None:
        self.items: list[Item | Taken] = []
        self._tail: list[Item | Taken] | None = None
        self._taken: dict[str, Taken] = {}
        self._weight = 0
        self._cut_text = 0
        self._cut_rich = 0
        self._stream: Stream | None = None

    @property
    def overflowing(self) -> bool:
        """Whether something had to be left out."""
        return self._tail is not None

    @property
    def weight(self) -> int:
        """The size of the content, in characters."""
        return self._weight + (sum(i.weight for i in self.items) if self.overflowing else 0)

    # -- messages ------------------------------------------------------------------------------

    def stream(self, name: str, text: str) -> None:
        """Print text; consecutive text of one stream is one output."""
        self._before_output()
        if self._stream is None or self._stream.name != name:
            self._stream = Stream(name)
            self._target.append(self._stream)
        self._weight += self._stream.write(text)
        line = text[-400:].rstrip().rpartition("\n")[2].rpartition("\r")[2].strip()
        self.last_line = line or self.last_line
        self._bound()

    def add(self, output: dict[str, Any]) -> Rich:
        """Add a display, a result or an error."""
        self._before_output()
        self._stream = None
        item = Rich(self._fitted(output))
        self._target.append(item)
        self._weight += item.weight
        self._bound()
        return item

    def note(self, words: str) -> None:
        """Add a message of ours below the outputs, even if a clear is pending."""
        self._stream = None
        item = words_of_ours(words)
        self._target.append(item)
        self._weight += item.weight

    def update(self, item: Rich, data: Mapping[str, Any], metadata: Mapping[str, Any]) -> bool:
        """Update a display; return False if it no longer exists."""
        if any(item is other for other in (*self.items, *(self._tail or ()))):
            shown = {"output_type": "display_data", "data": data, "metadata": metadata}
            self._weight += item.update(self._fitted(shown)["data"], metadata)
            return True
        return any(taken.buffer.update(item, data, metadata) for taken in self._taken.values())

    def clear(self, *, wait: bool) -> None:
        """Remove all outputs, now or just before the next one."""
        self._stream = None
        if wait:
            self._clear_next = True
        else:
            self._reset()

    @contextmanager
    def taken_by(self, widget: str) -> Iterator[OutputBuffer]:
        """Yield the buffer that receives messages while a widget captures the outputs."""
        taken = self._taken.get(widget)
        if taken is None:
            taken = self._taken[widget] = Taken(OutputBuffer(self._limit))
            self._stream = None
            self._target.append(taken)
        before = taken.weight
        yield taken.buffer
        self._reweigh(taken, before)
        self.last_line = taken.buffer.last_line or self.last_line
        self._bound()

    def page_takes(self, widget: str, *, clear: bool, wait: bool) -> bool:
        """Handle outputs that the page puts into a widget; return whether that changed anything.

        The page itself shows these outputs, which respond to a person's action. What was captured
        before stays until the widget is cleared, now or just before its next output.
        """
        taken = self._taken.get(widget)
        if taken is None:
            return False
        before = taken.weight
        if clear:
            taken.buffer.clear(wait=wait)
        else:
            taken.buffer._before_output()
        self._reweigh(taken, before)
        return True

    def _reweigh(self, taken: Taken, before: int) -> None:
        if any(taken is item for item in self._target):
            self._weight += taken.weight - before

    # -- reading -------------------------------------------------------------------------------

    def outputs(self) -> list[dict[str, Any]]:
        """Return the outputs in nbformat form."""
        return [item.to_py() for item in self.view(live=False)]

    def view(self, *, live: bool) -> list[Item]:
        """Return what a cell should show.

        Parameters
        ----------
        live : bool
            Whether output still arrives. If so, only the last few lines of a flood are worth
            showing.
        """
        shown = self._shown(self.items, live=live)
        if self._tail is not None:
            end = self._live_tail() if live else self._tail
            shown = [*shown, self._notice(), *self._shown(end, live=live)]
        return self._joins.apply(shown) if self._taken else shown

    def _shown(self, items: list[Item | Taken], *, live: bool) -> list[Item]:
        shown: list[Item] = []
        for item in items:
            shown += item.buffer.view(live=live) if isinstance(item, Taken) else [item]
        return shown

    def _notice(self) -> Rich:
        # Do not use a stream for this. JupyterLab 4.6 remembers the stream that it wrote last until
        # an output of another kind comes, and would append the tail to whatever is above it.
        cut = [f"{self._cut_text:,} characters of text"] if self._cut_text else []
        cut += [f"{self._cut_rich:,} other outputs"] if self._cut_rich else []
        return words_of_ours(f"{' and '.join(cut) or 'Nothing'} {TOO_MUCH}")

    def _live_tail(self) -> list[Item | Taken]:
        shown: list[Item | Taken] = []
        left = LIVE_TAIL
        for item in reversed(self._tail or ()):
            if left <= 0 or (not isinstance(item, Stream) and item.weight > left):
                break
            if len(shown) == LIVE_OUTPUTS:
                break
            if isinstance(item, Stream):
                copy = Stream(item.name, "".join(item.final[-200:])[-left:] + item.line.line)
                copy.cut_start(left)
                shown.append(copy)
                left -= copy.weight
            else:
                shown.append(item)
                left -= item.weight
        return shown[::-1]

    # -- keeping within the limit --------------------------------------------------------------

    @property
    def _target(self) -> list[Item | Taken]:
        return self.items if self._tail is None else self._tail

    def _before_output(self) -> None:
        if self._clear_next:
            self._clear_next = False
            self._reset()

    def _bound(self) -> None:
        if self._limit is None:
            return
        if self._tail is None:
            if self._weight <= self._limit and len(self.items) <= MAX_OUTPUTS:
                return
            self._split(self._limit // 2)
        if self._weight > self._limit // 2 or len(self._target) > MAX_OUTPUTS // 2:
            # Trim to a quarter, so that not every message has to trim.
            self._trim(self._limit // 4)

    def _fitted(self, output: dict[str, Any]) -> dict[str, Any]:
        return output if self._limit is None else dict(fitted(output, self._limit // 2))

    def _split(self, keep: int) -> None:
        """Split the outputs into a beginning that stays and an end that is trimmed."""
        head: list[Item | Taken] = []
        weight = 0
        rest = self.items
        for item in rest[: MAX_OUTPUTS // 2]:
            if weight + item.weight > keep:
                break
            weight += item.weight
            head.append(item)
        tail = rest[len(head) :]
        if tail and isinstance(tail[0], Stream) and len(head) < MAX_OUTPUTS // 2:
            first = tail[0]
            end = Stream(first.name)
            cursor_back = len(first.line) - first.line.cursor
            end.write(first.cut_end(keep - weight))
            last = end.line.line
            end.line = TerminalLine(last, max(0, len(last) - cursor_back))
            head.append(first)
            tail[0] = end
            if self._stream is first:
                self._stream = end
        self.items, self._tail = head, tail
        self._weight = sum(item.weight for item in tail)

    def _trim(self, keep: int) -> None:
        tail = self._tail or []
        while len(tail) > 1 and (
            len(tail) > MAX_OUTPUTS // 4
            or (self._weight > keep and self._weight - tail[0].weight >= keep)
        ):
            gone = tail.pop(0)
            self._weight -= gone.weight
            if isinstance(gone, Stream):
                self._cut_text += gone.weight
            else:
                self._cut_rich += 1
        if tail and self._weight > keep and isinstance(tail[0], Stream):
            before = tail[0].weight
            self._cut_text += tail[0].cut_start(max(0, before - (self._weight - keep)))
            self._weight += tail[0].weight - before
