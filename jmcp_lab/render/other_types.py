"""Types of a mime bundle that are text to a model, though nothing here knows what they mean."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from jmcp_lab.text.sanitize import clean

from .text import as_text, compact_json

_JSON_LEVELS = 3
"""Levels of JSON that are broken into lines; a number a line would be four times as long."""
_JSON_LINE = 100

_TEXT_TYPE = re.compile(
    r"text/.+|.+\+(?:json|xml|yaml|csv)|application/(?:.+[.-])?"
    r"(?:json|xml|yaml|toml|csv|sql|javascript|ecmascript|typescript|graphql|rtf|tex|latex|wkt)"
    r"(?:;.*)?"
)
_SHOWN_ELSEWHERE = {"text/plain", "text/latex", "image/svg+xml"}
_BESIDE_IMAGE = {"text/html", "text/markdown"}
_STATE = re.compile(r"application/vnd\.(?:jupyter\.widget|plotly|vega|bokeh|holoviews).*")
"""What belongs to a widget or a figure, which are told in words of their own."""

MOST_TYPES = 20


def is_text_type(mime_type: str) -> bool:
    """Return whether what a bundle holds for a type is text."""
    return _TEXT_TYPE.fullmatch(mime_type[:200]) is not None and not _STATE.fullmatch(mime_type)


def text_of(content: object) -> str:
    """Return what a bundle holds for a type as text: JSON is broken into lines."""
    is_json = isinstance(content, Mapping) or (
        isinstance(content, list) and not all(isinstance(line, str) for line in content)
    )
    return json_text(content) if is_json else clean(as_text(content)).strip("\n")


def unshown_types(data: Mapping[Any, Any], shown: str, *, has_image: bool) -> list[str]:
    """Return the text types of a bundle that its block does not show.

    Parameters
    ----------
    data : mapping
    shown : str
        The kind of the block.
    has_image : bool
        Whether an image is shown.
    """
    if shown.endswith("figure") or ", widget" in shown:
        return []
    known = _SHOWN_ELSEWHERE if has_image else _SHOWN_ELSEWHERE | _BESIDE_IMAGE
    return [
        name
        for name, content in data.items()
        if isinstance(name, str)
        and name not in known
        and is_text_type(name)
        and content not in ("", None)
        and not shown.endswith(f", {name}")
        and not (name == "application/json" and shown.endswith(", json"))
    ][:MOST_TYPES]


def json_text(content: object) -> str:
    """Return JSON as text, with lines that are not too long."""
    return clean(_laid_out(content))


def _laid_out(value: object, level: int = 0) -> str:
    """Return JSON with a line for each part of the upper levels that is long."""
    line = compact_json(value)
    if level == _JSON_LEVELS or len(line) <= _JSON_LINE or not value:
        return line
    indent = " " * (level + 1)
    if isinstance(value, Mapping):
        parts = [f"{compact_json(str(k))}: {_laid_out(v, level + 1)}" for k, v in value.items()]
        opening, closing = "{}"
    elif isinstance(value, list):
        parts = [_laid_out(part, level + 1) for part in value]
        opening, closing = "[]"
    else:
        return line
    inner = ",\n".join(indent + part for part in parts)
    return f"{opening}\n{inner}\n{' ' * level}{closing}"
