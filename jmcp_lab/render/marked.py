"""Markers around text that is not the server's: of sources, outputs, files, docs.

What is in a reply was written by many. A source that reads ``cell 2 · ran`` and ``[output 1
stdout]`` is no cell and no output, and a model must be able to tell::

    [source]
    cell 2 · id 1a2b3c4d · code · ran
    [/source]
"""

from __future__ import annotations

import re
import secrets
import unicodedata

from jmcp_lab.files.names import shown
from jmcp_lab.text.sanitize import without_invisible

from .text import matches

KINDS = ("source", "text", "docs", "selection", "reply")
"""What else than an output stands between markers."""

_MARKER = re.compile(
    rf"\[\s{{0,200}}+/?+\s{{0,200}}+(?:output|in full|{'|'.join(KINDS)})(?![^\W_])", re.IGNORECASE
)
_LONGEST_MARKER = 420

_MOST_NORMALISED = 100_000
"""Characters of a text that are looked at as if all were ASCII, as far as they look like it."""

_PLAIN_TYPE = re.compile(r"[A-Za-z][A-Za-z0-9_-]{0,30}")


def word_for(text: str) -> str:
    """Return what the markers around a text have in them that the text cannot know.

    Nothing, unless the text itself may hold what looks like a marker.
    """
    if not text.isascii() and len(text) <= _MOST_NORMALISED:
        # To a model brackets of another width look the same, and what has no width is not there.
        text = without_invisible(unicodedata.normalize("NFKC", text))
    imitates = not text.isascii() and len(text) > _MOST_NORMALISED
    return (
        f" #{secrets.token_hex(3)}"
        if imitates or any(matches(_MARKER, text, _LONGEST_MARKER))
        else ""
    )


def marked(kind: str, text: str, whole: str | None = None) -> str:
    """Return a text between markers.

    Parameters
    ----------
    kind : str
        One of `KINDS`.
    text : str
    whole : str, optional
        The text that `text` is a piece of: its pages have the same markers or none.
    """
    word = word_for(text if whole is None else whole)
    return f"[{kind}{word}]\n{text}\n[/{kind}{word}]"


def plain_type(name: str) -> str:
    """Return the type of a cell as it may stand in the server's line: a file may say anything."""
    return name if _PLAIN_TYPE.fullmatch(name) else "unknown type"


def on_one_line(text: str) -> str:
    """Return what others wrote as it may stand in a line of ours: nothing breaks or turns it."""
    return "\t".join(map(shown, text.split("\t")))
