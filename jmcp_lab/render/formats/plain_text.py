"""Plain text, which nearly every output has beside its other forms."""

from __future__ import annotations

import re

from jmcp_lab.text.sanitize import clean

from ..text import as_text
from .base import SILENT, Bundle, Format, Shown

TYPE = "text/plain"

_BARE_REPR = re.compile(r"<[^<>\n]{1,300}>|Figure\([\d.]+x[\d.]+\)")


def plain_text(data: Bundle) -> str:
    """Return the plain text of an output, without empty lines around it."""
    return clean(as_text(data.get(TYPE))).strip("\n")


def is_bare_repr(text: str) -> bool:
    """Return whether a text only names an object, such as ``<Axes: >``."""
    return _BARE_REPR.fullmatch(text[:400]) is not None


def _show(data: Bundle) -> Shown | None:
    text = plain_text(data)
    return Shown("", text) if text and not is_bare_repr(text) else None


FORMAT = Format("plain text", show=_show, types={TYPE: SILENT})
