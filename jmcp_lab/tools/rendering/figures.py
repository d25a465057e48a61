"""Interactive figures in words: title, axes, traces and how many points they have.

The libraries put a figure into an output as JSON of a type of their own, or as a script inside
HTML that holds the same JSON. Both are read; nothing of a figure is ever run.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from typing import Any

from jmcp_lab.notebooks.cleaning import clean

from .markup import scripts
from .text import as_text, clip

MAX_LISTED = 30
"""Traces, marks or glyphs that are listed one by one."""
_MAX_WORDS = 120
_MAX_DEPTH = 12
_DTYPE_BYTES = re.compile(r"[a-z]+?(?P<bits>\d)(?:\D.*)?")
_VEGA_TYPE = re.compile(r"application/vnd\.vega(?:lite)?\.v\d+(?:\.json|\+json)")
_SCRIPT_STARTS = (
    ("plotly", re.compile(r"Plotly\.(?:newPlot|react)\(\s*[\"'][^\"'\n]{0,80}[\"'],\s*(?=\[)")),
    ("vega", re.compile(r"\}\)\((?=\{)|(?:var|let|const) spec ?= ?(?=\{)")),
    ("bokeh", re.compile(r"docs_json ?= ?'?(?=\{)")),
)


def figure_summary(data: Mapping[str, Any]) -> tuple[str, str] | None:
    """Return kind and summary of the interactive figure in a mime bundle, or None.

    Parameters
    ----------
    data : mapping
        Mime types and their contents.

    Returns
    -------
    tuple of str, or None
        ``plotly``, ``vega`` or ``bokeh``, and the summary.
    """
    for mime_type, content in data.items():
        if not isinstance(mime_type, str):
            continue
        if mime_type == "application/vnd.plotly.v1+json" and isinstance(content, Mapping):
            return "plotly", _plotly(content.get("data"), content.get("layout"))
        if _VEGA_TYPE.fullmatch(mime_type) and isinstance(content, Mapping):
            return "vega", _vega(content)
    if any(str(mime_type).startswith("application/vnd.bokehjs_exec") for mime_type in data):
        return "bokeh", _from_script(
            as_text(data.get("application/javascript")), "bokeh"
        ) or "figure"
    if any(str(mime_type).startswith("application/vnd.bokehjs_load") for mime_type in data):
        return "bokeh", "the library is loaded"
    return figure_in_html(as_text(data.get("text/html")))


def figure_in_html(markup: str) -> tuple[str, str] | None:
    """Return kind and summary of a figure that a script inside HTML draws, or None."""
    if "<script" not in markup:
        return None
    for script in scripts(markup):
        for kind, _ in _SCRIPT_STARTS:
            summary = _from_script(script, kind)
            if summary:
                return kind, summary
    return None


def _from_script(script: str, kind: str) -> str | None:
    """Return the summary of the figure in a script, or None."""
    start = dict(_SCRIPT_STARTS)[kind].search(script)
    if start is None:
        return None
    first, end = _json_at(script, start.end())
    if kind == "bokeh":
        return _bokeh(first) if isinstance(first, Mapping) else None
    if kind == "vega":
        is_vega = isinstance(first, Mapping) and "vega" in as_text(first.get("$schema"))
        return _vega(first) if is_vega else None
    if not isinstance(first, list):
        return None
    comma = re.compile(r"\s*,\s*").match(script, end)
    layout, _ = _json_at(script, comma.end()) if comma else (None, 0)
    return _plotly(first, layout)


def _json_at(text: str, at: int) -> tuple[Any, int]:
    """Return the JSON value at an offset and where it ends, or None."""
    try:
        return json.JSONDecoder().raw_decode(text, at)
    except (ValueError, RecursionError):
        return None, at


def _words(value: object) -> str:
    """Return a title or name: a text, or an object or list that holds it."""
    if isinstance(value, Mapping):
        value = value.get("text", value.get("value"))
    if isinstance(value, list):
        value = " ".join(str(item) for item in value[:5])
    text = " ".join(clean(as_text(value)[:2000]).split()) if value not in (None, "") else ""
    return clip(text, _MAX_WORDS)


def _lines(title: str, axes: list[str], listed: list[str], name: str, total: int) -> str:
    """Put a summary together."""
    lines = [f"title: {title}"] if title else []
    if axes:
        lines.append("axes: " + ", ".join(axes[:10]))
    lines.append(f"{total} {name}{'' if total == 1 else 's'}" + (":" if listed else ""))
    lines += [f"- {item}" for item in listed[:MAX_LISTED]]
    if total > MAX_LISTED:
        lines.append(f"- and {total - MAX_LISTED:,} more")
    return "\n".join(lines)


def _plotly(traces: object, layout: object) -> str:
    """Summarise a plotly figure."""
    traces = (
        [trace for trace in traces if isinstance(trace, Mapping)]
        if isinstance(traces, list)
        else []
    )
    layout = layout if isinstance(layout, Mapping) else {}
    axes = [
        f"{name.replace('axis', '')} {title!r}"
        for name, axis in layout.items()
        if isinstance(name, str) and re.fullmatch(r"[xyz]axis\d{0,3}", name)
        if isinstance(axis, Mapping) and (title := _words(axis.get("title")))
    ]
    listed = []
    for trace in traces[:MAX_LISTED]:
        name = _words(trace.get("name"))
        points = max((_length(trace.get(key)) for key in _POINT_KEYS), default=0)
        kind = _words(trace.get("type")) or "scatter"
        listed.append(f"{kind}{f' {name!r}' if name else ''}, {points:,} points")
    return _lines(_words(layout.get("title")), axes, listed, "trace", len(traces))


_POINT_KEYS = ("x", "y", "z", "values", "lat", "lon", "r", "theta", "a", "locations", "ids")


def _length(value: object) -> int:
    """Return how many numbers a list holds, or an array packed as base64."""
    if isinstance(value, list):
        return len(value)
    if not isinstance(value, Mapping):
        return 0
    packed = as_text(value.get("bdata")) or as_text(value.get("__ndarray__"))
    dtype = as_text(value.get("dtype"))
    named = {"float64": 8, "float32": 4, "int64": 8, "int32": 4, "int16": 2, "int8": 1}
    bits = _DTYPE_BYTES.fullmatch(dtype[:20])
    width = named.get(dtype) or (int(bits["bits"]) if bits else 1) or 1
    return (len(packed) * 3 // 4 - packed.count("=", -2)) // width if packed else 0


def _vega(spec: Mapping[str, Any]) -> str:
    """Summarise a Vega or Vega-Lite figure."""
    datasets = spec.get("datasets")
    sizes = {
        name: len(rows)
        for name, rows in (datasets.items() if isinstance(datasets, Mapping) else ())
        if isinstance(rows, list)
    }
    axes: list[str] = []
    listed: list[str] = []
    for view in _vega_views(spec, _MAX_DEPTH):
        encoding = view.get("encoding")
        for channel, coded in encoding.items() if isinstance(encoding, Mapping) else ():
            if isinstance(coded, Mapping):
                title = _words(coded.get("title")) or _words(coded.get("field"))
                shown = f"{_words(channel)} {title!r}"
                if title and shown not in axes:
                    axes.append(shown)
        mark = view.get("mark")
        if mark is not None:
            listed.append(_words(mark.get("type") if isinstance(mark, Mapping) else mark) or "mark")
    marks = spec.get("marks")
    if isinstance(marks, list):  # Vega itself
        listed += [_words(mark.get("type")) for mark in marks if isinstance(mark, Mapping)]
    text = _lines(_words(spec.get("title")), axes, listed, "mark", len(listed))
    values = _vega_values(spec.get("data"))
    points = sum(sizes.values()) + values
    return text + (f"\n{points:,} data rows" if points else "")


def _vega_values(data: object) -> int:
    """Return how many rows the inline data of a view has."""
    entries = data if isinstance(data, list) else [data]
    values = [entry.get("values") for entry in entries if isinstance(entry, Mapping)]
    return sum(len(rows) for rows in values if isinstance(rows, list))


def _vega_views(spec: object, depth: int) -> Iterator[Mapping[str, Any]]:
    """Yield a Vega-Lite view and those that it is made of."""
    if not isinstance(spec, Mapping) or depth <= 0:
        return
    yield spec
    for key in ("layer", "hconcat", "vconcat", "concat"):
        parts = spec.get(key)
        for part in parts if isinstance(parts, list) else ():
            yield from _vega_views(part, depth - 1)
    yield from _vega_views(spec.get("spec"), depth - 1)


def _bokeh(docs: Mapping[str, Any]) -> str:
    """Summarise the documents of a bokeh script, of the format of version 3."""
    titles: list[str] = []
    axes: list[str] = []
    listed: list[str] = []
    for model in _bokeh_models(list(docs.values()), _MAX_DEPTH * 4):
        attributes = model.get("attributes")
        attributes = attributes if isinstance(attributes, Mapping) else {}
        name = as_text(model.get("name"))
        if name == "Title" and (title := _words(attributes.get("text"))):
            titles.append(title)
        elif name.endswith("Axis") and (label := _words(attributes.get("axis_label"))):
            axes.append(f"{label!r}")
        elif name == "GlyphRenderer":
            glyph = attributes.get("glyph")
            kind = _words(glyph.get("name")) if isinstance(glyph, Mapping) else "glyph"
            listed.append(f"{kind}, {_bokeh_points(attributes.get('data_source')):,} points")
    return _lines(", ".join(titles[:5]), axes, listed, "glyph", len(listed))


def _bokeh_models(value: object, depth: int) -> Iterator[Mapping[str, Any]]:
    """Yield every named object of bokeh's JSON, but not those inside a glyph renderer."""
    if depth <= 0:
        return
    if isinstance(value, Mapping):
        if isinstance(value.get("name"), str) and value.get("type") == "object":
            yield value
            if value["name"] == "GlyphRenderer":
                return
        for part in value.values():
            yield from _bokeh_models(part, depth - 1)
    elif isinstance(value, list):
        for part in value:
            if isinstance(part, Mapping | list):
                yield from _bokeh_models(part, depth - 1)


def _bokeh_points(source: object) -> int:
    """Return the length of the longest column of a data source."""
    attributes = source.get("attributes") if isinstance(source, Mapping) else None
    data = attributes.get("data") if isinstance(attributes, Mapping) else None
    entries = data.get("entries") if isinstance(data, Mapping) else None
    columns = (
        [e[1] for e in entries if isinstance(e, list) and len(e) == 2]
        if isinstance(entries, list)
        else []
    )
    return max((_bokeh_length(column) for column in columns), default=0)


def _bokeh_length(column: object) -> int:
    """Return the length of a column: a list, or an array with its shape."""
    if isinstance(column, Mapping):
        shape = column.get("shape")
        if isinstance(shape, list) and shape and isinstance(shape[0], int):
            return shape[0]
    return _length(column)
