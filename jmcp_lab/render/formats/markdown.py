"""Markdown, which a model reads as it is."""

from __future__ import annotations

from jmcp_lab.text.sanitize import clean

from ..text import as_text, without_data_urls
from .base import Bundle, Format, Shown, Unshown, named_if_not_empty

_TYPE = "text/markdown"


def _show(data: Bundle) -> Shown | None:
    text = clean(without_data_urls(as_text(data[_TYPE]))).strip() if _TYPE in data else ""
    return Shown("markdown", text) if text else None


FORMAT = Format(
    "markdown",
    show=_show,
    outline=named_if_not_empty(_TYPE, "markdown"),
    types={_TYPE: Unshown(beside_images=True)},
)
