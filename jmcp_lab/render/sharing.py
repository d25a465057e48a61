"""How the cells and outputs of one reply share its text; `jmcp_lab.render.outputs` has the rule.

The server's own words are counted before anything is shared, and a line names everything that is
left out.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from jmcp_lab.calls.proposed import proposed
from jmcp_lab.files.names import shown
from jmcp_lab.text.counting import count

from .blocks import Block, block_of
from .full_source import source_of, source_offset
from .marked import word_for
from .text import MIN_CLIP, clip

ERROR_SHARE = 4000
MAX_OUTPUTS = 30
"""Maximum number of outputs shown of one cell: the first two thirds, and the last third."""
_SHORTEST = 30
"""Typical length of the shortest outputs, with their markers."""
_CUT_WORDS = 40
"""Length of the words about a cut, without the call that shows the rest."""
MAX_IMAGES = 10
_CAPTIONS = 120, 60
"""Maximum lengths of the captions of images that may be sent and of others, without the call."""
_NAMES = 600
"""Maximum length of the words about cells that are left out."""

Hint = Callable[[int, int], str]
"""Function that returns, for an output number and an offset, how to get the rest."""


class CellSection(NamedTuple):
    """The outputs of one cell, and the server's words that stand before them.

    Parameters
    ----------
    label : str
        For example ``cell 3 · ab12cd · [5]``; may be empty or have several lines. It counts to
        the budget and is not cut, unless a label alone is more than the budget.
    outputs : sequence
        As nbformat 4 defines them, plain Python.
    hint : callable, optional
        How to get what is left out.
    name : str, optional
        The name of the cell for ``read_cell``, for a reply that has no room for the label.
    path : str, optional
        The notebook of the cell.
    """

    label: str
    outputs: Sequence[Any]
    hint: Hint | None = None
    name: str = ""
    path: str | None = None


def fair_shares(needs: Sequence[int], total: int) -> list[int]:
    """Return how much of `total` each gets: equal shares, and leftovers to those that need more.

    No share is larger than its need, and their sum is not larger than `total`.
    """
    shares = [0] * len(needs)
    left, waiting = max(0, total), len(needs)
    for place in sorted(range(len(needs)), key=lambda place: needs[place]):
        shares[place] = min(max(0, needs[place]), left // waiting)
        left -= shares[place]
        waiting -= 1
    return shares


def _shared_in_turn(turns: Sequence[Sequence[int]], total: int) -> list[int]:
    """Return what each gets if every turn is served for all before the next turn starts."""
    got = [0] * len(turns[0])
    for wanted in turns:
        more = fair_shares([w - g for w, g in zip(wanted, got, strict=True)], total - sum(got))
        got = [g + m for g, m in zip(got, more, strict=True)]
    return got


@dataclass(slots=True)
class Item:
    """A block in a reply, and how many characters of its text it may show.

    Parameters
    ----------
    block : Block
    limit : int
        Characters of its text.
    caption : str
        What happened to its image, in words.
    more : str
        The call that shows what its text summarises.
    early : bool
        Whether it gets room before others: an error, or an image that may be sent.
    word : str
        The random word of its markers, which the text cannot know.
    """

    block: Block
    limit: int = 0
    caption: str = ""
    more: str = ""
    early: bool = False
    word: str = ""

    def __post_init__(self) -> None:
        self.word = word_for(self.block.text)

    def length(self, text: int) -> int:
        """Return the length of all lines when at most `text` characters of the output are shown."""
        own = sum(len(line) + 1 for line in self.own_lines())
        if not self.block.text:
            return own
        return own + len(self._between("")) + 1 + min(text, len(self.block.text))

    def own_lines(self) -> list[str]:
        """Return the lines about everything but the text."""
        number, kind = self.block.output, self.block.kind
        lines = [f"[output {number} {self.caption}]"] if self.caption else []
        lines += [f"[output {number} {kind}: {note}]" for note in self.block.notes]
        return lines + ([f"[in full: {self.more}]"] if self.more else [])

    def render(self, hint: Hint | None = None) -> str:
        """Return the text between its markers, cut to the limit."""
        number = self.block.output
        left_out = (lambda offset: hint(number, offset)) if hint else ""
        share = 1 / 3 if self.block.is_error else 2 / 3
        return self._between(clip(self.block.text, self.limit, left_out, head_share=share))

    def _between(self, text: str) -> str:
        number, kind, word = self.block.output, self.block.kind, self.word
        text = text.removesuffix("\n")
        return f"[output {number} {kind}{word}]\n{text}\n[/output {number}{word}]"


@dataclass(slots=True)
class Plan:
    """What a reply shows of one cell.

    Parameters
    ----------
    label : str
    items : list of Item
        The first and the last outputs, as many as could have room.
    total : int
        How many outputs the cell has.
    hint, name, path
        As those of `CellSection`.
    """

    label: str
    items: list[Item] = field(default_factory=list)
    total: int = 0
    hint: Hint | None = None
    name: str = ""
    path: str | None = None
    shown: list[Item] = field(default_factory=list)
    room: int = 0
    gap: str = ""

    def label_length(self) -> int:
        """Return the length of the label."""
        return len(self.label) + 1 if self.label else 0

    def least(self) -> int:
        """Return the length of the shortest possible words about the outputs."""
        return min(self.whole(), len(self._gap(1, self.total)) + 1) if self.total else 0

    def whole(self) -> int:
        """Return the length of all outputs that may be shown."""
        texts = sum(item.length(len(item.block.text)) for item in self.items)
        if self.total == len(self.items):
            return texts
        head, tail = _ends(len(self.items), self._fails())
        return texts + len(self._gap(head + 1, self.total - tail, hinted=True)) + 1

    def with_early(self) -> int:
        """Return the length of the outputs that get room before others."""
        early = sum(
            item.length(ERROR_SHARE if item.block.is_error else self._readable(item))
            for item in self.items
            if item.early
        )
        return min(self.whole(), self.least() + early)

    def choose(self, room: int) -> int:
        """Choose as many outputs as fit into `room`, and return the room that is left.

        An output is shown whole, or with enough of its text for the words about the cut.
        """
        self.room = room
        for number in range(len(self.items), -1, -1):
            head, tail = _ends(number, self._fails())
            self.shown = self.items[:head] + self.items[len(self.items) - tail :]
            first, last = head + 1, self.total - tail
            least = sum(item.length(self._readable(item)) for item in self.shown)
            self.gap = self._gap(first, last) if first <= last else ""
            least += self._gap_length()
            if least <= room:
                break
        hinted = self._gap(first, last, hinted=True) if self.gap else ""
        if hinted and least + len(hinted) - len(self.gap) <= room:
            self.gap = hinted
        return max(0, room - self._used())

    def cut_to_room(self) -> None:
        """Give each shown output its share of the room."""
        marked = sum(item.length(0) for item in self.shown) + self._gap_length()
        texts = [len(item.block.text) for item in self.shown]
        errors = [
            min(text, ERROR_SHARE) if item.block.is_error else 0
            for item, text in zip(self.shown, texts, strict=True)
        ]
        readable = [self._readable(item) for item in self.shown]
        limits = _shared_in_turn([readable, errors, texts], self.room - marked)
        for item, limit in zip(self.shown, limits, strict=True):
            item.limit = limit

    def text(self) -> str:
        """Return the text of the cell."""
        lines = [self.label] if self.label else []
        before = 0
        for item in self.shown:
            if self.gap and item.block.output != before + 1:
                lines.append(self.gap)
            before = item.block.output
            if item.block.text:
                lines.append(item.render(self.hint))
            lines += item.own_lines()
        if self.gap and before != self.total:
            lines.append(self.gap)
        return "\n".join(lines)

    def hint_for_gap(self) -> str:
        """Return the call that shows what is left out, unless the cell names it itself."""
        if not self.gap or not self.hint:
            return ""
        first = next((n for n, i in enumerate(self.shown, 1) if i.block.output != n), None)
        call = self.hint(first or len(self.shown) + 1, 0)
        return "" if call in self.gap else call

    def _fails(self) -> bool:
        return bool(self.items) and self.items[-1].block.is_error

    def _used(self) -> int:
        texts = sum(item.length(len(item.block.text)) for item in self.shown)
        return texts + self._gap_length()

    def _gap_length(self) -> int:
        return len(self.gap) + 1 if self.gap else 0

    def _readable(self, item: Item) -> int:
        """Return the minimum number of characters to show of an output."""
        said = len(self.hint(item.block.output, len(item.block.text))) if self.hint else 0
        # The least for which `clip` keeps the call.
        least = max(MIN_CLIP, (_CUT_WORDS + said) * 3 // 2)
        if item.block.is_error:
            least = max(least, min(ERROR_SHARE, self.room // 2))
        return min(least, len(item.block.text))

    def _gap(self, first: int, last: int, *, hinted: bool = False) -> str:
        if last - first + 1 == self.total:
            what = count(self.total, "output")
        else:
            what = f"outputs {first:,} to {last:,}" if first < last else f"output {first:,}"
        said = "; " + self.hint(first, 0) if self.hint and hinted else ""
        return f"[{what} left out{said}]"


def _ends(number: int, keep_last: bool) -> tuple[int, int]:
    """Return how many of `number` shown outputs come from the start and how many from the end."""
    tail = max(number // 3, min(number, int(keep_last)))
    return number - tail, tail


def plans_of(cells: Sequence[CellSection], text: int) -> list[Plan]:
    """Return the plans of cells, each with no more outputs than could fit into `text`."""
    found = [cell.outputs if isinstance(cell.outputs, list | tuple) else [] for cell in cells]
    # Read only outputs that may be shown: a cell can have 10,000 of them.
    most = fair_shares([min(len(outputs), MAX_OUTPUTS) for outputs in found], text // _SHORTEST)
    plans = [
        _plan(cell, outputs, max(3, number))
        for cell, outputs, number in zip(cells, found, most, strict=True)
    ]
    _keep_room_for_captions(plans)
    return plans


def _keep_room_for_captions(plans: Sequence[Plan]) -> None:
    """Reserve the room that captions may need; which images are sent is known only later."""
    found = [(plan, item) for plan in plans for item in plan.items if item.block.picture]
    for place, (plan, item) in enumerate(found):
        item.early = place < MAX_IMAGES
        said = len(plan.hint(item.block.output, 0)) if plan.hint else 0
        item.caption = " " * (_CAPTIONS[0 if item.early else 1] + said)


def _plan(cell: CellSection, outputs: Sequence[Any], most: int) -> Plan:
    numbers = list(range(1, len(outputs) + 1))
    if len(numbers) > most:
        head, tail = _ends(most, keep_last=True)
        numbers = numbers[:head] + numbers[-tail:]
    items = [Item(block_of(outputs[number - 1], number)) for number in numbers]
    for item in items:
        number, text = item.block.output, item.block.text
        item.early = item.block.is_error
        if cell.hint and source_of(outputs[number - 1], item.block):
            item.more = cell.hint(number, source_offset(text))
    return Plan(cell.label, items, len(outputs), cell.hint, cell.name, cell.path)


def fitted(plans: Sequence[Plan], room: int) -> tuple[list[Plan], str]:
    """Choose what to show of each cell, and return the plans and the words after them."""
    closing = ""
    while True:
        left = room - len(closing)
        kept = _kept(plans, left)
        left -= sum(plan.label_length() for plan in kept)
        turns = (
            [plan.least() for plan in kept],
            [plan.with_early() for plan in kept],
            [plan.whole() for plan in kept],
        )
        over = 0
        for plan, share in zip(kept, _shared_in_turn(turns, left), strict=True):
            over = plan.choose(share + over)
        call = next((call for plan in kept if (call := plan.hint_for_gap())), "")
        if closing or not call:
            return kept, closing
        closing = f"[To see what is left out, use calls such as {call}]"


def _kept(plans: Sequence[Plan], room: int) -> list[Plan]:
    """Return the plans; if too many, the first, the last, and one that names those left out."""
    lengths = [plan.label_length() + plan.least() for plan in plans]
    if len(plans) < 2 or sum(lengths) <= room:
        return list(plans)
    room -= min(_NAMES, room // 4)
    tail = _fitting(lengths[::-1], room // 3)
    head = _fitting(lengths[: len(plans) - tail], room - sum(lengths[len(plans) - tail :]))
    left_out = plans[head : len(plans) - tail]
    return [*plans[:head], Plan(_left_out_words(left_out)), *plans[len(plans) - tail :]]


def _fitting(lengths: Sequence[int], room: int) -> int:
    """Return how many of the first lengths fit."""
    for number, length in enumerate(lengths):
        room -= length
        if room < 0:
            return number
    return len(lengths)


def _left_out_words(plans: Sequence[Plan]) -> str:
    """Return words that cells are left out, with as many of their names as there is room for."""
    words = f"[{count(len(plans), 'cell')} left out"
    named = [plan for plan in plans if plan.name]
    if not named:
        return f"{words}]"
    first, names = named[0], [shown(plan.name) for plan in named]
    call = proposed("read_cell", cell=first.name, notebook=first.path)
    words += f"; {call} shows the first"
    if len(names) > 1:
        words += f"; the others: {names[1]}"
    all_of_them = proposed("list_cells", notebook=first.path)
    for place, name in enumerate(names[2:], 2):
        if len(words) + len(name) > _NAMES - 60 - len(all_of_them):
            rest = f"{len(names) - place:,} more, up to {names[-1]}"
            return f"{words} and {rest}; {all_of_them} lists them]"
        words += f", {name}"
    return f"{words}]"
