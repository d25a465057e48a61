"""Figures that a script inside HTML draws, as the libraries write them for a page of their own."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from ..text import as_text
from .base import Bundle, Format, Shown, Source, markup_source
from .figure_text import shown_figure
from .html_text import TYPE

MAX_SEARCHED = 20_000_000
"""Characters of HTML that are searched for a figure; plotly puts 5 MB of library before it."""
_SCRIPT_OR_COMMENT = re.compile(r"<!--|<script(?=[\s/>])", re.IGNORECASE)
_SCRIPT_END = re.compile(r"</script", re.IGNORECASE)


def figure_in_html(markup: str, figures: Sequence[Format]) -> tuple[str, str] | None:
    """Return name and summary of the first figure that a script inside HTML draws, or None.

    Parameters
    ----------
    markup : str
    figures : sequence of Format
        The formats that are looked for, in the order of preference.
    """
    for attributes, script in _scripts(markup[:MAX_SEARCHED]):
        is_json = "application/json" in attributes
        for figure in figures:
            if figure.in_script and (summary := figure.in_script(script, is_json)):
                return figure.name, summary
    return None


def format_of(figures: Sequence[Format]) -> Format:
    """Return the format for HTML in which a script draws a figure of any of these formats."""

    def show(data: Bundle) -> Shown | None:
        found = figure_in_html(as_text(data.get(TYPE)), figures)
        return shown_figure(*found, data) if found else None

    return Format("figure in html", show=show, source=_source, alone=True)


def _source(data: Bundle) -> Source | None:
    return markup_source("its HTML", data.get(TYPE))


def _scripts(markup: str) -> Iterator[tuple[str, str]]:
    """Yield attributes and text of each script element that is not in a comment.

    `html.tokens` stops earlier, and looks at every other tag too.
    """
    at = 0
    while opening := _SCRIPT_OR_COMMENT.search(markup, at):
        if opening[0] == "<!--":
            end = markup.find("-->", opening.start())
            at = end + 3
        else:
            end = markup.find(">", opening.end())
            at = end + 1
        if end < 0:
            return
        if opening[0] != "<!--":
            close = _SCRIPT_END.search(markup, at)
            at = close.start() if close else len(markup)
            yield markup[opening.end() : end], markup[end + 1 : at]
