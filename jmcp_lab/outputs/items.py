"""The parts of a cell's outputs in memory: streams of text, and everything else."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from ..codec.values import well_formed
from ..text.terminal_line import TerminalLine

if TYPE_CHECKING:
    from collections.abc import Iterable

PLAIN = "text/plain"

TOO_MUCH = "left out here: too much output for one cell"
"""The end of every note about omitted output."""

NUMBER = 8
"""Number of characters assumed for a number and its separators."""

RICH_DISCOUNT = 10
"""Number of characters of a figure or other rich output that weigh as much as one of text."""


class Stream:
    """Uninterrupted output of stdout or stderr.

    Attributes
    ----------
    name : str
        ``stdout`` or ``stderr``.
    final : list of str
        Text that will not change any more, in pieces.
    line : TerminalLine
        The last line, which carriage returns may still rewrite.
    epoch : int
        A counter that changes when `final` was cut, so that it no longer just extends its old
        state.
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
        """Print `text`; return by how much the weight of the output grew."""
        before = self.weight
        waiting = len(self.line)
        final = self.line.feed(well_formed(text))
        if final:
            self.final.append(final)
        self.weight += len(final) + len(self.line) - waiting
        return self.weight - before

    @property
    def text(self) -> str:
        """The whole text."""
        return "".join(self.final) + self.line.line

    def cut_end(self, keep: int) -> str:
        """Keep about the first `keep` characters, whole lines if possible; return the rest."""
        text = self.text
        end = text.rfind("\n", 0, keep) + 1 or keep
        self._set(text[:end], TerminalLine())
        return text[end:]

    def cut_start(self, keep: int) -> int:
        """Keep about the last `keep` characters; return how many were removed."""
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
        """Return the output in nbformat form."""
        return {"output_type": "stream", "name": self.name, "text": self.text}


class Rich:
    """An output that is not a stream: a display, a result or an error.

    Attributes
    ----------
    version : int
        A counter that changes when the kernel has updated the display.
    """

    __slots__ = ("output", "version", "weight")

    def __init__(self, output: dict[str, Any]) -> None:
        self.output = output
        self.version = 0
        self.weight = _weight(output)

    def update(self, data: Mapping[str, Any], metadata: Mapping[str, Any]) -> int:
        """Replace the displayed data; return by how much the weight of the output grew."""
        before = self.weight
        self.output = {"output_type": "display_data", "data": data, "metadata": metadata}
        self.version += 1
        self.weight = _weight(self.output)
        return self.weight - before

    def to_py(self) -> dict[str, Any]:
        """Return the output in nbformat form."""
        return dict(self.output)


Item = Stream | Rich


def _weight(output: Mapping[str, Any]) -> int:
    if output["output_type"] == "error":
        return len(output.get("evalue", "")) + sum(map(len, output.get("traceback", ())))
    return 1 + sum(_weight_of(mime, value) for mime, value in output.get("data", {}).items())


def _weight_of(mime: str, value: object) -> int:
    size = _size(value)
    return size if mime == PLAIN else size // RICH_DISCOUNT


def _size(value: object) -> int:
    """Return the approximate size of a value as JSON, without inspecting each number."""
    size = 0
    waiting = [value]
    while waiting:
        part = waiting.pop()
        if isinstance(part, str):
            size += len(part)
        elif isinstance(part, Mapping):
            size += sum(map(len, map(str, part)))
            waiting += part.values()
        elif isinstance(part, list | tuple):
            # A list that begins with a number is usually data of a figure, and all of it is
            # numbers.
            if part and (part[0] is None or isinstance(part[0], int | float)):
                size += NUMBER * len(part)
            else:
                waiting += part
        else:
            size += NUMBER
    return size


def fitted(output: Mapping[str, Any], most: int) -> Mapping[str, Any]:
    """Return an output with no part heavier than `most`, including notes about what it lost.

    Text loses its middle. Any other part would be useless if it was cut, so it is removed.
    """
    if _weight(output) <= most:
        return output
    if output["output_type"] == "error":
        traceback = _without_middle("\n".join(output.get("traceback", ())), most // 2)
        value = _without_middle(str(output.get("evalue", "")), most // 2)
        return {**output, "evalue": value, "traceback": traceback.split("\n")}
    data = dict(output.get("data", {}))
    gone = [
        (mime, _size(value))
        for mime, value in data.items()
        if mime != PLAIN and _weight_of(mime, value) > most
    ]
    for mime, _ in gone:
        del data[mime]
    words = [f"[{mime}: about {size:,} characters {TOO_MUCH}]" for mime, size in gone]
    plain = data.get(PLAIN)
    if isinstance(plain, str):
        words.append(_without_middle(plain, most))
    if words:
        data[PLAIN] = "\n".join(words)
    return {**output, "data": data}


def _without_middle(text: str, most: int) -> str:
    if len(text) <= most:
        return text
    cut = len(text) - most
    start = most - most // 2
    return f"{text[:start]}\n[{cut:,} characters {TOO_MUCH}]\n{text[start + cut :]}"


def words_of_ours(words: str) -> Rich:
    """Return a message of ours, rather than the kernel's, as an output."""
    data = {"text/plain": f"[{words}]"}
    return Rich({"output_type": "display_data", "data": data, "metadata": {}})


class Joins:
    """Merges adjacent streams of the same name into one, as a page does.

    Streams become adjacent if outputs that a widget captured stood between them and were shown
    there or removed. A merged stream stays the same object while only its last part grows, so that
    only this part is written.
    """

    def __init__(self) -> None:
        self._made: dict[int, tuple[str, Stream, int, Stream]] = {}

    def apply(self, items: Iterable[Item]) -> list[Item]:
        """Return the items without adjacent streams of one name."""
        rows: list[list[Item]] = []
        for item in items:
            above = rows[-1][-1] if rows else None
            if isinstance(item, Stream) and isinstance(above, Stream) and above.name == item.name:
                rows[-1].append(item)
            else:
                rows.append([item])
        made, self._made = self._made, {}
        return [
            self._joined([each for each in row if isinstance(each, Stream)], made)
            if len(row) > 1
            else row[0]
            for row in rows
        ]

    def _joined(
        self, parts: list[Stream], made: dict[int, tuple[str, Stream, int, Stream]]
    ) -> Stream:
        head = "".join(part.text for part in parts[:-1])
        last = parts[-1]
        whole = Stream(last.name)
        if (old := made.get(id(last))) is not None and old[:3] == (head, last, last.epoch):
            whole = old[3]
        self._made[id(last)] = (head, last, last.epoch, whole)
        whole.final = [head, *last.final]
        whole.line = last.line
        whole.weight = len(head) + last.weight
        return whole
