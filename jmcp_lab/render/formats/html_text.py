"""HTML that no other format reads, as the text that a person would see."""

from __future__ import annotations

from ..html import MAX_MARKUP, html_to_text
from ..text import as_text
from .base import Bundle, Format, Shown, Source, Unshown, markup_source, named_if_not_empty

TYPE = "text/html"


def _show(data: Bundle) -> Shown | None:
    markup = as_text(data.get(TYPE))
    if not markup:
        return None
    return Shown("html as text", html_to_text(markup) or ("(no text)" if markup.strip() else ""))


def large_html(data: Bundle) -> Source | None:
    """Return HTML of which the summary holds only the beginning; shorter HTML is all there."""
    markup = as_text(data.get(TYPE))
    return markup_source("the HTML", markup) if len(markup) > MAX_MARKUP else None


FORMAT = Format(
    "html",
    show=_show,
    source=large_html,
    outline=named_if_not_empty(TYPE, "html"),
    types={TYPE: Unshown(beside_images=True)},
)
