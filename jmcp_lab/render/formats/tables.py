"""Data frames, shown as a table of text with their shape and types in the marker."""

from __future__ import annotations

import re
from collections.abc import Sequence

from ..html import html_to_text
from ..text import as_text
from .base import Bundle, Format, Prominence, Shown, Unshown
from .data_frames import Frame, frames_of
from .html_text import TYPE as HTML_TYPE
from .html_text import large_html
from .plain_text import plain_text

_MAX_TABLES = 5
"""Tables of one output whose shapes the marker lists."""
_MAX_OUTLINED = 50_000
"""Characters of HTML in which lists of cells look for tables."""


def _show(data: Bundle) -> Shown | None:
    """Return the tables as text: pandas's own text where it is as good as its HTML."""
    markup = as_text(data.get(HTML_TYPE))
    frames = frames_of(markup)
    if not frames:
        return None
    plain = plain_text(data)
    # pandas breaks the columns of a wide table over several blocks of lines.
    wrapped = any(line.rstrip().endswith("\\") for line in plain[:2000].split("\n"))
    # A single line is the name of an object that holds the table, and never the table.
    usable = len(frames) == 1 and "\n" in plain and not wrapped
    text = plain if usable else html_to_text(markup)
    return Shown(_table_words(frames), _without_shape(text) if len(frames) == 1 else text)


def _table_words(frames: Sequence[Frame]) -> str:
    """Return the shapes of the tables; the types of the columns only when there is one table."""
    if len(frames) == 1:
        kinds = f" ({frames[0].kinds})" if frames[0].kinds else ""
        comma = "," if frames[0].rows is None else ""
        return f"table{comma} {frames[0].shape_words()}{kinds}"
    shapes = [frame.shape_words() for frame in frames[:_MAX_TABLES]]
    more = ["…"] if len(frames) > _MAX_TABLES else []
    return f"{len(frames):,} tables: " + "; ".join([*shapes, *more])


def _without_shape(text: str) -> str:
    """Return the text of a data frame without the line of its shape, which the marker says."""
    first, _, below = text.partition("\n")
    if re.fullmatch(r"shape: \([\d_]+,(?: [\d_]+)?\)", first.strip()[:80]):
        return below
    above, _, last = text.rpartition("\n")
    is_shape = re.fullmatch(r"\[?\d+ rows [x\u00d7] \d+ columns\]?", last.strip()[:80])
    return above.rstrip("\n") if is_shape else text


def _outline(data: Bundle) -> str | None:
    """Return ``table 3x2``, without numbers that the output does not tell."""
    markup = as_text(data.get(HTML_TYPE))
    frames = frames_of(markup) if len(markup) <= _MAX_OUTLINED else []
    if not frames:
        return None
    if len(frames) > 1:
        return f"{len(frames):,} tables"
    rows, columns = frames[0].rows, frames[0].columns
    return "table" if rows is None or columns is None else f"table {rows:,}x{columns:,}"


FORMAT = Format(
    "table",
    show=_show,
    source=large_html,
    outline=_outline,
    prominence=Prominence.PICTURE,
    # pandas writes it beside the HTML when `display.html.table_schema` is set.
    types={"application/vnd.dataresource+json": Unshown(note="")},
)
