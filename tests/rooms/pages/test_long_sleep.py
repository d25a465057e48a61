"""A page sleeps for hours with something that nobody else has, while an agent works on."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace

import pytest
from pycrdt import YSyncMessageType

from jmcp_lab.notebooks import cells
from jmcp_lab.notebooks.live_notebook import LiveNotebook, agent_origin
from jmcp_lab.rooms.history import document_store
from jmcp_lab.rooms.pages import joining, pages_room
from jmcp_lab.rooms.saving import synced_versions
from jmcp_lab.text.three_way_merge import Splice

from ...support.files import Files
from ...support.program import code_cell
from .test_rejoin import NOTEBOOK, Shore

AGENT = agent_origin("a_1")


async def shore_of(root: Path) -> Shore:
    shore = Shore(Files(root), "a.ipynb", NOTEBOOK)
    found = [code_cell(name, name) for name in ("one", "two")]
    content = {"cells": found, "metadata": {}, "nbformat": 4, "nbformat_minor": 5}
    shore.where.write_text(json.dumps(content))
    await shore.starts()
    return shore


def moves(notebook: LiveNotebook) -> None:
    cells.move(notebook, ["one"], 2, AGENT)


def deletes(notebook: LiveNotebook) -> None:
    cells.delete(notebook, ["one"], AGENT)


def retypes(notebook: LiveNotebook) -> None:
    cells.retype(notebook, "one", "markdown", AGENT)


@pytest.mark.parametrize("agent", [moves, deletes, retypes])
@pytest.mark.parametrize("hours", [(0, 8), (60, 0), (8, 52)], ids=["before", "after", "between"])
async def test_text_typed_before_a_page_slept_for_days_reaches_its_cell(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    agent: Callable[[LiveNotebook], None],
    hours: tuple[int, int],
) -> None:
    shore = await shore_of(tmp_path)
    slept = 0.0

    def clock() -> float:
        return time.monotonic() + slept

    monkeypatch.setattr(pages_room, "time", SimpleNamespace(monotonic=clock))
    shore.room.late._clock = clock
    await shore.page.cut()
    shore.page.notebook.ycells[0]["source"].insert(0, "typed ")
    slept += hours[0] * 3600
    agent(shore.room.notebook)
    slept += hours[1] * 3600
    shore.page.connect(shore.room)
    await shore.settle()
    assert "typed one" in shore.page.texts
    assert sorted(shore.room.notebook.ids) == ["one", "two"]
    assert [cell["source"] for cell in shore.room.document.get()["cells"]] == shore.page.texts
    await shore.ends()


@pytest.mark.parametrize("agent", [moves, deletes, retypes])
@pytest.mark.parametrize("typed", [False, True])
async def test_a_page_that_slept_through_saves_and_a_restart_is_merged(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    agent: Callable[[LiveNotebook], None],
    typed: bool,
) -> None:
    monkeypatch.setattr(document_store, "MAX_FILES", 2)
    monkeypatch.setattr(synced_versions, "MAX_VERSIONS", 1)
    shore = await shore_of(tmp_path)
    await shore.room.autosave.save()
    await shore.settle()
    await shore.page.cut()
    for _ in range(5):
        cells.edit(shore.room.notebook, "two", [Splice(0, 0, "more ")], AGENT)
        await shore.room.autosave.save()
    agent(shore.room.notebook)
    if typed:
        shore.page.notebook.ycells[0]["source"].insert(0, "typed ")
    await shore.ends()
    await shore.starts()
    assert shore.room.copies == []
    assert ("typed one" in shore.page.texts) == typed
    assert ("one" in shore.page.texts) == (agent is not deletes and not typed)
    assert "more more more more more two" in shore.page.texts
    assert [cell["source"] for cell in shore.room.document.get()["cells"]] == shore.page.texts
    await shore.ends()


async def test_text_typed_while_a_page_catches_up_reaches_its_cell(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    shore = await shore_of(tmp_path)
    await shore.ends()
    shore.room = await shore.files.open("a.ipynb", shore.store)
    moves(shore.room.notebook)
    shore.running = asyncio.create_task(shore.room.start())
    await shore.room.ydoc_observed.wait()
    shore.page.connect(shore.room)
    for _ in range(3):
        # It is asked, and answers; what it is told then does not come through.
        await shore.page.speak()
        if shore.page.inbox and shore.page.inbox[0][1] == YSyncMessageType.SYNC_STEP1:
            shore.page.hear()
    now = time.monotonic() + 35
    monkeypatch.setattr(joining, "time", SimpleNamespace(monotonic=lambda: now))
    shore.page.notebook.ycells[0]["source"].insert(0, "typed ")
    await shore.settle()
    assert shore.page.texts == ["two", "typed one"]
    await shore.ends()
