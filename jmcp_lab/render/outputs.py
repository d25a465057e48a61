"""Outputs of cells → text and images for a model, within one budget.

A reply goes into the context of a model, which is small and expensive, and any code in the kernel
may have written what is in it. So a reply is bounded, every cut says exactly what was left out and
how to get it, and text of outputs stands between markers, so that a model can tell it from the
server's own words::

    [output 1 stdout]
    epoch 1
    [/output 1]
    [output 2 image/png 640x480, 23 kB: image 1]

When the text itself holds such a marker, its own markers get a random word that the text cannot
know. Only the server's words, numbers and well-formed mime types stand inside brackets.

How the text budget is shared over cells and outputs:

1. Labels come first, and for each cell a line that says how many outputs were left out. If even
   these are too much, the cells in the middle are left out and named in one line.
2. Each error gets what it needs up to `ERROR_SHARE` characters, and each of the first
   `MAX_IMAGES` images its caption; the end of an error is kept.
3. The rest is shared equally among the cells, and what a cell does not need passes on to the
   cells that need more.
4. A cell shows as many outputs as fit into its share, whole or with enough text for the words
   about the cut; one line replaces the outputs in the middle that do not fit. Within the cell,
   rules 2 and 3 apply to the texts.

Every line about what was left out names the call that shows it. Where the line has no room for a
call, one call at the end of the reply serves as the example for all.

Images share their own budget by rule 3, and at most `MAX_IMAGES` are sent.

Everything here is pure, never raises on damaged outputs and takes linear time. Decoding and
scaling an image takes tens of milliseconds, so call it in a thread when there are images.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

from jmcp_lab.calls.call import ImagePart, TextPart
from jmcp_lab.errors import InvalidArgumentError
from jmcp_lab.render.blocks import block_of
from jmcp_lab.render.full_source import source_of, source_offset
from jmcp_lab.render.images import SentPicture, described, prepared
from jmcp_lab.render.outline import outline
from jmcp_lab.render.sharing import (
    MAX_IMAGES,
    CellSection,
    Hint,
    Item,
    Plan,
    fair_shares,
    fitted,
    plans_of,
)
from jmcp_lab.render.text import clip, page
from jmcp_lab.text.counting import count

__all__ = [
    "MAX_IMAGES",
    "Budget",
    "CellSection",
    "Hint",
    "clip",
    "fair_shares",
    "outline",
    "page",
    "render_cells",
    "render_page",
]

_PAGE_WORDS = 320
"""Maximum number of characters around the text of a page, besides notes."""

Part = TextPart | ImagePart


@dataclass(frozen=True, slots=True)
class Budget:
    """How much one reply may hold.

    Parameters
    ----------
    text : int
        Characters of text.
    image_chars : int
        Base64 characters of all images together. The default and the default text budget keep a
        whole reply under 700,000 bytes of UTF-8 and JSON.
    images : bool
        Whether images are sent at all; otherwise they are named with their size.
    """

    text: int = 20_000
    image_chars: int = 600_000
    images: bool = True


def render_cells(
    cells: Sequence[CellSection | tuple[str, Sequence[Any]]], budget: Budget
) -> list[Part]:
    """Return the outputs of several cells, which share the budget: one text, then the images.

    Parameters
    ----------
    cells : sequence of CellSection
        Or pairs of a label and outputs.
    budget : Budget

    Returns
    -------
    list of TextPart and ImagePart
        Empty when there is nothing to say. The text is at most ``budget.text`` characters.
    """
    return _reply(plans_of([CellSection(*cell) for cell in cells], budget.text), budget)


def render_page(
    outputs: Sequence[Any], output: int, offset: int, budget: Budget, *, hint: Hint | None = None
) -> list[Part]:
    """Return a piece of one output, from a character offset on; its image comes with offset 0.

    If a reply only summarises an output, such as a figure, the summary comes first, and then the
    whole source.

    Raises
    ------
    InvalidArgumentError
        There is no such output.
    """
    if not 1 <= output <= len(outputs):
        have = f"has {count(len(outputs), 'output')}" if outputs else "has no outputs"
        raise InvalidArgumentError(f"There is no output {output}: the cell {have}.")
    item = Item(block_of(outputs[output - 1], output))
    text, source = item.block.text, source_of(outputs[output - 1], item.block)
    whole = f"{text}\n{source.text()}" if source else text
    around = _PAGE_WORDS + sum(len(line) + 1 for line in item.own_lines())
    around += 2 * len(hint(output, len(whole))) if hint else 0
    piece = page(whole, offset, max(1, budget.text - around))
    words = f"[output {output}: {piece.words(partial(hint, output) if hint else None)}]"
    if source and piece.offset < source_offset(text):
        at = source_offset(text)
        shows = hint(output, at) if hint else f"from offset={at}"
        words = f"{words[:-1]}; {source.what}: {shows}]"
    if piece.offset:
        block = replace(item.block, text=piece.text, picture=None, notes=())
        return [TextPart(f"{words}\n{Item(block, len(piece.text)).render()}")]
    # As long as the caption of its image may become.
    caption = " " * (_PAGE_WORDS // 2) if item.block.picture else ""
    first = Item(replace(item.block, text=piece.text), caption=caption)
    is_all = not source and piece.next_offset is None
    return _reply([Plan("" if is_all else words, [first], 1)], budget)


def _reply(plans: Sequence[Plan], budget: Budget) -> list[Part]:
    """Return the parts of a reply that shows `plans`."""
    kept, closing = fitted(plans, budget.text)
    images = _with_images(kept, budget)
    for plan in kept:
        plan.cut_to_room()
    said = [*(part for plan in kept if (part := plan.text())), closing]
    text = "\n".join(part for part in said if part)
    # Everything counted above fits, but a single label may exceed a very small budget.
    return [TextPart(clip(text, budget.text)), *images] if text else []


def _with_images(plans: Sequence[Plan], budget: Budget) -> list[ImagePart]:
    """Return the images to send, and set the caption of each item that has an image."""
    found = [(plan, item) for plan in plans for item in plan.shown if item.block.picture]
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


def _fitted(found: Sequence[tuple[Plan, Item]], budget: Budget) -> list[SentPicture]:
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
