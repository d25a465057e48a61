"""Figures of Vega and Vega-Lite: titles, axes, marks and how many rows of data they have."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

from ..text import as_text
from .base import Bundle, Format, Prominence, Shown, Source, named_by_part
from .figure_text import first_json, json_values, shown_figure, summary, title_words

_TYPE = re.compile(r"application/vnd\.vega(?:lite)?\.v\d+(?:\.json|\+json)")
_START = re.compile(r"\}\)\((?=\{)|(?:var|let|const) spec ?= ?(?=\{)")
_MAX_DEPTH = 12
_CHANNELS = {"bottom": "x", "top": "x", "left": "y", "right": "y"}
"""The channel that an axis of Vega shows, by the side where it stands."""


def _show(data: Bundle) -> Shown | None:
    for mime_type, content in data.items():
        if _TYPE.fullmatch(mime_type) and isinstance(content, Mapping):
            return shown_figure("vega", _figure_text(content), data)
    return None


def _source(data: Bundle) -> Source | None:
    return first_json(data, "application/vnd.vega")


def _in_script(script: str, is_json: bool) -> str | None:
    """Return the summary of the figure that a script draws, or None."""
    for spec, _ in () if is_json else json_values(_START, script):
        if isinstance(spec, Mapping) and "vega" in as_text(spec.get("$schema")):
            return _figure_text(spec)
    return None


def _figure_text(spec: Mapping[str, Any]) -> str:
    """Return the summary of a figure."""
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
            # A mark of Vega itself. The marks inside a group stand for the group.
            listed.append(title_words(view["type"]) or "mark")
    datasets = spec.get("datasets")
    named = list(datasets.values()) if isinstance(datasets, Mapping) else []
    rows = sum(len(values) for values in named if isinstance(values, list))
    rows += _inline_rows(spec.get("data"))
    text = summary(", ".join(list(titles)[:5]), list(axes), listed, "mark")
    return text + (f"\n{rows:,} data rows" if rows else "")


def _views(spec: object, depth: int) -> Iterator[Mapping[str, Any]]:
    """Yield a view or mark, and the views and marks that it contains."""
    if not isinstance(spec, Mapping) or depth <= 0:
        return
    yield spec
    for key in ("layer", "hconcat", "vconcat", "concat", "marks"):
        parts = spec.get(key)
        for part in parts if isinstance(parts, list) else ():
            yield from _views(part, depth - 1)
    yield from _views(spec.get("spec"), depth - 1)


def _axes(view: Mapping[str, Any]) -> Iterator[str]:
    """Yield the channels and axes of a view, each with its title, or its field if it has none."""
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


FORMAT = Format(
    "vega",
    show=_show,
    source=_source,
    outline=named_by_part("vnd.vega", "vega figure"),
    prominence=Prominence.FIGURE,
    alone=True,
    private_types=("application/vnd.vega",),
    in_script=_in_script,
)
