"""Programs that know nothing of Jupyter rewrite a notebook's file while people and agents work.

A checkout, a formatter, an agent's own shell: each reads the whole file and writes all of it, in
its own way, while what people typed is not saved yet and a request of an agent waits.
"""

from __future__ import annotations

import asyncio
import json
import os
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import count
from typing import Any

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from jmcp_lab.notebooks import cells
from jmcp_lab.notebooks.changes import Deleted, Edited
from jmcp_lab.notebooks.live_notebook import agent_origin
from jmcp_lab.text.three_way_merge import MergeConflict, merge, splice

from ..support.files import Files
from ..support.program import text_of
from ..support.world import FILE, World
from .pages.test_schedules import AGENTS, PEOPLE, act

STEPS = (
    *(["types"] * 6),
    *(["erases", "inserts_cell", "deletes_cell", "moves_cell"]),
    *(["to_server"] * 5),
    *(["to_page"] * 3),
    *(["reads", "reads", "overwrites", "agent_inserts"]),
    *(["asks", "asks", "asks_to_delete", "answers", "answers", "answers"]),
    *(["formats", "formats", "checks_out", "checks_out", "edits_in_a_shell", "edits_in_a_shell"]),
    *(["looks", "looks", "looks", "starts_saving", "saves"]),
)

OUTSIDE = {"formats", "checks_out", "edits_in_a_shell"}

NUMBERS = count()

Change = Callable[[dict[str, Any]], None]


@dataclass(frozen=True)
class Card:
    """A request that waits: what the agent knew of a cell, and what it wants of it."""

    agent: str
    cell_id: str
    known: str
    wanted: str | None


class Outside(World):
    """A world in which other programs rewrite the file, and cards wait."""

    def __init__(self, files: Files, folder: str) -> None:
        super().__init__(files, folder)
        self.cards: list[Card] = []
        self.versions: list[str] = []

    async def start(self) -> None:
        await super().start()
        self.commit()

    def commit(self) -> None:
        self.versions.append(self.where.read_text())

    # -- other programs --------------------------------------------------------------------------

    def formats(self, cell: int, at: int) -> None:
        """Write every code cell anew, in place and with one-line sources, as a formatter may."""

        def change(content: dict[str, Any]) -> None:
            for found in content["cells"]:
                lines = "".join(found["source"]).split("\n")
                spaced = [line.rstrip(" ") + " " * (at % 3) for line in lines]
                found["source"] = "\n".join(spaced)

        self.write_in_place(change, indent=None)

    def edits_in_a_shell(self, cell: int, at: int) -> None:
        """Change one cell, as an agent does with a script of its own."""
        self.program.number += 1

        def change(content: dict[str, Any]) -> None:
            if content["cells"]:
                found = content["cells"][cell % len(content["cells"])]
                lines = "".join(found["source"]).split("\n")
                lines.insert(at % (len(lines) + 1), self.program.syllable(found["id"]))
                found["source"] = "\n".join(lines).splitlines(keepends=True)

        self.write_in_place(change, indent=1)

    def write_in_place(self, change: Change, *, indent: int | None) -> None:
        self.commit()
        content = json.loads(self.versions[-1])
        change(content)
        changed = self.where.stat().st_mtime_ns + 10**9
        self.where.write_text(json.dumps(content, indent=indent, sort_keys=bool(indent)))
        os.utime(self.where, ns=(changed, changed))
        self.note_outside()

    def checks_out(self, cell: int, at: int) -> None:
        """Put an earlier version in the place of the file: newer, or older than it by its time."""
        self.commit()
        wanted = self.versions[-1 - at % len(self.versions)]
        self.program.number += 1
        self.program.write(json.loads(wanted), older=cell % 2 == 1)
        self.note_outside()

    def note_outside(self) -> None:
        gone = set(text_of(self.versions[-1])) - set(text_of(self.where.read_text()))
        self.deleted_outside.update(gone)

    # -- cards -----------------------------------------------------------------------------------

    def asks(self, agent: str, cell: int, at: int) -> None:
        """Ask to change a cell: what is shown is made of what is there now."""
        if (cell_id := self.pick(cell)) is not None:
            self.number += 1
            known = self.seen.text(agent, FILE, cell_id)
            base = str(self.nb.source(cell_id)) if known is None else known
            lines = base.split("\n")
            lines.insert(at % (len(lines) + 1), f"card{self.number}")
            self.cards.append(Card(agent, cell_id, base, "\n".join(lines)))

    def asks_to_delete(self, agent: str, cell: int, at: int) -> None:
        cell_id = self.pick(cell)
        if cell_id is not None and self.fresh(agent, cell_id):
            self.cards.append(Card(agent, cell_id, str(self.nb.source(cell_id)), None))

    def answers(self, agent: str, cell: int, at: int) -> None:
        """Allow a request that waits; it is resolved again at that moment."""
        if not self.cards:
            return
        card = self.cards.pop(cell % len(self.cards))
        present = self.nb.source(card.cell_id)
        if present is None:
            return
        origin = agent_origin(card.agent)
        if card.wanted is None:
            # The card shows the text; another one would be another request.
            if present == card.known:
                content = cells.whole(self.nb, card.cell_id)
                places = cells.neighbours(self.nb, card.cell_id)
                cells.delete(self.nb, [card.cell_id], origin)
                self.record(card.agent, Deleted(card.cell_id, content, *places))
            return
        try:
            result = splice(present, merge(card.known, card.wanted, present))
        except MergeConflict:
            return
        if result != present:
            cells.edit(self.nb, card.cell_id, merge(present, result, present), origin)
            self.record(card.agent, Edited(card.cell_id, present, result))
        self.saw(card.agent, card.cell_id)


