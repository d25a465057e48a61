"""Generates notebooks with any values that JSON can hold, and compares notebooks exactly."""

from __future__ import annotations

import json
import math
from typing import Any

import nbformat
from hypothesis import strategies as st

from jmcp_lab.codec.values import well_formed
from jmcp_lab.files.notebook_files import parsed

Content = dict[str, Any]

HALF = st.sampled_from(["\ud83d", "\udb3d", "\udfff", "\ufffd", "\ufeff", "\x00", "\u2028", "😀"])
TEXT = st.lists(HALF | st.text(max_size=4) | st.sampled_from(["\n", "a b", "\r"]), max_size=4).map(
    lambda parts: json.loads(json.dumps("".join(parts)))
)


def _distinct(found: dict[str, Any]) -> bool:
    """Return whether a shared document can tell the keys apart.

    Keys that differ only in halves of surrogate pairs are the same key in a shared document.
    """
    return len({well_formed(key) for key in found}) == len(found)


INTEGERS = st.integers() | st.sampled_from(
    [
        sign * (1 << bits) + more
        for bits in (0, 31, 53, 63, 64, 1024)
        for sign in (1, -1)
        for more in (-1, 0, 1)
    ]
)
FLOATS = st.floats() | st.sampled_from(
    [0.0, -0.0, 1.0, 1e16, 1e22, 1.989e30, 2.0**53, 2.0**63, 2.0**64, math.nan, math.inf, -math.inf]
)
SCALARS = st.none() | st.booleans() | INTEGERS | FLOATS | TEXT
VALUES = st.recursive(
    SCALARS,
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(TEXT, inner, max_size=3).filter(_distinct)
    ),
    max_leaves=8,
)
DICTS = st.dictionaries(
    st.sampled_from(["x", "y", "tags", "jupyter", "__proto__", ""]) | TEXT, VALUES, max_size=3
).filter(_distinct)
IDS = st.sampled_from(["x y!", "a" * 70, "é", "0", "2"]) | st.text("abc-_", min_size=1, max_size=3)


def _without(cell: Content, keys: list[str]) -> Content:
    return {key: value for key, value in cell.items() if key not in keys}


OUTPUTS = st.one_of(
    st.fixed_dictionaries(
        {"output_type": st.just("stream"), "text": TEXT},
        optional={"name": st.sampled_from(["stdout", "stderr"])},
    ),
    st.fixed_dictionaries(
        {
            "output_type": st.sampled_from(["display_data", "execute_result"]),
            "data": st.dictionaries(
                st.sampled_from(["application/json", "application/vnd.plotly.v1+json"]), VALUES
            ).flatmap(lambda data: TEXT.map(lambda text: data | {"text/plain": text})),
            "metadata": DICTS,
        },
        optional={"execution_count": st.none() | st.integers(0, 9) | st.just(2.0)},
    ),
    st.fixed_dictionaries(
        {
            "output_type": st.just("error"),
            "ename": TEXT,
            "evalue": TEXT,
            "traceback": st.lists(TEXT, max_size=2),
        }
    ),
)

EXTRA = st.dictionaries(st.sampled_from(["foo", "execution_state", "cell"]), VALUES, max_size=1)

CODE = st.fixed_dictionaries(
    {
        "cell_type": st.just("code"),
        "source": TEXT,
        "metadata": DICTS,
        "outputs": st.lists(OUTPUTS, max_size=3),
        "execution_count": st.none() | st.integers(0, 99) | st.just(3.0),
    }
)
TEXTS = st.fixed_dictionaries(
    {
        "cell_type": st.sampled_from(["markdown", "raw", "sql"]),
        "source": TEXT,
        "metadata": DICTS,
    },
    optional={
        "attachments": st.dictionaries(
            TEXT, st.dictionaries(st.just("image/png"), TEXT), max_size=5
        ).filter(_distinct)
    },
)
CELLS = st.builds(
    lambda cell, extra, gone, cell_id: _without(extra | cell | {"id": cell_id}, gone),
    CODE | TEXTS,
    EXTRA,
    st.lists(st.sampled_from(["metadata", "outputs", "source", "execution_count"]), max_size=1),
    IDS,
)


@st.composite
def notebooks(draw: st.DrawFn) -> Content:
    """Draw the content of a notebook file."""
    minor = draw(st.sampled_from([0, 2, 4, 5, 5, 5.0]))
    cells = draw(st.lists(CELLS, max_size=4, unique_by=lambda cell: cell["id"]))
    if minor < 5:
        cells = [_without(cell, ["id"]) for cell in cells]
    known = draw(
        st.sampled_from([{}, {"kernelspec": {"name": "python3", "display_name": "Python 3"}}])
    )
    content = draw(st.dictionaries(st.sampled_from(["foo", "comments"]), VALUES, max_size=1))
    content |= {"cells": cells, "nbformat": 4, "nbformat_minor": minor}
    content["metadata"] = draw(DICTS) | known
    return _without(content, draw(st.lists(st.just("metadata"), max_size=1)))


def said(text: str) -> Content:
    """Return the content of a notebook file, read without jmcp_lab if possible."""
    try:
        found: Content = nbformat.reads(text, 4)
    except Exception:
        return parsed(text)
    return found


def exact(value: object) -> object:
    """Return a value that equals only the same JSON, including the types of numbers."""
    if isinstance(value, dict):
        return {key: exact(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [exact(item) for item in value]
    return repr(value)


def same(content: Content, *, ids: bool = True) -> object:
    """Return the parts of a notebook that must stay the same.

    ``trusted`` is not part of the file.
    """
    cells = []
    for cell in content["cells"]:
        kept = dict(cell) if ids else _without(cell, ["id"])
        if "metadata" in kept:
            kept["metadata"] = _without(kept["metadata"], ["trusted"])
        cells.append(kept)
    return exact({**content, "cells": cells})
