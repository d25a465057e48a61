"""A page moves or retypes a cell before it has heard what was written there.

Yjs cannot move, so the page makes the cell anew with the text that it knows.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from jmcp_lab.notebooks import cells
from jmcp_lab.notebooks.live_notebook import LiveNotebook
from jmcp_lab.rooms.pages import recreated_cells
from jmcp_lab.rooms.pages.recreated_cells import RecreatedCells
from jmcp_lab.text.three_way_merge import Splice

from ...support.files import Files
from ...support.restart_schedules import REMAKING, play, schedule
from ...support.restarts import AGENT, Restarts, of_the_other_type
from .test_long_sleep import shore_of
from .test_rejoin import Shore


def write(notebook: LiveNotebook, start: int, end: int, text: str) -> None:
    cells.edit(notebook, "one", [Splice(start, end, text)], AGENT)


def adds(notebook: LiveNotebook) -> None:
    write(notebook, 3, 3, " more")


def adds_twice(notebook: LiveNotebook) -> None:
    write(notebook, 3, 3, "\nmore")
    write(notebook, 8, 8, "\nand more")


def replaces(notebook: LiveNotebook) -> None:
    write(notebook, 0, 3, "two")


def takes_out(notebook: LiveNotebook) -> None:
    write(notebook, 1, 3, "")


def moves_and_adds(notebook: LiveNotebook) -> None:
    adds(notebook)
    cells.move(notebook, ["one"], 2, AGENT)
    write(notebook, 8, 8, " still")


AGENTS = pytest.mark.parametrize("agent", [adds, adds_twice, replaces, takes_out, moves_and_adds])


def remake(shore: Shore, before: str = "", *, at: int = 0) -> None:
    """Move the cell to a place, or retype it in its own; as JupyterLab does, in one transaction."""
    page = shore.page.notebook
    index = next(n for n, cell in enumerate(page.ycells) if str(cell["id"]) == "one")
    cell = page.get_cell(index)
    cell = cell if at else of_the_other_type(cell)
    with shore.page.ydoc.transaction():
        del page.ycells[index]
        new = page.create_ycell({**cell, "source": before + cell["source"]})
        page.ycells.insert(at or index, new)


@AGENTS
@pytest.mark.parametrize("heard", [False, True])
@pytest.mark.parametrize(
    ("at", "before"), [(1, ""), (0, ""), (0, "## ")], ids=["moves", "retypes", "makes a heading"]
)
async def test_an_agents_text_exists_once(
    tmp_path: Path, agent: Callable[[LiveNotebook], None], heard: bool, at: int, before: str
) -> None:
    shore = await shore_of(tmp_path)
    agent(shore.room.notebook)
    wanted = str(shore.room.notebook.source("one"))
    if heard:
        await shore.settle()
    remake(shore, before, at=at)
    await shore.settle()
    assert shore.room.notebook.source("one") == before + wanted
    assert sorted(shore.room.notebook.ids) == ["one", "two"]
    assert [cell["source"] for cell in shore.room.document.get()["cells"]] == shore.page.texts
    await shore.ends()


@AGENTS
async def test_texts_of_agent_and_person_survive_although_a_page_was_offline(
    tmp_path: Path, agent: Callable[[LiveNotebook], None]
) -> None:
    shore = await shore_of(tmp_path)
    await shore.page.cut()
    shore.page.notebook.ycells[0]["source"].insert(0, "typed ")
    remake(shore, at=1)
    agent(shore.room.notebook)
    wanted = str(shore.room.notebook.source("one"))
    shore.page.connect(shore.room)
    await shore.settle()
    assert shore.room.notebook.source("one") == "typed " + wanted
    assert sorted(shore.room.notebook.ids) == ["one", "two"]
    await shore.ends()


async def test_an_edit_is_kept_when_a_person_undoes_a_move(tmp_path: Path) -> None:
    shore = await shore_of(tmp_path)
    remake(shore, at=1)
    await shore.settle()
    adds(shore.room.notebook)
    wanted = shore.room.notebook.source("one")
    await shore.settle()
    page = shore.page.notebook
    with shore.page.ydoc.transaction():
        del page.ycells[1]
        page.ycells.insert(
            0, page.create_ycell({"id": "one", "cell_type": "code", "source": "one"})
        )
    await shore.settle()
    assert shore.page.texts == [wanted, "two"]
    await shore.ends()


async def test_the_number_of_earlier_texts_is_limited(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    shore = await shore_of(tmp_path)
    seconds = 0.0
    found = RecreatedCells(shore.room.notebook, clock=lambda: seconds)
    for _ in range(2 * recreated_cells.MAX_EDITS):
        adds(shore.room.notebook)
    assert len(found._written["one"].edits) == recreated_cells.MAX_EDITS
    assert found._size == found._written["one"].size
    cells.edit(shore.room.notebook, "two", [Splice(0, 0, "x" * 100)], AGENT)
    monkeypatch.setattr(recreated_cells, "MAX_BYTES", 320)
    cells.edit(shore.room.notebook, "two", [Splice(0, 0, "x")], AGENT)
    assert [*found._written] == ["two"]
    seconds = recreated_cells.KEPT_SECONDS
    found.before_update(b"")
    assert not found._written
    assert not found._size
    await shore.ends()


@pytest.mark.parametrize(
    "steps",
    [
        schedule(
            *(("types", 0, 88, 4), ("agent_moves", 0, 7, 47), ("person_moves", 0, 123, 217)),
            *(("agent_writes", 0, 26, 253), ("speaks", 0, 103, 10), ("person_moves", 0, 48, 212)),
            *(("ends", 0, 0, 0), ("starts", 0, 0, 0)),
            names=REMAKING,
        ),
        schedule(
            *(("agent_writes", 0, 78, 37), ("types", 0, 57, 193), ("person_moves", 0, 45, 246)),
            names=REMAKING,
        ),
        schedule(
            *(("agent_writes", 0, 108, 18), ("types", 0, 108, 21), ("speaks", 0, 76, 89)),
            *(("agent_inserts", 0, 71, 213), ("agent_retypes", 0, 120, 127)),
            *(("ends", 0, 0, 0), ("starts", 0, 0, 0)),
            names=REMAKING,
        ),
    ],
    ids=[
        "both have moved the cell as the server ends",
        "the agent's line comes where the person types",
        "the agent's line comes between what is typed and the end of its line",
    ],
)
async def test_nothing_is_lost_or_duplicated_when_people_move_cells(
    tmp_path: Path, steps: bytes
) -> None:
    world = Restarts(Files(tmp_path), "world")
    # What another person has on its way into a cell that is moved is another matter.
    assert await play(world, steps, REMAKING, people=1) == {}
    await world.end()
