"""What a cell's outputs are made of in memory: text of a stream, and everything else."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from ..codec.values import well_formed
from ..text.terminal_line import TerminalLine

if TYPE_CHECKING:
    from collections.abc import Iterable

PLAIN = "text/plain"

TOO_MUCH = "left out here: too much output for one cell"
"""How every note ends that stands where something was left out."""

NUMBER = 8
"""Characters that a number is taken to have, with what stands around it."""

RICH_DISCOUNT = 10
"""How many characters of a figure or another rich output weigh as much as one of text."""


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
        final = self.line.feed(well_formed(text))
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
        return len(output.get("evalue", "")) + sum(map(len, output.get("traceback", ())))
    return 1 + sum(_weight_of(mime, value) for mime, value in output.get("data", {}).items())


def _weight_of(mime: str, value: object) -> int:
    size = _size(value)
    return size if mime == PLAIN else size // RICH_DISCOUNT


def _size(value: object) -> int:
    """Return about how many characters a value has as JSON, without looking at each number."""
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
            # What begins with a number is data of a figure: as a rule all of it is numbers.
            if part and (part[0] is None or isinstance(part[0], int | float)):
                size += NUMBER * len(part)
            else:
                waiting += part
        else:
            size += NUMBER
    return size


def fitted(output: Mapping[str, Any], most: int) -> Mapping[str, Any]:
    """Return an output of which no part weighs more than `most`, and that says what it lost.

    Text loses its middle; anything else is of no use in part and goes.
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
    """Return an output that is not the kernel's: what happened to its outputs."""
    data = {"text/plain": f"[{words}]"}
    return Rich({"output_type": "display_data", "data": data, "metadata": {}})


class Joins:
    """Makes one stream of several in a row that have the same name, as a page does.

    Streams meet when what a widget took stands between them, or went from there. A joined stream
    stays the same object while only its last part grows, so that only this is written.
    """

    def __init__(self) -> None:
        self._made: dict[int, tuple[str, Stream, int, Stream]] = {}

    def apply(self, items: Iterable[Item]) -> list[Item]:
        """Return the items with no two streams of one name in a row."""
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
