"""What all formats of figures share: how a reply shows them, titles, lists, sizes, JSON in scripts.

The libraries put a figure into an output as JSON of a type of their own, or as a script inside
HTML that holds the same JSON. Both are read; nothing of a figure is ever run.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from functools import partial
from itertools import islice
from typing import Any

from jmcp_lab.text.sanitize import clean

from ...text.counting import count
from ..text import as_text, clip, json_text, matches
from .base import Bundle, Shown, Source
from .images import picture_of

MAX_LISTED = 30
"""Traces, marks or glyphs that are listed one by one."""
MAX_JSON = 6_000_000
"""Characters of JSON that are read at once: no other thread runs meanwhile."""
_MAX_WORDS = 120
_MAX_STARTS = 20
"""Places of a script that may start a figure; each may be parsed up to the script's end."""
_LONGEST_START = 200
_DTYPE_BYTES = re.compile(r"[a-z]+?(?P<bits>\d)(?:\D.*)?")
_NAMED_BYTES = {"float64": 8, "float32": 4, "int64": 8, "int32": 4, "int16": 2, "int8": 1}


def shown_figure(name: str, text: str, data: Bundle) -> Shown:
    """Return how a reply shows a figure of a library: a summary, and the image beside it."""
    return Shown(f"{name} figure", text, picture_of(data), notes=())


def first_json(data: Bundle, prefix: str) -> Source | None:
    """Return the JSON of the first type with a prefix that holds an object, or None."""
    for mime_type, content in data.items():
        if mime_type.startswith(prefix) and isinstance(content, Mapping):
            return Source("its JSON", partial(json_text, content))
    return None


def title_words(value: object) -> str:
    """Return a title or name: a text, or an object or list that holds it."""
    if isinstance(value, Mapping):
        value = value.get("text", value.get("value"))
        if isinstance(value, Mapping):  # A formula, such as a signal of Vega.
            return ""
    if isinstance(value, list):
        value = " ".join(str(item) for item in value[:5])
    text = " ".join(clean(as_text(value)[:2000]).split()) if value not in (None, "") else ""
    return clip(text, _MAX_WORDS)


def summary(
    title: str,
    axes: Sequence[str],
    listed: Sequence[str],
    name: str,
    *,
    total: int | None = None,
    annotations: Sequence[str] = (),
) -> str:
    """Put a summary together.

    Parameters
    ----------
    title : str
    axes : sequence of str
        Each with its title.
    listed : sequence of str
        What the figure draws; the first `MAX_LISTED` are shown.
    name : str
        What each of `listed` is, such as ``trace``.
    total : int, optional
        How many there are, where `listed` holds only the first.
    annotations : sequence of str
        Texts in the figure, the titles of subplots among them.
    """
    total = len(listed) if total is None else total
    lines = [f"title: {title}"] if title else []
    if axes:
        lines.append("axes: " + ", ".join(axes[:10]))
    if annotations:
        shown = ", ".join(repr(text) for text in annotations[:10])
        more = f", and {len(annotations) - 10:,} more" if len(annotations) > 10 else ""
        lines.append(f"annotations: {shown}{more}")
    lines.append(count(total, name) + (":" if listed else ""))
    lines += [f"- {item}" for item in listed[:MAX_LISTED]]
    if total > MAX_LISTED:
        lines.append(f"- and {total - MAX_LISTED:,} more")
    return "\n".join(lines)


def array_length(value: object) -> int:
    """Return how many numbers a list holds, or an array packed as base64."""
    if isinstance(value, list):
        return len(value)
    if not isinstance(value, Mapping):
        return 0
    packed = as_text(value.get("bdata")) or as_text(value.get("__ndarray__"))
    dtype = as_text(value.get("dtype"))
    bits = _DTYPE_BYTES.fullmatch(dtype[:20])
    width = _NAMED_BYTES.get(dtype) or (int(bits["bits"]) if bits else 1) or 1
    return (len(packed) * 3 // 4 - packed.count("=", -2)) // width if packed else 0


def json_values(pattern: re.Pattern[str], script: str) -> Iterator[tuple[Any, int]]:
    """Yield the JSON value after each of the first matches of a pattern, and where it ends."""
    for start in islice(matches(pattern, script, _LONGEST_START), _MAX_STARTS):
        yield json_at(script, start.end())


def json_at(text: str, at: int) -> tuple[Any, int]:
    """Return the JSON value at an offset and where it ends; None when there is no JSON."""
    try:
        value, length = json.JSONDecoder().raw_decode(text[at : at + MAX_JSON])
    except (ValueError, RecursionError):
        return None, at
    return value, at + length
