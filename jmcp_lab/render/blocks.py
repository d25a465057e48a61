"""One output → one block: its whole text as a model should read it, its image, what it is.

The text of a block is never cut here, so that offsets into it mean the same in a reply that cuts
it and in a later call that pages it.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from jmcp_lab.text.sanitize import clean

from .formats.data_frames import Frame, frames_of
from .formats.figures import figure_summary
from .html import html_to_text, svg_summary
from .images import IMAGE_TYPES, Picture, picture_of
from .other_types import text_of, unshown_types
from .text import as_text, compact_json, json_parts, size_words, without_data_urls
from .tracebacks import traceback_text, without_library_frames

_BARE_REPR = re.compile(r"<[^<>\n]{1,300}>|Figure\([\d.]+x[\d.]+\)")
_MIME_TYPE = re.compile(r"[A-Za-z0-9][\w.+-]{0,40}/[\w.+-]{1,60}(?:;[\w=. -]{0,40})?")
_NO_TEXT = "no visible text"
_MOST_TABLES = 5
_WIDGET = "application/vnd.jupyter.widget-view+json"
_SCRIPTS = ("application/javascript", "text/javascript")
_COVERED = {
    *("text/plain", "text/html", "text/markdown", "text/latex", "image/svg+xml"),
    *("application/json", "application/vnd.dataresource+json", *IMAGE_TYPES),
}


@dataclass(frozen=True, slots=True)
class Block:
    """What one output is to a model.

    Parameters
    ----------
    output : int
        Position of the output in its cell; the first is 1.
    kind : str
        Words of ours for the marker, such as ``stdout``, ``error`` or ``result, markdown``.
    text : str
        The whole text; empty when there is none.
    picture : Picture or None
    notes : tuple of str
        Words of ours about what is not shown.
    """

    output: int
    kind: str
    text: str = ""
    picture: Picture | None = None
    notes: tuple[str, ...] = ()

    @property
    def is_error(self) -> bool:
        """Whether this is an exception."""
        return self.kind == "error"


def block_of(output: object, number: int) -> Block:
    """Return the block of one output; damaged outputs give a block that says so.

    Parameters
    ----------
    output : mapping
        An output as nbformat 4 defines it.
    number : int
        Its position in the cell, from 1.
    """
    if not isinstance(output, Mapping):
        return Block(number, "damaged", notes=("not an output of the notebook format",))
    kind = output.get("output_type")
    if kind == "stream":
        name = "stderr" if output.get("name") == "stderr" else "stdout"
        raw = as_text(output.get("text"))
        text = clean(raw)
        if name == "stderr":
            text = without_library_frames(text)
        return _written_block(number, name, text.strip("\n"), raw)
    if kind == "error":
        return _written_block(number, "error", traceback_text(output))
    if kind in ("execute_result", "display_data", "update_display_data"):
        data = output.get("data")
        word = "result" if kind == "execute_result" else "display"
        if isinstance(data, Mapping):
            return _rich(number, word, {k: v for k, v in data.items() if isinstance(k, str)})
        return Block(number, word, notes=("damaged: no data",))
    return Block(number, "damaged", notes=("of an unknown output type",))


def _written_block(number: int, kind: str, text: str, raw: str = "") -> Block:
    """Return the block of an output that is only text, with words where a reader sees none."""
    if text.strip():
        return Block(number, kind, text)
    return Block(number, kind, notes=(_NO_TEXT if raw else "empty",))


def _rich(number: int, word: str, data: dict[str, Any]) -> Block:
    """Return the block of a mime bundle: the one form that tells a model most."""
    picture = picture_of(data)
    latex = clean(as_text(data.get("text/latex"))).strip()
    if latex:
        return Block(number, f"{word}, latex", latex)
    figure = figure_summary(data)
    if figure is not None:
        return Block(number, f"{word}, {figure[0]} figure", figure[1], picture)
    if picture is not None:
        return Block(number, word, _beside_image(data), picture, _beside_image_not_shown(data))
    what, text = _written(data)
    shown = f"{word}, {what}" if what else word
    # A widget's text is never updated: a bar of tqdm that has reached its end still says 0 %.
    notes = ("as first shown",) if what == "widget" else _not_shown(data, what)
    if text.strip() and not (notes and _BARE_REPR.fullmatch(text[:400])):
        return Block(number, shown, text, notes=notes)
    return Block(number, shown, notes=notes or (_NO_TEXT if data.get("text/plain") else "empty",))


def _written(data: Mapping[str, Any]) -> tuple[str, str]:
    """Return what form of a bundle without an image was taken, and its text."""
    plain = clean(as_text(data.get("text/plain"))).strip("\n")
    if _WIDGET in data:
        return "widget", plain
    if "image/svg+xml" in data:
        return "svg in words", svg_summary(as_text(data["image/svg+xml"]))
    markdown = clean(without_data_urls(as_text(data.get("text/markdown")))).strip()
    if markdown:
        return "markdown", markdown
    markup = as_text(data.get("text/html"))
    if markup:
        return _from_html(markup, plain)
    if plain and not _BARE_REPR.fullmatch(plain[:400]):
        return "", plain
    if "application/json" in data:
        return "json", clean(compact_json(data["application/json"]))
    for mime_type in unshown_types(data, "", has_image=False):
        # A script is a text as well, and not for reading.
        if mime_type not in _SCRIPTS and _MIME_TYPE.fullmatch(mime_type):
            return mime_type, text_of(data[mime_type])
    return "", plain


def _from_html(markup: str, plain: str) -> tuple[str, str]:
    """Return HTML as text, unless the plain text beside it says as much."""
    frames = frames_of(markup)
    if frames:
        # pandas breaks the columns of a wide table over several blocks of lines.
        wrapped = any(line.rstrip().endswith("\\") for line in plain[:2000].split("\n"))
        # One line is the name of an object that holds the table, and never the table.
        shown = plain if len(frames) == 1 and "\n" in plain and not wrapped else ""
        text = shown or html_to_text(markup)
        return _table_words(frames), _without_shape(text) if len(frames) == 1 else text
    if plain and not _BARE_REPR.fullmatch(plain[:400]):
        return "", plain
    text = html_to_text(markup)
    return "html as text", text or ("(no text)" if markup.strip() else "")


def _table_words(frames: Sequence[Frame]) -> str:
    """Return what tables there are; the types of the columns only when there is but one."""
    if len(frames) == 1:
        kinds = f" ({frames[0].kinds})" if frames[0].kinds else ""
        comma = "," if frames[0].rows is None else ""
        return f"table{comma} {frames[0].shape_words()}{kinds}"
    shapes = [frame.shape_words() for frame in frames[:_MOST_TABLES]]
    more = ["…"] if len(frames) > _MOST_TABLES else []
    return f"{len(frames):,} tables: " + "; ".join([*shapes, *more])


def _without_shape(text: str) -> str:
    """Return the text of a data frame without the line of its shape, which the marker says."""
    first, _, below = text.partition("\n")
    if re.fullmatch(r"shape: \([\d_]+,(?: [\d_]+)?\)", first.strip()[:80]):
        return below
    above, _, last = text.rpartition("\n")
    is_shape = re.fullmatch(r"\[?\d+ rows [x\u00d7] \d+ columns\]?", last.strip()[:80])
    return above.rstrip("\n") if is_shape else text


def _beside_image(data: Mapping[str, Any]) -> str:
    """Return the plain text beside an image, unless it only names the image object."""
    plain = clean(as_text(data.get("text/plain"))).strip()
    return "" if _BARE_REPR.fullmatch(plain[:400]) else plain


def _beside_image_not_shown(data: Mapping[str, Any]) -> tuple[str, ...]:
    """Return type and size of what a bundle holds besides an image and plain text."""
    notes = []
    for mime_type in ("text/html", "text/markdown"):
        text = as_text(data.get(mime_type))
        if text.strip():
            notes.append(f"{mime_type}, {size_words(len(text))}: not shown")
    return *notes, *_not_shown(data)


def _not_shown(data: Mapping[str, Any], shown: str = "") -> tuple[str, ...]:
    """Return type and size of what a bundle holds besides text, images and figures."""
    notes = []
    for mime_type, content in data.items():
        if mime_type in _COVERED or mime_type == shown:
            continue
        size = as_text_size(content)
        words = "script, not run and not shown" if mime_type in _SCRIPTS else "not shown"
        notes.append(f"{mime_name(mime_type)}, {size_words(size)}: {words}")
    if len(notes) > 5:
        notes = [*notes[:5], f"and {len(notes) - 5:,} more types"]
    return tuple(notes)


def as_text_size(content: object) -> int:
    """Return about how many characters a mime bundle holds for a type."""
    if isinstance(content, str):
        return len(content)
    try:
        return sum(map(len, json_parts(content)))
    except (TypeError, ValueError, RecursionError):
        return 0


def mime_name(mime_type: str) -> str:
    """Return a mime type as it may stand in words of ours: the kernel chose it, so it may lie."""
    return mime_type if _MIME_TYPE.fullmatch(mime_type[:200]) else "a type with a damaged name"
