"""One person types into a cell that another person moves or retypes, and hears of that later."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from pathlib import Path

import pytest

from jmcp_lab.notebooks import cells

from ...support.distant_page import Page
from ...support.restarts import AGENT
from .test_long_sleep import shore_of
from .test_recreated_cells import remake
from .test_rejoin import Shore


async def settle(shore: Shore, *pages: Page) -> None:
    for _ in range(50):
        await asyncio.sleep(0)
        for page in pages:
            await page.speak()
            page.hear()


def moves(shore: Shore) -> None:
    remake(shore, at=1)


def retypes(shore: Shore) -> None:
    remake(shore)


def moves_twice(shore: Shore) -> None:
    remake(shore, at=1)
    page = shore.page.notebook
    cell = page.get_cell(1)
    with shore.page.ydoc.transaction():
        del page.ycells[1]
        page.ycells.insert(0, page.create_ycell(cell))


def types_and_moves(shore: Shore) -> None:
    shore.page.notebook.ycells[0]["source"].insert(3, " mine")
    remake(shore, at=1)


@pytest.mark.parametrize("mover", [moves, retypes, moves_twice, types_and_moves])
@pytest.mark.parametrize("offline", [True, False])
@pytest.mark.parametrize("agent", [True, False], ids=["an agent moves it as well", "no agent"])
async def test_text_typed_into_a_cell_that_another_person_moves_follows_it(
    tmp_path: Path, mover: Callable[[Shore], None], offline: bool, agent: bool
) -> None:
    shore, other = await shore_of(tmp_path), Page()
    other.connect(shore.room)
    await settle(shore, shore.page, other)
    if offline:
        await other.cut()
    other.notebook.ycells[0]["source"].insert(0, "typed ")
    mover(shore)
    await settle(shore, shore.page)
    if agent:
        cells.move(shore.room.notebook, ["one"], 0, AGENT)
    if offline:
        other.connect(shore.room)
    await settle(shore, shore.page, other)
    wanted = "typed one mine" if mover is types_and_moves else "typed one"
    assert sorted(shore.page.texts) == sorted([wanted, "two"])
    assert other.texts == shore.page.texts
    assert sorted(shore.room.notebook.ids) == ["one", "two"]
    await other.cut()
    await shore.ends()


async def test_a_cell_deleted_by_another_person_stays_deleted(tmp_path: Path) -> None:
    shore, other = await shore_of(tmp_path), Page()
    other.connect(shore.room)
    await settle(shore, shore.page, other)
    other.notebook.ycells[0]["source"].insert(0, "typed ")
    del shore.page.notebook.ycells[0]
    await settle(shore, shore.page)
    await settle(shore, shore.page, other)
    assert shore.page.texts == other.texts == ["two"]
    await other.cut()
    await shore.ends()
