"""Figures of Vega and Vega-Lite in words."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from .figure_words import summary, title_words

_MAX_DEPTH = 12
_CHANNELS = {"bottom": "x", "top": "x", "left": "y", "right": "y"}
"""What an axis of Vega shows, by the side where it stands."""


def vega_summary(spec: Mapping[str, Any]) -> str:
    """Return the summary of a Vega or Vega-Lite figure."""
    titles: dict[str, None] = {}
    axes: dict[str, None] = {}
    listed: list[str] = []
    for view in _views(spec, _MAX_DEPTH):
        if title := title_words(view.get("title")):
            titles[title] = None
        axes.update(dict.fromkeys(_axes(view)))
        mark = view.get("mark")
        if mark is not None:
            kind = mark.get("type") if isinstance(mark, Mapping) else mark
            listed.append(title_words(kind) or "mark")
        elif "type" in view and not (view["type"] == "group" and view.get("marks")):
            # A mark of Vega itself; a group is told by the marks inside it.
            listed.append(title_words(view["type"]) or "mark")
    datasets = spec.get("datasets")
    named = list(datasets.values()) if isinstance(datasets, Mapping) else []
    rows = sum(len(values) for values in named if isinstance(values, list))
    rows += _inline_rows(spec.get("data"))
    text = summary(", ".join(list(titles)[:5]), list(axes), listed, "mark")
    return text + (f"\n{rows:,} data rows" if rows else "")


def _views(spec: object, depth: int) -> Iterator[Mapping[str, Any]]:
    """Yield a view or mark and those that it is made of."""
    if not isinstance(spec, Mapping) or depth <= 0:
        return
    yield spec
    for key in ("layer", "hconcat", "vconcat", "concat", "marks"):
        parts = spec.get(key)
        for part in parts if isinstance(parts, list) else ():
            yield from _views(part, depth - 1)
    yield from _views(spec.get("spec"), depth - 1)


def _axes(view: Mapping[str, Any]) -> Iterator[str]:
    """Yield the channels and axes of a view, each with its title or else its field."""
    encoding = view.get("encoding")
    for channel, coded in encoding.items() if isinstance(encoding, Mapping) else ():
        if not isinstance(coded, Mapping):
            continue
        axis = coded.get("axis")
        own = title_words(axis.get("title")) if isinstance(axis, Mapping) else ""
        title = own or title_words(coded.get("title")) or title_words(coded.get("field"))
        if title:
            yield f"{title_words(channel)} {title!r}"
    axes = view.get("axes")
    for axis in axes if isinstance(axes, list) else ():
        if isinstance(axis, Mapping) and (title := title_words(axis.get("title"))):
            side = title_words(axis.get("orient"))
            yield f"{_CHANNELS.get(side, side)} {title!r}".lstrip()


def _inline_rows(data: object) -> int:
    """Return how many rows the inline data of a view has."""
    entries = data if isinstance(data, list) else [data]
    values = [entry.get("values") for entry in entries if isinstance(entry, Mapping)]
    return sum(len(rows) for rows in values if isinstance(rows, list))
