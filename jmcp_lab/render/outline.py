"""Outputs of a cell in a few words, for lists of many cells.

Nothing is decoded or parsed at length here, because one list asks for the outputs of a whole
notebook.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

from .blocks import mime_name
from .formats.data_frames import Frame, frames_of
from .images import header_size, picture_of
from .other_types import is_text_type
from .text import as_text

MAX_SAID = 5
_NAME = re.compile(r"[A-Za-z_][\w.]{0,60}")
_LARGEST_PARSED = 50_000


def outline(outputs: Sequence[Any]) -> str:
    """Return a few words about outputs, such as ``3 lines, image 640x480, ZeroDivisionError``.

    Parameters
    ----------
    outputs : sequence
        As nbformat 4 defines them. Damaged ones are counted as such.

    Returns
    -------
    str
        Empty when there are no outputs. Holds no text of the outputs but an exception's name.
    """
    if not isinstance(outputs, list | tuple):
        return ""
    lines = 0
    said: list[str] = []
    for output in outputs:
        if not isinstance(output, Mapping):
            said.append("damaged output")
        elif output.get("output_type") == "stream":
            lines += _lines(output.get("text"))
        elif output.get("output_type") == "error":
            name = as_text(output.get("ename")).strip()
            said.append(name if _NAME.fullmatch(name[:100]) else "error")
        else:
            data = output.get("data")
            words = _data_words(data if isinstance(data, Mapping) else {})
            if words:
                said.append(words)
            else:
                lines += _lines(data.get("text/plain")) if isinstance(data, Mapping) else 0
    if outputs and not lines and not said:
        return "no visible text"
    if lines:
        said.insert(0, f"{lines:,} line{'' if lines == 1 else 's'}")
    if len(said) > MAX_SAID:
        # The last is kept: it is the error, when there is one.
        said = [*said[: MAX_SAID - 1], f"{len(said) - MAX_SAID:,} more", said[-1]]
    return ", ".join(said)


def _lines(value: object) -> int:
    """Return how many lines a text has."""
    text = as_text(value).strip("\n")
    return text.count("\n") + 1 if text else 0


def _data_words(data: Mapping[Any, Any]) -> str:
    """Return what a mime bundle is in a word or two; nothing for plain text."""
    types = [mime_type for mime_type in data if isinstance(mime_type, str)]
    for part, word in _KINDS:
        if any(part in mime_type for mime_type in types):
            return word
    picture = picture_of(data)
    if picture is not None:
        size = header_size(picture)
        return f"image {size[0]}x{size[1]}" if size else "image"
    markup = as_text(data.get("text/html"))
    frames = frames_of(markup) if len(markup) <= _LARGEST_PARSED else []
    if frames:
        return _table_words(frames)
    for mime_type, word in _FORMS.items():
        if data.get(mime_type):
            return word
    if "text/plain" in data:
        return ""
    named = next((name for name in types if is_text_type(name) and mime_name(name) == name), "")
    return named or ("other output" if types else "empty output")


def _table_words(frames: Sequence[Frame]) -> str:
    """Return ``table 3x2``, without numbers that the output does not tell."""
    if len(frames) > 1:
        return f"{len(frames):,} tables"
    rows, columns = frames[0].rows, frames[0].columns
    return "table" if rows is None or columns is None else f"table {rows:,}x{columns:,}"


_KINDS = (
    ("vnd.plotly", "plotly figure"),
    ("vnd.vega", "vega figure"),
    ("vnd.bokehjs_exec", "bokeh figure"),
    ("vnd.jupyter.widget-view", "widget"),
)
_FORMS = {
    "image/svg+xml": "svg image",
    "text/latex": "latex",
    "text/markdown": "markdown",
    "text/html": "html",
    "application/json": "json",
    "application/javascript": "script",
}
