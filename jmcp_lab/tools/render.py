"""Outputs of cells → text and images for a model, within one budget.

A reply goes into the context of a model, which is small and expensive, and what is in it was
written by whatever the kernel ran. So a reply is bounded, every cut says exactly what was left
out and how to get it, and text of outputs stands between markers, so that a model can tell it
from what the server says::

    [output 1 stdout]
    epoch 1
    [/output 1]
    [output 2 image/png 640x480, 23 kB: image 1]

When the text itself holds such a marker, its own markers get a random word that the text cannot
know. Only the server's words, numbers and well-formed mime types stand inside brackets.

How the text budget is shared over cells and outputs:

1. Labels, markers and notes are counted first; of a cell with many outputs the first and the
   last are shown.
2. Each error gets what it needs up to `ERROR_SHARE` characters; the end of an error is kept.
3. The rest is shared equally over the cells, and what a cell does not need passes on to those
   that need more; within a cell the same rule holds for its outputs.

Images share theirs by rule 3, and at most `MAX_IMAGES` are sent.

Everything here is pure, never raises on damaged outputs and takes linear time. Decoding and
scaling an image takes tens of milliseconds, so call it in a thread when there are images.
"""

from __future__ import annotations

import re
import secrets
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any, NamedTuple

from jmcp_lab.calls.call import ImagePart, TextPart
from jmcp_lab.errors import InvalidArgumentError
from jmcp_lab.tools.rendering.blocks import Block, block_of
from jmcp_lab.tools.rendering.images import SentPicture, described, prepared
from jmcp_lab.tools.rendering.outline import outline
from jmcp_lab.tools.rendering.text import Page, clip, page

__all__ = [
    "Budget",
    "CellOutputs",
    "Hint",
    "clip",
    "fair_shares",
    "outline",
    "page",
    "render_cells",
    "render_outputs",
    "render_page",
]

ERROR_SHARE = 4000
MAX_IMAGES = 10
MAX_OUTPUTS = 30
"""Outputs of one cell that are shown; the first two thirds and the last third of these."""
_CROWDED = 150
"""Characters that each shown output should at least have in a reply of many cells."""

_PAGE_WORDS = 240
"""At most so many characters are around the text of a page."""

_MARKER = re.compile(r"\[\s*/?\s*output\b", re.IGNORECASE)

Part = TextPart | ImagePart
Hint = Callable[[int, int], str]
"""Given the number of an output and an offset, the words that say how to get the rest."""


@dataclass(frozen=True, slots=True)
class Budget:
    """How much one reply may hold.

    Parameters
    ----------
    text : int
        Characters of text.
    image_chars : int
        Base64 characters of all images together. With the default text budget, in UTF-8 and
        JSON, a whole reply stays under 700,000 bytes.
    images : bool
        Whether images are sent at all; otherwise they are named with their size.
    """

    text: int = 20_000
    image_chars: int = 600_000
    images: bool = True

    def less(self, used: int) -> Budget:
        """Return the budget that is left after `used` characters of other text."""
        return replace(self, text=max(0, self.text - used))


class CellOutputs(NamedTuple):
    """The outputs of one cell, and the server's words that stand before them.

    Parameters
    ----------
    label : str
        For example ``cell 3 · ab12cd · [5]``; may be empty or have several lines. It counts to
        the budget and is not cut, unless labels alone are more than the budget.
    outputs : sequence
        As nbformat 4 defines them, plain Python.
    hint : callable, optional
        How to get what is left out.
    """

    label: str
    outputs: Sequence[Any]
    hint: Hint | None = None


def render_outputs(
    outputs: Sequence[Any], budget: Budget, *, label: str = "", hint: Hint | None = None
) -> list[Part]:
    """Return the outputs of one cell: one text, then the images it speaks of."""
    return render_cells([CellOutputs(label, outputs, hint)], budget)


