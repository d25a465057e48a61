"""Figures of bokeh 3: titles, axes, glyphs and how many points they have."""

from __future__ import annotations

import html
import json
import re
from collections.abc import Iterator, Mapping
from typing import Any

from ...text.counting import count
from ..text import as_text
from .base import Bundle, Format, Prominence, Shown, Source, markup_source, named_by_part
from .figure_text import MAX_JSON, array_length, shown_figure, summary, title_words
from .scripts import TYPE as SCRIPT_TYPE

_FIGURE = "application/vnd.bokehjs_exec"
_LIBRARY = "application/vnd.bokehjs_load"
_IN_SCRIPT = re.compile(r"docs_json ?= ?(?P<quote>'?)(?=\{)")

Model = Mapping[str, Any]
"""An object of bokeh's JSON, or a reference ``{"id": …}`` to an object elsewhere."""


def _show(data: Bundle) -> Shown | None:
    if _has(data, _FIGURE):
        script = as_text(data.get(SCRIPT_TYPE))
        return shown_figure("bokeh", _from_script(script) or "figure", data)
    if _has(data, _LIBRARY):
        return shown_figure("bokeh", "the library is loaded", data)
    return None


def _source(data: Bundle) -> Source | None:
    """Return the script that holds a figure; the library's own script is not worth reading."""
    return markup_source("its script", data.get(SCRIPT_TYPE)) if _has(data, _FIGURE) else None


def _has(data: Bundle, prefix: str) -> bool:
    return any(mime_type.startswith(prefix) for mime_type in data)


def _in_script(script: str, is_json: bool) -> str | None:
    """Return the summary of the documents in a script element of a page, or None."""
    return _from_json(script.strip()) if is_json else _from_script(script)


def _from_script(script: str) -> str | None:
    """Return the summary of the documents that a script shows, or None."""
    start = _IN_SCRIPT.search(script)
    if start is None:
        return None
    if not start["quote"]:
        return _from_json(script, start.end(), escaped=False)
    end = script.find("'", start.end())
    # The text of a JavaScript string: no "'" in it, backslashes doubled.
    literal = script[start.end() : end if end >= 0 else len(script)]
    return _from_json(literal[: 2 * MAX_JSON].replace("\\\\", "\\"))


def _from_json(text: str, at: int = 0, *, escaped: bool = True) -> str | None:
    """Return the summary of the documents in the JSON at an offset, or None."""
    text = text[at : at + MAX_JSON]
    try:
        docs, _ = json.JSONDecoder().raw_decode(html.unescape(text) if escaped else text)
    except (ValueError, RecursionError):
        # `unescape` raises ValueError too, for a character of thousands of digits.
        return None
    if not isinstance(docs, Mapping):
        return None
    if not any(isinstance(doc, Mapping) and "roots" in doc for doc in docs.values()):
        return None
    return _summary(docs)


def _summary(docs: Mapping[str, Any]) -> str:
    """Return the summary of documents in the format of version 3."""
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
    """Yield every object of bokeh's JSON, and whether it is inside a glyph renderer.

    The order is that of the text, which is the order of drawing. References are not followed.
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
    """Return the attributes of a model; an empty mapping for any other value."""
    attributes = model.get("attributes") if isinstance(model, Mapping) else None
    return attributes if isinstance(attributes, Mapping) else {}


def _glyph_words(renderer: Mapping[str, Any], models: Mapping[str, Model]) -> str:
    """Return what a renderer draws, such as ``Line, 3 points``."""
    glyph = _resolved(renderer.get("glyph"), models)
    kind = (title_words(glyph.get("name")) if isinstance(glyph, Mapping) else "") or "glyph"
    points = _points(_resolved(renderer.get("data_source"), models))
    return kind if points is None else f"{kind}, {count(points, 'point')}"


def _resolved(value: object, models: Mapping[str, Model]) -> object:
    """Return the model that a reference points to, or any other value itself."""
    # Bokeh writes a model where it is first used; later uses refer to it.
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


FORMAT = Format(
    "bokeh",
    show=_show,
    source=_source,
    outline=named_by_part("vnd.bokehjs_exec", "bokeh figure"),
    prominence=Prominence.FIGURE,
    alone=True,
    # HoloViews draws with bokeh, and leaves scripts and state of its own beside the figure.
    private_types=("application/vnd.bokeh", "application/vnd.holoviews"),
    in_script=_in_script,
)
