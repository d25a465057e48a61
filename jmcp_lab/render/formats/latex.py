"""Formulas in LaTeX, which say more than the image or the text beside them."""

from __future__ import annotations

from jmcp_lab.text.sanitize import clean

from ..text import as_text
from .base import SILENT, Bundle, Format, Shown, named_if_not_empty

_TYPE = "text/latex"


def _show(data: Bundle) -> Shown | None:
    text = clean(as_text(data[_TYPE])).strip() if _TYPE in data else ""
    return Shown("latex", text, notes=()) if text else None


FORMAT = Format(
    "latex", show=_show, outline=named_if_not_empty(_TYPE, "latex"), types={_TYPE: SILENT}
)
