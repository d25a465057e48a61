"""The outputs of one run of a cell, in memory: what JupyterLab's output area would hold.

Kernel messages change this buffer at once; the document follows it in batches. Of a flood of
output the beginning and the end are kept.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from .terminal import TerminalLine

if TYPE_CHECKING:
    from collections.abc import Mapping

DEFAULT_LIMIT = 10_000_000
"""Characters of text that are kept of the outputs of one cell."""

RICH_DISCOUNT = 10
"""How many characters of a figure or another rich output weigh as much as one of text."""

LIVE_TAIL = 16_000
"""How much of the end of a flood is shown while it goes on."""


class Stream:
    """What one of stdout and stderr printed without interruption by another output.

    Attributes
    ----------
    name : str
        ``stdout`` or ``stderr``.
    final : list of str
        Text that will not change any more, in pieces.
    line : TerminalLine
        The last line, which carriage returns may still rewrite.
    epoch : int
        Changes when `final` was cut, after which it does not just continue what it was.
    """

    __slots__ = ("epoch", "final", "line", "name", "weight")

    def __init__(self, name: str, text: str = "") -> None:
        self.name = name
        self.final: list[str] = []
        self.line = TerminalLine()
        self.epoch = 0
        self.weight = 0
        if text:
            self.write(text)

    def write(self, text: str) -> int:
        """Print `text`; return how much heavier that made the output."""
        before = self.weight
        waiting = len(self.line)
        final = self.line.feed(text)
        if final:
            self.final.append(final)
        self.weight += len(final) + len(self.line) - waiting
        return self.weight - before

    @property
    def text(self) -> str:
        """All of it."""
        return "".join(self.final) + self.line.line

    def cut_end(self, keep: int) -> str:
        """Keep about the first `keep` characters, whole lines if possible; return the rest."""
        text = self.text
        end = text.rfind("\n", 0, keep) + 1 or keep
        self._set(text[:end], TerminalLine())
        return text[end:]

    def cut_start(self, keep: int) -> int:
        """Keep about the last `keep` characters; return how many went."""
        text = self.text
        if len(text) <= keep:
            return 0
        start = len(text) - keep
        start = text.find("\n", start, len(text) - 1) + 1 or start
        line = self.line
        gone = start - (len(text) - len(line))
        if gone > 0:
            line = TerminalLine(line.line[gone:], max(0, line.cursor - gone))
        self._set(text[start : len(text) - len(line)], line)
        return start

    def _set(self, final: str, line: TerminalLine) -> None:
        self.final = [final] if final else []
        self.line = line
        self.epoch += 1
        self.weight = len(final) + len(line)

    def to_py(self) -> dict[str, Any]:
        """Return it as nbformat has it."""
        return {"output_type": "stream", "name": self.name, "text": self.text}


class Rich:
    """An output that is not a stream: a display, a result or an error.

    Attributes
    ----------
    version : int
        Changes when the kernel updated the display.
    """

    __slots__ = ("output", "version", "weight")

    def __init__(self, output: dict[str, Any]) -> None:
        self.output = output
        self.version = 0
        self.weight = _weight(output)

    def update(self, data: Mapping[str, Any], metadata: Mapping[str, Any]) -> int:
        """Replace what is displayed; return how much heavier that made the output."""
        before = self.weight
        self.output = {"output_type": "display_data", "data": data, "metadata": metadata}
        self.version += 1
        self.weight = _weight(self.output)
        return self.weight - before

    def to_py(self) -> dict[str, Any]:
        """Return it as nbformat has it."""
        return dict(self.output)


Item = Stream | Rich


def _weight(output: Mapping[str, Any]) -> int:
    if output["output_type"] == "error":
        return sum(map(len, output.get("traceback", ())))
    data = output.get("data", {})
    size = sum(len(value) if isinstance(value, str) else 1000 for value in data.values())
    return 1 + size // RICH_DISCOUNT


def _words(words: str) -> Rich:
    """Return an output that is not the kernel's: what happened to its outputs."""
    data = {"text/plain": f"[{words}]"}
    return Rich({"output_type": "display_data", "data": data, "metadata": {}})


