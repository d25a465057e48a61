"""Outputs of a cell in a few words, for lists of many cells.

Nothing is decoded or parsed at length here, because one list asks for the outputs of a whole
notebook.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

from ..text.counting import count
from .formats import outline_words
from .formats.plain_text import TYPE as PLAIN_TYPE
from .text import as_text

MAX_SAID = 5
_NAME = re.compile(r"[A-Za-z_][\w.]{0,60}")


def outline(outputs: Sequence[Any]) -> str:
    """Return a few words about outputs, such as ``3 lines, image 640x480, ZeroDivisionError``.

    Parameters
    ----------
    outputs : sequence
        As nbformat 4 defines them. Damaged ones count as ``damaged output``.

    Returns
    -------
    str
        Empty when there are no outputs. Of the outputs' own text it holds only names of exceptions.
    """
    if not isinstance(outputs, list | tuple):
        return ""
    lines = 0
    said: list[str] = []
    for output in outputs:
        if not isinstance(output, Mapping):
            said.append("damaged output")
        elif output.get("output_type") == "stream":
            lines += _lines(output.get("text"))
        elif output.get("output_type") == "error":
            name = as_text(output.get("ename")).strip()
            said.append(name if _NAME.fullmatch(name[:100]) else "error")
        else:
            data = output.get("data")
            bundle = data if isinstance(data, Mapping) else {}
            words = outline_words({n: c for n, c in bundle.items() if isinstance(n, str)})
            if words:
                said.append(words)
            else:
                lines += _lines(bundle.get(PLAIN_TYPE))
    if outputs and not lines and not said:
        return "no visible text"
    if lines:
        said.insert(0, count(lines, "line"))
    if len(said) > MAX_SAID:
        # Keep the last: it is the error, if there is one.
        said = [*said[: MAX_SAID - 1], f"{len(said) - MAX_SAID:,} more", said[-1]]
    return ", ".join(said)


def _lines(value: object) -> int:
    """Return how many lines a text has."""
    text = as_text(value).strip("\n")
    return text.count("\n") + 1 if text else 0
