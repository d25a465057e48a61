"""Figures of bokeh 3 in words."""

from __future__ import annotations

import html
import json
import re
from collections.abc import Iterator, Mapping
from typing import Any

from ..text import as_text
from .figure_words import MAX_JSON, array_length, counted, summary, title_words

_IN_SCRIPT = re.compile(r"docs_json ?= ?(?P<quote>'?)(?=\{)")

Model = Mapping[str, Any]
"""An object of bokeh's JSON, or a reference ``{"id": …}`` to one written out elsewhere."""


def bokeh_in_script(script: str) -> str | None:
    """Return the summary of the documents that a script of bokeh shows, or None."""
    start = _IN_SCRIPT.search(script)
    if start is None:
        return None
    if not start["quote"]:
        return _from_json(script, start.end(), escaped=False)
    end = script.find("'", start.end())
    # The text of a JavaScript string: no "'" in it, backslashes doubled.
    literal = script[start.end() : end if end >= 0 else len(script)]
    return _from_json(literal[: 2 * MAX_JSON].replace("\\\\", "\\"))


def bokeh_in_json(text: str) -> str | None:
    """Return the summary of the documents in a JSON script element of a page, or None."""
    return _from_json(text.strip())


def _from_json(text: str, at: int = 0, *, escaped: bool = True) -> str | None:
    """Return the summary of the documents in the JSON at an offset, or None."""
    text = text[at : at + MAX_JSON]
    try:
        docs, _ = json.JSONDecoder().raw_decode(html.unescape(text) if escaped else text)
    except (ValueError, RecursionError):
        # A ValueError comes from `unescape` too, for a character of thousands of digits.
        return None
    if not isinstance(docs, Mapping):
        return None
    if not any(isinstance(doc, Mapping) and "roots" in doc for doc in docs.values()):
        return None
    return _summary(docs)


def _summary(docs: Mapping[str, Any]) -> str:
    """Summarise bokeh's documents, of the format of version 3."""
    titles: list[str] = []
    axes: list[str] = []
    renderers: list[Model] = []
    models: dict[str, Model] = {}
    for model, drawn_by_glyph in _models(docs):
        if isinstance(model.get("id"), str):
            models.setdefault(model["id"], model)
        if drawn_by_glyph:
            continue
        attributes = _attributes(model)
        name = model["name"]
        if name == "Title" and (title := title_words(attributes.get("text"))):
            titles.append(title)
        elif name.endswith("Axis") and (label := title_words(attributes.get("axis_label"))):
            axes.append(f"{label!r}")
        elif name == "GlyphRenderer":
            renderers.append(model)
    listed = [_glyph_words(_attributes(renderer), models) for renderer in renderers]
    return summary(", ".join(titles[:5]), axes, listed, "glyph")


def _models(docs: object) -> Iterator[tuple[Model, bool]]:
    """Yield every object of bokeh's JSON that is written out, and whether a glyph renderer has it.

    In the order of the text, which is the order of drawing.
    """
    rest: list[tuple[Any, bool]] = [(docs, False)]
    while rest:
        value, inside = rest.pop()
        if isinstance(value, Mapping):
            if isinstance(value.get("name"), str) and value.get("type") == "object":
                yield value, inside
                inside = inside or value["name"] == "GlyphRenderer"
            value = list(value.values())
        parts = [(part, inside) for part in value if isinstance(part, Mapping | list)]
        rest += reversed(parts)


def _attributes(model: object) -> Mapping[str, Any]:
    """Return the attributes of a model; none when it is not one."""
    attributes = model.get("attributes") if isinstance(model, Mapping) else None
    return attributes if isinstance(attributes, Mapping) else {}


def _glyph_words(renderer: Mapping[str, Any], models: Mapping[str, Model]) -> str:
    """Return what a renderer draws, such as ``Line, 3 points``."""
    glyph = _resolved(renderer.get("glyph"), models)
    kind = (title_words(glyph.get("name")) if isinstance(glyph, Mapping) else "") or "glyph"
    points = _points(_resolved(renderer.get("data_source"), models))
    return kind if points is None else f"{kind}, {counted(points, 'point')}"


def _resolved(value: object, models: Mapping[str, Model]) -> object:
    """Return the model that a reference means; any other value itself."""
    # Only the first use of a model is written out, the others refer to it.
    if isinstance(value, Mapping) and "attributes" not in value:
        return models.get(as_text(value.get("id")), value)
    return value


def _points(source: object) -> int | None:
    """Return the length of the longest column of a data source, or None when it has no column."""
    data = _attributes(source).get("data")
    entries = data.get("entries") if isinstance(data, Mapping) else None
    columns = [
        entry[1]
        for entry in (entries if isinstance(entries, list) else ())
        if isinstance(entry, list) and len(entry) == 2
    ]
    return max(map(_column_length, columns), default=None)


def _column_length(column: object) -> int:
    """Return the length of a column: a list, or an array with its shape."""
    if isinstance(column, Mapping):
        shape = column.get("shape")
        if isinstance(shape, list) and shape and isinstance(shape[0], int):
            return shape[0]
    return array_length(column)
