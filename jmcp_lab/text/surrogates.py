"""Handle lone surrogates, which Python's texts may contain but nothing sent by this server may.

They come from JSON escapes (half an emoji that a program cut), and from file names that are not
UTF-8, whose bytes Python represents as lone surrogates. Neither UTF-8 nor a shared document can
hold one.
"""

from __future__ import annotations

import json
import re
from typing import Any

_HALF = re.compile("[\ud800-\udfff]")
_ESCAPED_HALF = re.compile(
    # A first half without the second, a second half without the first, or a backslash that may make
    # an escape look like something else.
    r"\\ud[89ab]..(?!\\ud[c-f])|(?<!\\ud[89ab]..)\\ud[c-f]|\\\\ud"
)


def has_half(text: str) -> bool:
    """Return whether a text contains a lone surrogate, so that it cannot be sent."""
    return not text.isascii() and _HALF.search(text) is not None


def without_halves(value: Any) -> Any:  # noqa: ANN401
    """Return JSON without lone surrogates; two halves that belong together are joined.

    JavaScript kernels send one when code prints half of an emoji.
    """
    if isinstance(value, str):
        if not has_half(value):
            return value
        return value.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
    if isinstance(value, dict):
        return {without_halves(key): without_halves(item) for key, item in value.items()}
    return [without_halves(item) for item in value] if isinstance(value, list | tuple) else value


def may_have_halves(packed: bytes | bytearray | str) -> bool:
    """Return whether JSON may contain lone surrogates, which only escapes can encode."""
    if isinstance(packed, str):
        return "\\ud" in packed or "\\uD" in packed
    return b"\\ud" in packed or b"\\uD" in packed


def dump_json(value: Any) -> str:  # noqa: ANN401
    """Return JSON that every program can read, without lone surrogates."""
    text = json.dumps(value)
    # An emoji is written as two escapes that belong together.
    if not may_have_halves(text) or _ESCAPED_HALF.search(text) is None:
        return text
    return json.dumps(without_halves(value))