async def play(files: Files, schedule: bytes) -> Outside:
    world = Outside(files, f"outside{next(NUMBERS)}")
    await world.start()
    for at in range(0, len(schedule) - 2, 3):
        what, who, where = schedule[at : at + 3]
        name = STEPS[what % len(STEPS)]
        if name in OUTSIDE:
            getattr(world, name)(who // 2, where)
        elif name in ("asks", "asks_to_delete", "answers"):
            getattr(world, name)(AGENTS[who % 2], who // 2, where)
        else:
            await act(world, name, who % 2, who // 2, where)
        await asyncio.sleep(0)
        world.check_ids()
    await world.check()
    await world.end()
    return world


def schedule(*steps: tuple[str, int, int, int]) -> bytes:
    """Return the bytes of a schedule that is written by name: step, actor, cell, place."""
    return b"".join(
        bytes((STEPS.index(name), actor + 2 * cell, where)) for name, actor, cell, where in steps
    )


@pytest.fixture(scope="module")
def played(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Callable[[bytes], Outside]]:
    with pytest.MonkeyPatch.context() as patch, asyncio.Runner() as runner:
        patch.setattr("os.fsync", lambda _file: None)
        files = Files(tmp_path_factory.mktemp("outside"))
        yield lambda steps: runner.run(play(files, steps))


@pytest.mark.timeout(900)
@given(steps=st.binary(max_size=90))
@settings(
    max_examples=400,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
)
# Each of the programs, during typing that is not saved and with a card that waits.
@example(
    steps=schedule(
        *(("types", 0, 0, 1), ("asks", 0, 0, 2), ("to_server", 0, 0, 0), ("formats", 0, 0, 1)),
        *(("looks", 0, 0, 0), ("types", 0, 0, 3), ("answers", 0, 0, 0)),
    )
)
@example(
    steps=schedule(
        *(("types", 0, 0, 1), ("to_server", 0, 0, 0), ("saves", 0, 0, 0), ("types", 0, 2, 0)),
        *(("asks", 0, 2, 0), ("to_server", 0, 0, 0), ("checks_out", 0, 0, 1)),
        *(("answers", 0, 0, 0), ("looks", 0, 0, 0)),
    )
)
# A cell that a page moves with what it has just typed there, of which a program rewrote each line.
@example(
    steps=schedule(
        *(("formats", 0, 0, 1), ("looks", 0, 0, 0), ("types", 0, 0, 60)),
        *(("types", 1, 0, 104), ("moves_cell", 1, 0, 0)),
    )
)
@example(
    steps=schedule(
        *(("types", 0, 1, 0), ("asks_to_delete", 0, 1, 0), ("edits_in_a_shell", 0, 1, 0)),
        *(("answers", 0, 0, 0), ("to_server", 0, 0, 0), ("looks", 0, 0, 0)),
    )
)
def test_a_program_that_rewrites_the_file_loses_nobodys_text(
    played: Callable[[bytes], Outside], steps: bytes
) -> None:
    played(steps)


def test_every_step_exists_in_the_world() -> None:
    ours = {*OUTSIDE, *PEOPLE, "asks", "asks_to_delete", "answers"}
    assert all(hasattr(Outside, name) for name in {*STEPS, *ours})
