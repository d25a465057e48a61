"""Metadata and attachments of a cell that a person and another program change, each in its way."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from ...support.files import Files
from .test_rejoin import NOTEBOOK, Shore

Cell = dict[str, Any]

IMAGE = {"image/png": "iVBORw0KGgo="}

CELL: Cell = {"id": "m", "cell_type": "markdown", "source": "text", "metadata": {"n": 1}}

CHANGES: dict[str, Cell] = {
    "an image": {"attachments": {"a.png": IMAGE}, "source": "text ![a](attachment:a.png)"},
    "another image": {"attachments": {"b.png": IMAGE}},
    "a tag": {"metadata": {"n": 1, "tags": ["slide"]}},
    "another number": {"metadata": {"n": 2, "x": 3}},
    "another type": {"cell_type": "raw"},
}

PEOPLE = pytest.mark.parametrize("person", CHANGES)
PROGRAMS = pytest.mark.parametrize("program", CHANGES)


@PEOPLE
@PROGRAMS
@pytest.mark.parametrize("runs", [True, False], ids=["a server runs", "no server runs"])
async def test_a_cell_keeps_the_changes_of_both_sides(
    tmp_path: Path, person: str, program: str, runs: bool
) -> None:
    shore = Shore(Files(tmp_path), "a.ipynb", NOTEBOOK)
    content = {"cells": [CELL], "metadata": {}, "nbformat": 4, "nbformat_minor": 5}
    shore.where.write_text(json.dumps(content))
    await shore.starts()
    if not runs:
        await shore.ends()
    page = shore.page.notebook
    made = page.create_ycell(CELL | CHANGES[person])
    with shore.page.ydoc.transaction():
        # As JupyterLab's own ways do in the end: what counts is what the cell has.
        page.ycells[0] = made
    if runs:
        await shore.settle()
    shore.where.write_text(json.dumps(content | {"cells": [CELL | CHANGES[program]]}))
    await (shore.room._file.maybe_notify() if runs else shore.starts())
    await shore.settle()
    await shore.room.autosave.save()
    (cell,) = json.loads(shore.where.read_text())["cells"]
    for change in (CHANGES[person], CHANGES[program]):
        assert {*change.get("attachments", {})} <= {*cell.get("attachments", {})}
        assert {*change.get("metadata", {})} <= {*cell["metadata"]}
    number = CHANGES[person].get("metadata", CELL["metadata"])["n"]
    other = CHANGES[program].get("metadata", CELL["metadata"])["n"]
    assert cell["metadata"]["n"] in {number, other}
    assert ("![a]" in "".join(cell["source"])) == ("a.png" in cell.get("attachments", {}))
    assert page.get()["cells"][0]["metadata"] == cell["metadata"]
    await shore.ends()
