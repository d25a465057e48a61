"""Data frames as pandas writes them in HTML: their shape, and what their columns look like."""

from __future__ import annotations

import re
from itertools import groupby

from .markup import tokens

_MOST_MARKUP = 200_000
"""Characters of a table that are read for the look of its columns."""

_MOST_KINDS = 12
"""Groups of columns that are listed."""

_MISSING = {"", "NaN", "NaT", "None", "<NA>", "nan"}
_GAP = "..."
"""What pandas writes in place of the columns, and rows, that it leaves out."""

_KINDS = (
    ("bool", re.compile(r"True|False")),
    ("int", re.compile(r"[-+]?\d{1,40}")),
    ("float", re.compile(r"[-+]?(?:\d{1,40}\.\d{0,40}(?:e[-+]\d{1,4})?|\d{1,40}e[-+]\d{1,4}|inf)")),
    (
        "datetime",
        re.compile(r"\d{4}-\d\d-\d\d(?:[ T]\d\d:\d\d:\d\d(?:\.\d{1,9})?(?:[-+]\d\d:\d\d)?)?"),
    ),
    ("timedelta", re.compile(r"-?\d{1,9} days?(?: [-+]?\d\d:\d\d:\d\d(?:\.\d{1,9})?)?")),
)


def table_shape(markup: str) -> tuple[int, int] | None:
    """Return rows and columns of the data frame that pandas wrote as `markup`, or None."""
    head = markup[:4000]
    if 'class="dataframe"' not in head and "class='dataframe'" not in head:
        return None
    said = re.search(r"<p>(\d{1,12}) rows \u00d7 (\d{1,12}) columns</p>", markup[-500:])
    if said:
        return int(said[1]), int(said[2])
    rows = columns = headings = 0
    in_head = False
    for token in tokens(markup):
        if token.kind == "open" and token.value == "thead":
            in_head = True
        elif token.kind == "close" and token.value == "thead":
            in_head = False
        elif token.kind == "open" and token.value == "tr":
            rows += not in_head
        elif token.kind == "open" and token.value == "td" and rows == 1:
            columns += 1
        elif token.kind == "open" and token.value == "th" and in_head:
            headings += 1
    # The index has a heading too.
    return rows, columns if rows else max(0, headings - 1)


def column_kinds(markup: str) -> str:
    """Return the types of a data frame's columns, in their order, as their values look.

    The output of a data frame does not hold its dtypes, and code that asks for them is not run
    behind the person's back. Written values tell most: ``2 int, float, …, text``. Names of columns
    are not repeated here, so all words are ours.

    Returns
    -------
    str
        Nothing when there is nothing to tell.
    """
    columns: list[set[str]] = []
    at = 0
    value: list[str] | None = None
    for token in tokens(markup[:_MOST_MARKUP]):
        if token.kind == "open" and token.value == "tr":
            at = 0
        elif token.kind == "open" and token.value == "td":
            value = []
        elif token.kind == "text" and value is not None:
            value.append(token.value)
        elif token.kind == "close" and token.value == "td" and value is not None:
            while len(columns) <= at:
                columns.append(set())
            columns[at].add(_kind("".join(value).strip()))
            at += 1
            value = None
    groups = [(kind, len([*same])) for kind, same in groupby(map(_joined, columns))]
    said = [f"{many} {kind}" if many > 1 and kind != "…" else kind for kind, many in groups]
    return ", ".join([*said[:_MOST_KINDS], "…"] if len(said) > _MOST_KINDS else said)


def _kind(value: str) -> str:
    if value in _MISSING:
        return ""
    if value == _GAP:
        return "…"
    return next((kind for kind, pattern in _KINDS if pattern.fullmatch(value)), "text")


def _joined(kinds: set[str]) -> str:
    """Return one word for the values of a column; a row that was left out says nothing."""
    found = kinds - {"", "…"}
    if not found:
        return "…" if "…" in kinds else "empty"
    return found.pop() if len(found) == 1 else "mixed"
