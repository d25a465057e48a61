"""SVG images, shown as their titles, texts and the number of shapes."""

from __future__ import annotations

from ..html import svg_summary
from ..text import as_text
from .base import (
    SILENT,
    Bundle,
    Format,
    Prominence,
    Shown,
    Source,
    markup_source,
    named_if_not_empty,
)

_TYPE = "image/svg+xml"


def _show(data: Bundle) -> Shown | None:
    return Shown("svg in words", svg_summary(as_text(data[_TYPE]))) if _TYPE in data else None


def _source(data: Bundle) -> Source | None:
    return markup_source("the SVG", data.get(_TYPE))


FORMAT = Format(
    "svg",
    show=_show,
    source=_source,
    outline=named_if_not_empty(_TYPE, "svg image"),
    prominence=Prominence.DRAWING,
    alone=True,
    types={_TYPE: SILENT},
)
