"""Markers around text that the server did not write: sources, outputs, files, docs.

A reply mixes the server's words with text of others. A source that contains ``cell 2 · ran`` and
``[output 1 stdout]`` is neither a cell nor an output, and a model must be able to see that::

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
"""Kinds of text besides outputs that stand between markers."""

_MARKER = re.compile(
    rf"\[\s{{0,200}}+/?+\s{{0,200}}+(?:output|in full|{'|'.join(KINDS)})(?![^\W_])", re.IGNORECASE
)
_LONGEST_MARKER = 420

_MOST_NORMALISED = 100_000
"""Maximum length of a text that is normalised before the search for imitated markers.

A longer text always gets a random word, unless it is ASCII.
"""

_PLAIN_TYPE = re.compile(r"[A-Za-z][A-Za-z0-9_-]{0,30}")


def word_for(text: str) -> str:
    """Return a random word for the markers around a text, which the text cannot know.

    The word is empty unless the text may contain something that looks like a marker.
    """
    if not text.isascii() and len(text) <= _MOST_NORMALISED:
        # To a model, brackets of another width look the same, and invisible characters are nothing.
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
        The text of which `text` is a piece: all its pages get a random word, or none does.
    """
    word = word_for(text if whole is None else whole)
    return f"[{kind}{word}]\n{text}\n[/{kind}{word}]"


def plain_type(name: str) -> str:
    """Return a cell type that is safe in a line of the server: a file may hold anything there."""
    return name if _PLAIN_TYPE.fullmatch(name) else "unknown type"


def on_one_line(text: str) -> str:
    """Return text of others, made safe for a line of the server: nothing breaks or reverses it."""
    return "\t".join(map(shown, text.split("\t")))
