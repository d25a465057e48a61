"""Figures of plotly: title, axes, traces and how many points they have."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from ...text.counting import count
from ..text import as_text
from .base import Bundle, Format, Prominence, Shown, Source, named_by_part
from .figure_text import (
    MAX_JSON,
    MAX_LISTED,
    array_length,
    first_json,
    json_at,
    json_values,
    shown_figure,
    summary,
    title_words,
)

_TYPE = "application/vnd.plotly.v1+json"
_START = re.compile(r"Plotly\.(?:newPlot|react)\(\s{0,40}[\"'][^\"'\n]{0,80}[\"'],\s{0,40}(?=\[)")
_COMMA = re.compile(r"\s*,\s*")
_AXIS = re.compile(r"[xyz]axis\d{0,3}")
_SHAPE = re.compile(r"\d{1,12}(?:, ?\d{1,12}){0,3}")
_POINT_KEYS = (
    *("x", "y", "z", "values", "labels", "value", "lat", "lon", "r", "theta", "a", "b", "real"),
    *("locations", "ids", "open", "close", "median", "q1"),
)
"""Properties of a trace that hold one value for each point."""


def _show(data: Bundle) -> Shown | None:
    figure = data.get(_TYPE)
    if not isinstance(figure, Mapping):
        return None
    return shown_figure("plotly", _figure_text(figure.get("data"), figure.get("layout")), data)


def _source(data: Bundle) -> Source | None:
    return first_json(data, _TYPE)


def _in_script(script: str, is_json: bool) -> str | None:
    """Return the summary of the figure that a script draws, or None."""
    for traces, end in () if is_json else json_values(_START, script):
        if isinstance(traces, list):
            comma = _COMMA.match(script, end)
            layout, _ = json_at(script, comma.end()) if comma else (None, 0)
            return _figure_text(traces, layout)
        if len(script) - end > MAX_JSON:
            return "too large to be summed up"
    return None


def _figure_text(traces: object, layout: object) -> str:
    """Return the summary of a figure."""
    found = [trace for trace in _list(traces) if isinstance(trace, Mapping)]
    layout = _mapping(layout)
    axes = [
        f"{name.replace('axis', '')} {title!r}"
        for name, axis in layout.items()
        if isinstance(name, str) and _AXIS.fullmatch(name)
        if isinstance(axis, Mapping) and (title := title_words(axis.get("title")))
    ]
    # plotly.subplots writes the titles of subplots as annotations.
    annotations = [
        text
        for annotation in _list(layout.get("annotations"))
        if isinstance(annotation, Mapping) and annotation.get("visible") is not False
        if (text := title_words(annotation.get("text")))
    ]
    return summary(
        title_words(layout.get("title")),
        axes,
        [_trace_words(trace) for trace in found[:MAX_LISTED]],
        "trace",
        total=len(found),
        annotations=annotations,
    )


def _trace_words(trace: Mapping[str, Any]) -> str:
    """Return type, name and size of a trace, such as ``bar 'sales', 12 points``."""
    name = title_words(trace.get("name"))
    kind = title_words(trace.get("type")) or "scatter"
    size = _trace_size(trace, kind)
    return f"{kind}{f' {name!r}' if name else ''}{f', {size}' if size else ''}"


def _trace_size(trace: Mapping[str, Any], kind: str) -> str:
    """Return how much a trace holds, in words; nothing where that is unknown."""
    if kind == "sankey":
        links = array_length(_mapping(trace.get("link")).get("source"))
        nodes = array_length(_mapping(trace.get("node")).get("label"))
        sizes = ((links, "link"), (nodes, "node"))
        return ", ".join(count(number, what) for number, what in sizes if number)
    if kind == "table":
        cells = _shape(_mapping(trace.get("cells")).get("values"))
        rows = f"{count(cells[1], 'row')} x " if len(cells) > 1 else ""
        columns = cells[0] if cells else array_length(_mapping(trace.get("header")).get("values"))
        return rows + count(columns, "column") if columns else ""
    dimensions = _list(trace.get("dimensions"))
    if dimensions:
        length = max(array_length(_mapping(dimension).get("values")) for dimension in dimensions)
        return f"{count(length, 'row')} of {count(len(dimensions), 'dimension')}"
    grid = _shape(trace.get("z"))
    if len(grid) > 1:
        return " x ".join(f"{length:,}" for length in grid[:2]) + " values"
    arrays = [trace[key] for key in _POINT_KEYS if isinstance(trace.get(key), list | Mapping)]
    return count(max(map(array_length, arrays)), "point") if arrays else ""


def _shape(value: object) -> tuple[int, ...]:
    """Return the lengths of an array, the longest where its rows differ; none when it is no array.

    The array and each of its rows may be packed.
    """
    if isinstance(value, list):
        rows = [array_length(row) for row in value if isinstance(row, list | Mapping)]
        return (len(value), max(rows)) if rows else (len(value),)
    if not isinstance(value, Mapping):
        return ()
    shape = as_text(value.get("shape"))[:60]
    if _SHAPE.fullmatch(shape):
        return tuple(int(length) for length in shape.split(","))
    return (array_length(value),)


def _mapping(value: object) -> Mapping[str, Any]:
    """Return `value`, or an empty mapping when it is no mapping."""
    return value if isinstance(value, Mapping) else {}


def _list(value: object) -> list[Any]:
    """Return `value`, or an empty list when it is no list."""
    return value if isinstance(value, list) else []


FORMAT = Format(
    "plotly",
    show=_show,
    source=_source,
    outline=named_by_part("vnd.plotly", "plotly figure"),
    prominence=Prominence.FIGURE,
    alone=True,
    private_types=("application/vnd.plotly",),
    in_script=_in_script,
)
