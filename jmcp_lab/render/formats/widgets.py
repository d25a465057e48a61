"""Widgets of ipywidgets, of which only the first text is known."""

from __future__ import annotations

from .base import Bundle, Format, Prominence, Shown, named_by_part
from .plain_text import plain_text

_TYPE = "application/vnd.jupyter.widget-view+json"


def _show(data: Bundle) -> Shown | None:
    # A widget's text is never updated: a progress bar of tqdm that has reached its end still says
    # 0 %.
    notes = ("as first shown",)
    return Shown("widget", plain_text(data), notes=notes) if _TYPE in data else None


FORMAT = Format(
    "widget",
    show=_show,
    outline=named_by_part("vnd.jupyter.widget-view", "widget"),
    prominence=Prominence.FIGURE,
    alone=True,
    private_types=("application/vnd.jupyter.widget",),
)
