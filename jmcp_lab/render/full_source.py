"""What an output holds beyond its summary, for a reader who wants all of it.

A figure, an SVG image or a traceback is shown in a few words, and some of those are a choice. The
source is paged after them, so that offsets into the summary stay what they are.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from functools import partial
from typing import Any, NamedTuple

from jmcp_lab.text.sanitize import clean

from .blocks import Block, mime_name
from .html import MAX_MARKUP
from .other_types import json_text, text_of, unshown_types
from .text import as_text
from .tracebacks import error_words

_FIGURE_TYPE = re.compile(r"application/vnd\.(?:plotly|vega).*")
_BOKEH = ("application/vnd.bokehjs_exec", "application/vnd.bokehjs_load")
_HEADING = re.compile(r"\s*-{20,}\s*|\s*(?:\S{1,200} +)?Traceback \(most recent call last\):?\s*")


class Source(NamedTuple):
    """All of an output that is shown as a summary.

    Parameters
    ----------
    what : str
        Words of ours, such as ``the whole traceback``.
    text : callable
        Returns it; that may take long.
    """

    what: str
    text: Callable[[], str]


def source_of(output: object, block: Block) -> Source | None:
    """Return the source of an output, or None when its block holds all of it.

    Parameters
    ----------
    output : mapping
        An output as nbformat 4 defines it.
    block : Block
        What is shown of it.
    """
    if not isinstance(output, Mapping):
        return None
    if not block.text and output.get("output_type") in ("stream", "error"):
        return None
    if block.is_error:
        return _of_error(output, block.text)
    if output.get("output_type") == "stream":
        printed = clean(as_text(output.get("text"))).strip("\n")
        return None if printed == block.text else Source("all that was printed", lambda: printed)
    data = output.get("data")
    if not isinstance(data, Mapping):
        return None
    if block.kind.endswith(" figure"):
        return _of_figure(data)
    if block.kind.endswith("svg in words"):
        return _of_markup("the SVG", data.get("image/svg+xml"))
    if others := unshown_types(data, block.kind, has_image=block.picture is not None):
        return _of_types(data, others)
    markup = as_text(data.get("text/html"))
    is_markup = block.kind.endswith("html as text") or ", table " in block.kind
    return _of_markup("the HTML", markup) if is_markup and len(markup) > MAX_MARKUP else None


def source_offset(summary: str) -> int:
    """Return where the source starts in the text that is paged: on the line after the summary."""
    return len(summary) + 1


def _of_error(output: Mapping[str, Any], shown: str) -> Source | None:
    """Return the traceback when lines of it are missing in what is shown."""
    given = output.get("traceback")
    entries = given if isinstance(given, list | tuple) else [given]
    text = clean("\n".join(as_text(entry) for entry in entries)).strip("\n")
    said = {"", *(line.strip() for line in shown.split("\n"))}
    missing = (line for line in text.split("\n") if line.strip() not in said)
    if all(_HEADING.fullmatch(line[:400]) for line in missing):
        return None
    words = error_words(output)
    whole = text if words in text else f"{text}\n{words}"
    return Source("the whole traceback", lambda: whole)


def _of_figure(data: Mapping[Any, Any]) -> Source | None:
    """Return the JSON of a figure, or the script or HTML that holds it."""
    for mime_type, content in data.items():
        if _FIGURE_TYPE.fullmatch(str(mime_type)) and isinstance(content, Mapping):
            return Source("its JSON", partial(json_text, content))
    is_bokeh, is_library = (any(str(mime).startswith(kind) for mime in data) for kind in _BOKEH)
    if is_bokeh:
        return _of_markup("its script", data.get("application/javascript"))
    return None if is_library else _of_markup("its HTML", data.get("text/html"))


def _of_types(data: Mapping[Any, Any], names: list[str]) -> Source:
    """Return the texts of other types that a bundle holds, each after its name if several."""
    if len(names) == 1:
        return Source(f"its {mime_name(names[0])}", lambda: text_of(data[names[0]]))

    def all_of_them() -> str:
        return "\n\n".join(f"{mime_name(name)}:\n{text_of(data[name])}" for name in names)

    return Source(f"its {', '.join(map(mime_name, names))}", all_of_them)


def _of_markup(what: str, content: object) -> Source | None:
    markup = as_text(content).strip("\n")
    return Source(what, lambda: clean(markup)) if markup else None