class OutputBuffer:
    """The outputs of one run of a cell.

    Parameters
    ----------
    limit : int or None
        Characters to keep; half of them for the beginning, the rest for the end. Rich outputs
        count a tenth of their size. None keeps everything.

    Attributes
    ----------
    items : list
        All outputs, or their beginning when there were too many.
    last_line : str
        The last line of text that has something in it, for progress reports.
    """

    def __init__(self, limit: int | None = DEFAULT_LIMIT) -> None:
        self._limit = limit or None
        self._clear_next = False
        self.last_line = ""
        self._reset()

    def _reset(self) -> None:
        self.items: list[Item] = []
        self._tail: list[Item] | None = None
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
        """How much it holds, in characters."""
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
        item = Rich(output)
        self._target.append(item)
        self._weight += item.weight
        self._bound()
        return item

    def note(self, words: str) -> None:
        """Say something below the outputs, whether or not the kernel is about to clear them."""
        self._stream = None
        item = _words(words)
        self._target.append(item)
        self._weight += item.weight

    def update(self, item: Rich, data: Mapping[str, Any], metadata: Mapping[str, Any]) -> bool:
        """Show something else in a display; return False when it is no longer there."""
        if not any(item is other for other in (*self.items, *(self._tail or ()))):
            return False
        self._weight += item.update(data, metadata)
        return True

    def clear(self, *, wait: bool) -> None:
        """Remove all outputs, now or just before the next one."""
        self._stream = None
        if wait:
            self._clear_next = True
        else:
            self._reset()

    # -- reading -------------------------------------------------------------------------------

    def outputs(self) -> list[dict[str, Any]]:
        """Return the outputs as nbformat has them."""
        return [item.to_py() for item in self.view(live=False)]

    def view(self, *, live: bool) -> list[Item]:
        """Return what a cell should show.

        Parameters
        ----------
        live : bool
            Output still comes: of a flood only the last few lines are worth showing.
        """
        if self._tail is None:
            return self.items
        if live:
            return [*self.items, self._notice(), *self._live_tail()]
        return [*self.items, self._notice(), *self._tail]

    def _notice(self) -> Rich:
        # Not a stream: JupyterLab 4.6 forgets only by an output of another kind which stream it
        # wrote last, and would append the tail to whatever is above it.
        cut = [f"{self._cut_text:,} characters of text"] if self._cut_text else []
        cut += [f"{self._cut_rich:,} other outputs"] if self._cut_rich else []
        return _words(
            f"{' and '.join(cut) or 'Nothing'} left out here: too much output for one cell"
        )

    def _live_tail(self) -> list[Item]:
        shown: list[Item] = []
        left = LIVE_TAIL
        for item in reversed(self._tail or ()):
            if left <= 0 or (isinstance(item, Rich) and item.weight > left):
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
    def _target(self) -> list[Item]:
        return self.items if self._tail is None else self._tail

    def _before_output(self) -> None:
        if self._clear_next:
            self._clear_next = False
            self._reset()

    def _bound(self) -> None:
        if self._limit is None:
            return
        if self._tail is None:
            if self._weight <= self._limit:
                return
            self._split(self._limit // 2)
        if self._weight > self._limit // 2:
            # Down to a quarter, so that not every message has to cut.
            self._trim(self._limit // 4)

    def _split(self, keep: int) -> None:
        """Divide the outputs into a beginning that stays and an end that is trimmed."""
        head: list[Item] = []
        weight = 0
        rest = self.items
        while rest and weight + rest[0].weight <= keep:
            weight += rest[0].weight
            head.append(rest.pop(0))
        tail = list(rest)
        if tail and isinstance(tail[0], Stream):
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
        while self._weight > keep and len(tail) > 1 and self._weight - tail[0].weight >= keep:
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
