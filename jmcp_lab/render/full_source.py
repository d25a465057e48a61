"""What an output holds beyond its summary, for a reader who wants everything.

A reply shows a figure, an SVG image or a traceback in a few words, some of which it has to choose.
Pages show the source after the summary, so that offsets into the summary stay valid.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from jmcp_lab.text.sanitize import clean

from .blocks import Block
from .formats import source_of_form
from .formats.base import Source
from .text import as_text
from .tracebacks import error_words

_HEADING = re.compile(r"\s*-{20,}\s*|\s*(?:\S{1,200} +)?Traceback \(most recent call last\):?\s*")


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
        return None if printed == block.text else Source("everything printed", lambda: printed)
    data = output.get("data")
    if block.format is None or not isinstance(data, Mapping):
        return None
    bundle = {name: content for name, content in data.items() if isinstance(name, str)}
    return source_of_form(
        bundle, block.format, block.mime_type, has_image=block.picture is not None
    )


def source_offset(summary: str) -> int:
    """Return where the source starts in the paged text: on the line after the summary."""
    return len(summary) + 1


def _of_error(output: Mapping[str, Any], shown: str) -> Source | None:
    """Return the traceback when lines of it are missing from what a reply shows."""
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
