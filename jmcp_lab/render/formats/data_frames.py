"""Data frames in HTML, as pandas, polars and R write them: shape and types, as far as known.

Nothing is claimed that the HTML does not say: a frame shown in part has no shape here unless the
library wrote it down, and types that the library did not write are given as ``like …``.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from itertools import groupby

from ...text.counting import count
from ..html import MAX_MARKUP, Token, attributes, tokens
from ..text import without_data_urls

_MOST_MARKUP = 200_000
"""Maximum number of characters that are read for the types if the shape is written down."""

_MOST_KINDS = 12
"""Maximum number of groups of columns that are listed."""

_MISSING = {"", "NaN", "NaT", "None", "<NA>", "nan", "null"}
_GAPS = {"...", "…", "⋮"}
"""Cells that stand for the rows and columns that are left out."""

# A number with leading zeros is an identifier that arithmetic would damage, so it is text.
_WHOLE = r"(?:0|[1-9]\d{0,39})"
_KINDS = (
    ("bool", re.compile(r"True|False")),
    ("int", re.compile(rf"-?{_WHOLE}")),
    ("float", re.compile(rf"-?(?:{_WHOLE}\.\d{{0,40}}(?:e[-+]\d{{1,4}})?|\de[-+]\d{{1,4}}|inf)")),
    (
        "datetime",
        re.compile(r"\d{4}-\d\d-\d\d(?:[ T]\d\d:\d\d:\d\d(?:\.\d{1,9})?(?:[-+]\d\d:\d\d)?)?"),
    ),
    ("timedelta", re.compile(r"-?\d{1,9} days?(?: [-+]?\d\d:\d\d:\d\d(?:\.\d{1,9})?)?")),
)

_DTYPE = re.compile(r"[a-z]{1,10}\d{0,3}")
_DTYPES = {
    *("i8", "i16", "i32", "i64", "i128", "u8", "u16", "u32", "u64", "u128", "f16", "f32", "f64"),
    *("bool", "str", "date", "datetime", "duration", "time", "cat", "enum", "list", "array"),
    *("struct", "decimal", "binary", "null", "object"),
}
"""Names of polars' types; no other text of a header gets into the server's words."""

_SHAPES = (
    re.compile(r"(\d{1,12}) rows \u00d7 (\d{1,12}) columns"),  # pandas, below the table
    re.compile(r"shape: \((\d[\d_]{0,15}),(?: (\d[\d_]{0,15}))?\)"),  # polars, above it
    re.compile(r"A [\w.]{1,40}: (\d{1,12}) \u00d7 (\d{1,12})(?: of type \w{1,20})?"),  # R, in it
)
_PANDAS_END = re.compile(r"<p>(\d{1,12}) rows \u00d7 (\d{1,12}) columns</p>")


@dataclass(frozen=True, slots=True)
class Frame:
    """A data frame that an output shows.

    Parameters
    ----------
    rows, columns : int or None
        None if the output does not say.
    kinds : str
        The types of the columns, in their order: ``2 i64, str`` as the header says, or
        ``like 2 int, text``. Empty if nothing is known. No text of the output.
    """

    rows: int | None
    columns: int | None
    kinds: str = ""

    def shape_words(self) -> str:
        """Return the shape, such as ``2 rows x 1 column``, or what is known of it."""
        rows = "" if self.rows is None else count(self.rows, "row")
        columns = "" if self.columns is None else count(self.columns, "column")
        if rows and columns:
            return f"{rows} x {columns}"
        if rows:
            return f"{rows}, unknown width"
        return f"unknown length, {columns}" if columns else "unknown shape"


def frames_of(markup: str) -> list[Frame]:
    """Return the data frames in HTML, in their order."""
    # Dask writes a table of its partitions, without rows of data.
    if "dataframe" not in markup or "Dask DataFrame Structure" in markup[:4000]:
        return []
    markup = without_data_urls(markup)
    said = _PANDAS_END.search(markup[-500:]) if markup.count("<table") == 1 else None
    reader = _Reader()
    reader.read_all(tokens(markup[:_MOST_MARKUP] if said else markup))
    if said and len(reader.tables) == 1:
        reader.tables[0].said = int(said[1]), int(said[2])
    elif reader.tables and len(markup) > MAX_MARKUP:
        reader.tables[-1].row_gap = True
    return [table.frame() for table in reader.tables]


@dataclass(slots=True)
class _Table:
    """What is known of one table."""

    said: tuple[int, int] | None = None
    rows: int = 0
    row_gap: bool = False
    heading_gap: bool = False
    columns: list[set[str]] = field(default_factory=list)
    dtypes: list[str] = field(default_factory=list)
    first_heading: list[tuple[str, int]] = field(default_factory=list)

    def frame(self) -> Frame:
        """Return what is known of the data frame."""
        if self.said:
            return Frame(*self.said, self._kinds())
        rows = None if self.row_gap else self.rows
        return Frame(rows, self._width(), self._kinds())

    def _width(self) -> int | None:
        gaps = self.heading_gap and any(kinds == {"…"} for kinds in self.columns)
        if self.dtypes or self.rows:
            return None if gaps else len(self.dtypes or self.columns)
        # Without rows, only blank headings distinguish the index from the columns.
        blank = 0
        while blank < len(self.first_heading) and not self.first_heading[blank][0]:
            blank += 1
        if not blank or self.heading_gap:
            return None
        return sum(span for _, span in self.first_heading[blank:])

    def _kinds(self) -> str:
        kinds = self.dtypes or [_joined(found) for found in self.columns]
        groups = [(kind, len([*same])) for kind, same in groupby(kinds)]
        said = [f"{many} {kind}" if many > 1 and kind != "…" else kind for kind, many in groups]
        if not said:
            return ""
        listed = ", ".join([*said[:_MOST_KINDS], "…"] if len(said) > _MOST_KINDS else said)
        return listed if self.dtypes else f"like {listed}"


@dataclass(slots=True)
class _Reader:
    """Collects the data frames among the tables of HTML."""

    tables: list[_Table] = field(default_factory=list)
    table: _Table | None = None
    above: tuple[int, int] | None = None
    nested: int = 0
    head_rows: int = 0
    in_head: bool = False
    row: list[tuple[str, str, int]] = field(default_factory=list)
    cell: tuple[str, int] | None = None
    words: list[str] = field(default_factory=list)

    def read_all(self, found: Iterable[Token]) -> None:
        for token in found:
            is_tag = token.kind in ("open", "close")
            if is_tag and token.value == "table":
                self._bound(token)
            elif token.kind == "text":
                self._text(token.value)
            elif is_tag and self.table is not None and not self.nested:
                self._tag(token)
        self._end_row()

    def _bound(self, token: Token) -> None:
        """Begin or end a table; a table within a cell is a part of the cell."""
        if self.table is not None:
            self.nested += 1 if token.kind == "open" else -1
            if self.nested < 0:
                self._end_row()
                self.table, self.nested = None, 0
        elif token.kind == "open" and "dataframe" in attributes(token).get("class", "").split():
            self.table = _Table(self.above)
            self.tables.append(self.table)
            self.above, self.in_head, self.head_rows = None, False, 0

    def _text(self, text: str) -> None:
        if self.cell is not None:
            self.words.append(text)
            return
        found = next((m for shape in _SHAPES if (m := shape.fullmatch(text.strip()))), None)
        if found is None:
            return
        shape = int(found[1].replace("_", "")), int((found[2] or "1").replace("_", ""))
        if found.re is _SHAPES[1]:
            self.above = shape
        elif self.tables and self.tables[-1].said is None:
            self.tables[-1].said = shape

    def _tag(self, token: Token) -> None:
        if token.value in ("td", "th"):
            self._end_cell()
            if token.kind == "open":
                span = attributes(token).get("colspan", "")
                self.cell = token.value, int(span) if re.fullmatch(r"[1-9]\d{0,5}", span) else 1
        elif token.value in ("tr", "thead", "tbody", "tfoot"):
            self._end_row()
            if token.value == "thead":
                self.in_head = token.kind == "open"
            elif token.value == "tr" and token.kind == "open" and self.table is not None:
                self.table.rows += not self.in_head
                self.head_rows += self.in_head

    def _end_cell(self) -> None:
        if self.cell is not None:
            self.row.append((self.cell[0], "".join(self.words).strip(), self.cell[1]))
        self.cell = None
        self.words.clear()

    def _end_row(self) -> None:
        self._end_cell()
        row, table = self.row, self.table
        if row and table is not None and self.in_head:
            if self.head_rows == 1:
                table.first_heading = [(text, span) for _, text, span in row]
            table.heading_gap |= any(text in _GAPS for _, text, _ in row)
            # Only polars puts data cells into the head: the types.
            table.dtypes += [_dtype(text) for name, text, _ in row if name == "td"]
        elif row and table is not None:
            values = [text for name, text, _ in row if name == "td"]
            table.columns += [set() for _ in range(len(values) - len(table.columns))]
            for kinds, value in zip(table.columns, values, strict=False):
                kinds.add(_kind(value))
            table.row_gap |= all(text in _GAPS for _, text, _ in row)
        self.row = []


def _dtype(text: str) -> str:
    """Return the name of a type of polars without its parameters."""
    name = _DTYPE.match(text)
    return name[0] if name and name[0] in _DTYPES else "other"


def _kind(value: str) -> str:
    """Return what a written value looks like."""
    if value in _MISSING:
        return ""
    if value in _GAPS:
        return "…"
    return next((kind for kind, pattern in _KINDS if pattern.fullmatch(value)), "text")


def _joined(kinds: set[str]) -> str:
    """Return one word for the values of a column; a row that was left out does not count."""
    found = kinds - {"", "…"}
    if not found:
        return "…" if "…" in kinds else "empty"
    return found.pop() if len(found) == 1 else "mixed"
