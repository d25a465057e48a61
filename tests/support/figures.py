"""Summarizes figures with the list of formats."""

from __future__ import annotations

from typing import Any

from jmcp_lab.render import formats
from jmcp_lab.render.formats import html_figures


def figure_summary(data: dict[str, Any]) -> tuple[str, str] | None:
    """Return the name and the summary of the figure that an output shows, or None."""
    _, shown = formats.shown_form(data)
    name, _, figure = shown.what.rpartition(" ")
    return (name, shown.text) if figure == "figure" else None


def figure_in_html(markup: str) -> tuple[str, str] | None:
    """Return the name and the summary of the figure that a script in HTML draws, or None."""
    return html_figures.figure_in_html(markup, formats.FIGURES)