def render_cells(
    cells: Sequence[CellOutputs | tuple[str, Sequence[Any]]], budget: Budget
) -> list[Part]:
    """Return the outputs of several cells, which share the budget: one text, then the images.

    Parameters
    ----------
    cells : sequence of CellOutputs
        Or pairs of a label and outputs.
    budget : Budget

    Returns
    -------
    list of TextPart and ImagePart
        Empty when there is nothing to say. The text is at most ``budget.text`` characters.
    """
    shown_outputs = max(3, min(MAX_OUTPUTS, budget.text // (_CROWDED * max(1, len(cells)))))
    plans = [_planned(CellOutputs(*cell), shown_outputs) for cell in cells]
    return _reply(plans, budget)


def render_page(outputs: Sequence[Any], output: int, offset: int, budget: Budget) -> list[Part]:
    """Return a piece of one output, from a character offset on; its image comes with offset 0.

    Raises
    ------
    InvalidArgumentError
        When there is no such output.
    """
    if not 1 <= output <= len(outputs):
        count = len(outputs)
        have = f"has {count} output{'' if count == 1 else 's'}" if count else "has no outputs"
        raise InvalidArgumentError(f"There is no output {output}: the cell {have}.")
    block = block_of(outputs[output - 1], output)
    piece = page(block.text, offset, max(1, budget.text - _PAGE_WORDS))
    if offset == 0 and piece.next_offset is None:
        return _reply([_Plan("", [_Item(block)], None)], budget)
    return [TextPart(_page_words(block, piece))]


def _page_words(block: Block, piece: Page) -> str:
    """Return a piece of a block between its markers, under the words where it stands."""
    shown = _Item(replace(block, text=piece.text, picture=None, notes=()), max(1, len(piece.text)))
    return f"[output {block.output}: {piece.words()}]\n{shown.render(None)}"


def fair_shares(needs: Sequence[int], total: int) -> list[int]:
    """Return how much each gets of `total`: equal shares, and leftovers to those who need more.

    No share is larger than its need, and their sum is not larger than `total`.
    """
    shares = [0] * len(needs)
    left, waiting = max(0, total), len(needs)
    for place in sorted(range(len(needs)), key=lambda place: needs[place]):
        shares[place] = min(max(0, needs[place]), left // waiting)
        left -= shares[place]
        waiting -= 1
    return shares


@dataclass(slots=True)
class _Item:
    """A block in a reply, and how many characters of its text it may show."""

    block: Block
    limit: int = 0
    caption: str = ""
    word: str = ""

    def __post_init__(self) -> None:
        if _MARKER.search(self.block.text):
            self.word = " #" + secrets.token_hex(3)

    def fixed_length(self) -> int:
        """Return the length of all but the text of the output."""
        marked = len(self.render(None, text="")) + 1 if self.block.text else 0
        return marked + sum(len(line) + 1 for line in self.own_lines())

    def own_lines(self) -> list[str]:
        """Return the lines about what is not text."""
        number, kind = self.block.output, self.block.kind
        lines = [f"[output {number} {self.caption}]"] if self.caption else []
        return lines + [f"[output {number} {kind}: {note}]" for note in self.block.notes]

    def render(self, hint: Hint | None, *, text: str | None = None) -> str:
        """Return the text between its markers, cut to the limit."""
        number, kind, word = self.block.output, self.block.kind, self.word
        if text is None:
            if self.limit <= 0:
                return f"[output {number} {kind}: no room]"
            left_out = (lambda offset: hint(number, offset)) if hint else ""
            share = 1 / 3 if self.block.is_error else 2 / 3
            text = clip(self.block.text, self.limit, left_out, head_share=share)
        text = text.removesuffix("\n")
        return f"[output {number} {kind}{word}]\n{text}\n[/output {number}{word}]"


@dataclass(slots=True)
class _Plan:
    """What a reply shows of one cell."""

    label: str
    items: list[_Item]
    hint: Hint | None
    left_out: tuple[int, int] | None = None

    def fixed_length(self) -> int:
        """Return the length of all but the texts of outputs."""
        lines = [self.label] if self.label else []
        lines += [self._left_out_words()] if self.left_out else []
        return sum(len(line) + 1 for line in lines) + sum(i.fixed_length() for i in self.items)

    def text(self) -> str:
        """Return the text of the cell."""
        lines = [self.label] if self.label else []
        for item in self.items:
            if self.left_out and item.block.output == self.left_out[1] + 1:
                lines.append(self._left_out_words())
            if item.block.text:
                lines.append(item.render(self.hint))
            lines += item.own_lines()
        return "\n".join(lines)

    def _left_out_words(self) -> str:
        assert self.left_out is not None
        first, last = self.left_out
        said = "; " + self.hint(first, 0) if self.hint else ""
        return f"[outputs {first:,} to {last:,} left out{said}]"


def _planned(cell: CellOutputs, most: int) -> _Plan:
    """Return the plan of a cell: its blocks, without the middle ones when there are too many."""
    outputs = cell.outputs if isinstance(cell.outputs, list | tuple) else []
    numbers = list(range(1, len(outputs) + 1))
    left_out = None
    if len(numbers) > most:
        head = most - most // 3
        left_out = head + 1, len(numbers) - most // 3
        numbers = numbers[:head] + numbers[left_out[1] :]
    items = [_Item(block_of(outputs[number - 1], number)) for number in numbers]
    return _Plan(cell.label, items, cell.hint, left_out)


def _reply(plans: Sequence[_Plan], budget: Budget) -> list[Part]:
    """Return the parts of a reply that shows `plans`."""
    images = _with_images(plans, budget)
    _share(plans, budget.text - sum(plan.fixed_length() for plan in plans))
    text = "\n".join(part for plan in plans if (part := plan.text()))
    return [TextPart(clip(text, budget.text)), *images] if text else []


def _share(plans: Sequence[_Plan], room: int) -> None:
    """Give each item its part of the text budget, by the rules above."""
    items = [item for plan in plans for item in plan.items]
    first = [min(len(i.block.text), ERROR_SHARE) if i.block.is_error else 0 for i in items]
    for item, share in zip(items, fair_shares(first, room), strict=True):
        item.limit = share
    room -= sum(item.limit for item in items)
    needs = [[len(i.block.text) - i.limit for i in plan.items] for plan in plans]
    cell_shares = fair_shares([sum(need) for need in needs], room)
    for plan, need, cell_share in zip(plans, needs, cell_shares, strict=True):
        for item, share in zip(plan.items, fair_shares(need, cell_share), strict=True):
            item.limit += share


def _with_images(plans: Sequence[_Plan], budget: Budget) -> list[ImagePart]:
    """Return the images to send, and write into each item what became of its image."""
    found = [(plan, item) for plan in plans for item in plan.items if item.block.picture]
    sent = _fitted(found, budget)
    parts: list[ImagePart] = []
    for place, (plan, item) in enumerate(found):
        picture = item.block.picture
        assert picture is not None
        image = sent[place] if place < len(sent) else None
        if image is None or image.data is None:
            words = image.words if image else described(picture).partition(" ")[2]
            why = "" if image else ": images are off" if not budget.images else ": no room"
            more = plan.hint(item.block.output, 0) if plan.hint and budget.images else ""
            item.caption = f"{picture.mime_type} {words}{why}{'; ' + more if more else ''}"
        else:
            parts.append(ImagePart(image.data, image.mime_type))
            item.caption = f"{picture.mime_type} {image.words}: image {len(parts)}"
    return parts


def _fitted(found: Sequence[tuple[_Plan, _Item]], budget: Budget) -> list[SentPicture]:
    """Return the first images, made small enough to fit together."""
    if not budget.images or budget.image_chars <= 0:
        return []
    pictures = [item.block.picture for _, item in found[:MAX_IMAGES] if item.block.picture]
    sent = [prepared(picture, budget.image_chars) for picture in pictures]
    needs = [len(image.data or "") for image in sent]
    shares = fair_shares(needs, budget.image_chars)
    return [
        image if need <= share else prepared(picture, share)
        for picture, image, need, share in zip(pictures, sent, needs, shares, strict=True)
    ]
