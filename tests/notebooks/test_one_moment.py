"""What is saved of a notebook is what it says at one moment, however much comes and goes."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pycrdt import Text

from jmcp_lab.notebooks import cells
from jmcp_lab.notebooks import prepared_update as ahead_module
from jmcp_lab.notebooks.live_notebook import LiveNotebook
from jmcp_lab.notebooks.notebook_document import NotebookDocument
from jmcp_lab.notebooks.one_moment import content_at_one_moment

NAMES = [f"c{number:02}" for number in range(12)]


@pytest.fixture(autouse=True)
def few(monkeypatch: pytest.MonkeyPatch) -> None:
    """Read in slices also what is soon read: notebooks are small here."""
    monkeypatch.setattr(ahead_module, "SLICE", 2)


def opened(minor: int) -> LiveNotebook:
    document = NotebookDocument()
    made: list[dict[str, Any]] = [
        {
            "cell_type": "code",
            "metadata": {"n": [1.0, 2**60, 1e400]},
            "source": f"é {name}\n",
            "outputs": [{"output_type": "stream", "name": "stdout", "text": f"{name}\n"}],
            "execution_count": 1,
            **({"id": name} if minor >= 5 else {}),
        }
        for name in NAMES
    ]
    document.set({"nbformat": 4, "nbformat_minor": minor, "metadata": {"a": 1}, "cells": made})
    return LiveNotebook(document, lambda: "a.ipynb", "file")


def change(notebook: LiveNotebook, kind: str, first: int, second: int) -> None:
    ids = notebook.ids
    if len(ids) < 2:
        return
    one = ids[first % len(ids)]
    if kind == "type":
        text: Text = cells.shared(notebook, one)["source"]
        text.insert(0, "x")
    elif kind == "delete":
        cells.delete(notebook, [one], "page")
    elif kind == "move":
        cells.move(notebook, [one], second % len(ids), "page")
    elif kind == "insert":
        cells.insert(notebook, second % len(ids), [cells.NewCell(f"new {first}")], "page")
    elif kind == "clear":
        cells.clear_outputs(notebook, [one], "page")
    else:
        cells.shared(notebook, one)["metadata"]["tag"] = float(second)


KINDS = st.sampled_from(["type", "delete", "move", "insert", "clear", "tag"])
CHANGES = st.lists(st.tuples(KINDS, st.integers(0, 20), st.integers(0, 20)), max_size=8)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(changes=CHANGES, minor=st.sampled_from([4, 5]))
def test_a_save_contains_the_document_at_one_moment(
    changes: list[tuple[str, int, int]], minor: int
) -> None:
    notebook = opened(minor)

    async def others() -> None:
        for each in changes:
            await asyncio.sleep(0)
            change(notebook, *each)

    async def both() -> None:
        task = asyncio.create_task(others())
        found = await content_at_one_moment(notebook)
        assert found == notebook.document.get()
        await task

    asyncio.run(both())


def test_of_two_cells_with_one_id_the_one_in_the_document_is_saved() -> None:
    notebook = opened(5)
    again = cells.whole(notebook, NAMES[3])
    cells.insert_whole(notebook, 0, again, "page")
    assert notebook.doubled
    found = asyncio.run(content_at_one_moment(notebook))
    assert [cell["id"] for cell in found["cells"]] == [NAMES[3], *NAMES[:3], *NAMES[4:]]
