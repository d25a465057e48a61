"""Interactive figures in words: title, axes, traces and how many points they have.

The libraries put a figure into an output as JSON of a type of their own, or as a script inside
HTML that holds the same JSON. Both are read; nothing of a figure is ever run.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from itertools import islice
from typing import Any

from ..text import as_text, matches
from .bokeh import bokeh_in_json, bokeh_in_script
from .figure_words import MAX_JSON
from .plotly import plotly_summary
from .vega import vega_summary

MAX_SEARCHED = 20_000_000
"""Characters of HTML that are searched for a figure; plotly puts 5 MB of library before it."""
_MAX_STARTS = 20
"""Places of a script where a figure is looked for; each may be parsed up to the script's end."""
_VEGA_TYPE = re.compile(r"application/vnd\.vega(?:lite)?\.v\d+(?:\.json|\+json)")
_PLOTLY_START = re.compile(
    r"Plotly\.(?:newPlot|react)\(\s{0,40}[\"'][^\"'\n]{0,80}[\"'],\s{0,40}(?=\[)"
)
_VEGA_START = re.compile(r"\}\)\((?=\{)|(?:var|let|const) spec ?= ?(?=\{)")
_LONGEST_START = 200
_COMMA = re.compile(r"\s*,\s*")
_SCRIPT_OR_COMMENT = re.compile(r"<!--|<script(?=[\s/>])", re.IGNORECASE)
_SCRIPT_END = re.compile(r"</script", re.IGNORECASE)


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
            return "plotly", plotly_summary(content.get("data"), content.get("layout"))
        if _VEGA_TYPE.fullmatch(mime_type) and isinstance(content, Mapping):
            return "vega", vega_summary(content)
    if any(str(mime_type).startswith("application/vnd.bokehjs_exec") for mime_type in data):
        script = as_text(data.get("application/javascript"))
        return "bokeh", bokeh_in_script(script) or "figure"
    if any(str(mime_type).startswith("application/vnd.bokehjs_load") for mime_type in data):
        return "bokeh", "the library is loaded"
    return figure_in_html(as_text(data.get("text/html")))


def figure_in_html(markup: str) -> tuple[str, str] | None:
    """Return kind and summary of a figure that a script inside HTML draws, or None."""
    for attributes, script in _scripts(markup[:MAX_SEARCHED]):
        if "application/json" in attributes:
            found = [("bokeh", bokeh_in_json(script))]
        else:
            found = [
                ("plotly", _plotly_in_script(script)),
                ("vega", _vega_in_script(script)),
                ("bokeh", bokeh_in_script(script)),
            ]
        for kind, summary in found:
            if summary:
                return kind, summary
    return None


def _scripts(markup: str) -> Iterator[tuple[str, str]]:
    """Yield attributes and text of each script element that is not in a comment.

    `markup.tokens` reads less, and looks at every other tag too.
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


def _starts(pattern: re.Pattern[str], script: str) -> Iterator[tuple[Any, int]]:
    """Yield the JSON value after each of the first matches of a pattern, and where it ends."""
    for start in islice(matches(pattern, script, _LONGEST_START), _MAX_STARTS):
        yield _json_at(script, start.end())


def _plotly_in_script(script: str) -> str | None:
    """Return the summary of the plotly figure that a script draws, or None."""
    for traces, end in _starts(_PLOTLY_START, script):
        if isinstance(traces, list):
            comma = _COMMA.match(script, end)
            layout, _ = _json_at(script, comma.end()) if comma else (None, 0)
            return plotly_summary(traces, layout)
        if len(script) - end > MAX_JSON:
            return "too large to be summed up"
    return None


def _vega_in_script(script: str) -> str | None:
    """Return the summary of the Vega or Vega-Lite figure that a script draws, or None."""
    for spec, _ in _starts(_VEGA_START, script):
        if isinstance(spec, Mapping) and "vega" in as_text(spec.get("$schema")):
            return vega_summary(spec)
    return None


def _json_at(text: str, at: int) -> tuple[Any, int]:
    """Return the JSON value at an offset and where it ends, or None."""
    try:
        value, length = json.JSONDecoder().raw_decode(text[at : at + MAX_JSON])
    except (ValueError, RecursionError):
        return None, at
    return value, at + length
