"""Plays an open notebook with two pages and two agents, and tracks each character.

Nothing is delivered automatically: changes of a page stay in transit until a step delivers them to
the server, and changes of the server until a step delivers them to the page. Every character that a
person types is unique, so the test can find out at the end where it is.

The room, the loader of its file and the contents manager are the real ones of the server. Another
program writes the file whenever a step says so. It may remove what it finds in the file, and may
restore an earlier content of the file. It cannot remove what a page has and the file does not have
yet. The characters that it writes are unique too, and must not be lost either.
"""

from __future__ import annotations

import asyncio
import json
import shutil
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

import nbformat
from pycrdt import TransactionEvent

from jmcp_lab.errors import ConflictError
from jmcp_lab.notebooks import cells
from jmcp_lab.notebooks.changes import (
    Change,
    Changes,
    ChangeSet,
    Cleared,
    Deleted,
    Edited,
    Inserted,
    Moved,
    Retyped,
)
from jmcp_lab.notebooks.live_notebook import agent_origin
from jmcp_lab.notebooks.snapshots import AgentSnapshots
from jmcp_lab.notebooks.undo import revert
from jmcp_lab.text.three_way_merge import MergeConflict, merge, splice

from .program import Program, code_cell, comparable
from .replica import Replica, as_a_page_has_it

if TYPE_CHECKING:
    from .files import Files

FIRST_TYPED = 0x4E00
"""First of the Chinese characters that people type; agents write ASCII, which tells them apart."""

FILE = "file-1"


def human(text: str) -> list[str]:
    """Return the characters of a text that people typed."""
    return [character for character in text if ord(character) >= FIRST_TYPED]


class World:
    """One notebook in a folder of its own."""

    def __init__(self, files: Files, folder: str) -> None:
        self.files = files
        self.folder = folder
        self.changes = Changes()
        self.seen = AgentSnapshots()
        self.number = 0
        self.seconds = 0.0
        self.deleted_by_people: set[str] = set()
        self.cells_deleted_by_people: set[str] = set()
        self.deleted_outside: set[str] = set()
        self.typed: dict[str, str] = {}
        self.sets: list[ChangeSet] = []
        self.removals: set[str] = set()
        self.path = f"{folder}/0.ipynb"
        self.program = Program(lambda: self.where)
        self.saving: asyncio.Task[bool] | None = None

    async def start(self) -> None:
        (self.files.root / self.folder).mkdir()
        sources = ["a\nb\nc", "", "d"]
        cells = [code_cell(f"c{n}", text) for n, text in enumerate(sources)]
        self.program.write({"cells": cells, "metadata": {}, "nbformat": 4, "nbformat_minor": 5})
        await self._load()

    async def end(self) -> None:
        await self.files.close(self.room)
        shutil.rmtree(self.files.root / self.folder)

    async def _load(self) -> None:
        self.room = await self.files.open(self.path)
        self.nb, self.late = self.room.notebook, self.room.late
        # The room always has a page.
        self.room._pages.add(cast("Any", self))
        self.late._clock = lambda: self.seconds
        state = self.nb.ydoc.get_update()
        self.pages = [Replica(state), Replica(state)]
        self.subscription = self.nb.ydoc.observe(self._broadcast)

    def _broadcast(self, event: TransactionEvent) -> None:
        for page in self.pages:
            page.inbox.append(event.update)

    # -- delivery ------------------------------------------------------------------------------

    def to_server(self, page: Replica) -> None:
        if page.out:
            update = page.out.pop(0)
            self.late.before_update(update)
            self.nb.ydoc.apply_update(update)
            self.late.after_update()

    def reconnects(self, page: Replica) -> None:
        """Reconnect: messages in transit are lost, and each side sends what the other one lacks."""
        page.out.clear()
        page.inbox.clear()
        theirs, ours = self.nb.ydoc.get_state(), page.ydoc.get_state()
        page.out.append(page.ydoc.get_update(theirs))
        page.inbox.append(self.nb.ydoc.get_update(ours))
        self.to_server(page)

    def to_page(self, page: Replica) -> None:
        if page.inbox:
            page.hear(page.inbox.pop(0))

    def settle(self) -> None:
        while any(page.out or page.inbox for page in self.pages):
            for page in self.pages:
                self.to_server(page)
                self.to_page(page)

    # -- what people do ------------------------------------------------------------------------

    def types(self, page: Replica, cell: int, at: int) -> None:
        found = page.notebook.ycells
        if not len(found):
            return
        self.number += 1
        character = chr(FIRST_TYPED + self.number)
        ycell = found[cell % len(found)]
        text = ycell["source"]
        present = str(text)
        offset = len(present[: at % (len(present) + 1)].encode())
        text.insert(offset, character)
        self.typed[character] = str(ycell["id"])

    def erases(self, page: Replica, cell: int, at: int) -> None:
        found = page.notebook.ycells
        if not len(found):
            return
        text = found[cell % len(found)]["source"]
        present = str(text)
        if not present:
            return
        start = at % len(present)
        first = len(present[:start].encode())
        last = first + len(present[start].encode())
        self.deleted_by_people.update(human(present[start]))
        del text[first:last]

    def inserts_cell(self, page: Replica, cell: int, at: int) -> None:
        self.number += 1
        character = chr(FIRST_TYPED + self.number)
        found = page.notebook.ycells
        content = code_cell(f"p{self.number}", character)
        found.insert(at % (len(found) + 1), page.notebook.create_ycell(content))
        self.typed[character] = content["id"]

    def deletes_cell(self, page: Replica, cell: int, at: int) -> None:
        found = page.notebook.ycells
        if len(found) > 1:
            gone = found[cell % len(found)]
            self.deleted_by_people.update(human(str(gone["source"])))
            self.cells_deleted_by_people.add(str(gone["id"]))
            del found[cell % len(found)]

    def moves_cell(self, page: Replica, cell: int, at: int) -> None:
        """Move a cell as JupyterLab does: delete and recreate it."""
        found = page.notebook.ycells
        if len(found) > 1:
            index = cell % len(found)
            content = page.notebook.get_cell(index)
            # The pages themselves lose changes of the old cell that are in transit.
            self.cells_deleted_by_people.add(content["id"])
            with page.ydoc.transaction():
                del found[index]
                found.insert(at % (len(found) + 1), page.notebook.create_ycell(content))

    # -- what agents do, by the rules of their tools ---------------------------------------------

    def pick(self, cell: int) -> str | None:
        return self.nb.ids[cell % len(self.nb.ids)] if self.nb.ids else None

    def record(self, agent: str, *changes: Change) -> None:
        self.number += 1
        made = ChangeSet(f"call{self.number}", agent, FILE, list(changes))
        self.changes.add(made)
        if changes:
            self.sets.append(made)

    def saw(self, agent: str, cell_id: str) -> None:
        self.seen.note(agent, FILE, cell_id, str(self.nb.source(cell_id)))

    def fresh(self, agent: str, cell_id: str) -> bool:
        known = self.seen.text(agent, FILE, cell_id)
        if known is not None and known != self.nb.source(cell_id):
            self.saw(agent, cell_id)
            return False
        return True

    def reads(self, agent: str, cell: int, at: int) -> None:
        if (cell_id := self.pick(cell)) is not None:
            self.saw(agent, cell_id)

    def agent_inserts(self, agent: str, cell: int, at: int) -> None:
        self.number += 1
        new = cells.NewCell(f"new{self.number}", "code", f"n{self.number}")
        cells.insert(self.nb, at % (len(self.nb.ids) + 1), [new], agent_origin(agent))
        self.saw(agent, new.id)
        self.record(agent, Inserted(new.id, cells.whole(self.nb, new.id)))

    def overwrites(self, agent: str, cell: int, at: int) -> None:
        """Write a change of the text that the agent last saw, however old it is."""
        cell_id = self.pick(cell)
        if cell_id is None:
            return
        present = str(self.nb.source(cell_id))
        known = self.seen.text(agent, FILE, cell_id)
        base = present if known is None else known
        self.number += 1
        lines = base.split("\n")
        line = at % len(lines)
        if at % 3 == 0:
            lines.insert(line, f"line{self.number}")
        elif at % 3 == 1 or human(lines[line]):
            lines[line] += f" x{self.number}"
        else:
            del lines[line]
        try:
            splices = merge(base, "\n".join(lines), present)
        except MergeConflict:
            self.saw(agent, cell_id)
            return
        result = splice(present, splices)
        if result != present:
            cells.edit(self.nb, cell_id, merge(present, result, present), agent_origin(agent))
            self.record(agent, Edited(cell_id, present, result))
        self.saw(agent, cell_id)

    def agent_deletes(self, agent: str, cell: int, at: int) -> None:
        cell_id = self.pick(cell)
        if cell_id is None or not self.fresh(agent, cell_id):
            return
        content = cells.whole(self.nb, cell_id)
        gone = Deleted(cell_id, content, *cells.neighbours(self.nb, cell_id))
        cells.delete(self.nb, [cell_id], agent_origin(agent))
        self.record(agent, gone)

    def agent_moves(self, agent: str, cell: int, at: int) -> None:
        cell_id = self.pick(cell)
        if cell_id is None or not self.fresh(agent, cell_id):
            return
        moved = Moved(cell_id, *cells.neighbours(self.nb, cell_id))
        cells.move(self.nb, [cell_id], at % (len(self.nb.ids) + 1), agent_origin(agent))
        self.record(agent, moved)

    def moves_often(self, agent: str, cell: int, at: int) -> None:
        for step in range(71):
            self.agent_moves(agent, cell, at + step)

    def retypes(self, agent: str, cell: int, at: int) -> None:
        cell_id = self.pick(cell)
        if cell_id is None:
            return
        before = cells.whole(self.nb, cell_id)
        new = "markdown" if before["cell_type"] == "code" else "code"
        cells.retype(self.nb, cell_id, new, agent_origin(agent))
        self.record(agent, Retyped(cell_id, before, new))

    def clears(self, agent: str, cell: int, at: int) -> None:
        cell_id = self.pick(cell)
        if cell_id is None:
            return
        whole = cells.whole(self.nb, cell_id)
        if whole.get("outputs"):
            cells.clear_outputs(self.nb, [cell_id], agent_origin(agent))
            self.record(agent, Cleared(cell_id, whole["outputs"], whole["execution_count"]))

    def undoes(self, agent: str, cell: int, at: int) -> None:
        """Undo one of the agent's last three calls, which may be an undo itself."""
        mine = [made for made in self.sets if made.agent_id == agent and not made.undone]
        if not mine:
            return
        made = mine[-1 - at % min(len(mine), 3)]
        try:
            redo = revert(self.nb, made, agent_origin(agent))
        except ConflictError:
            return
        made.undone = True
        self.record(agent, *redo)
        if any(isinstance(change, Inserted) for change in made.changes):
            # If somebody wrote into the inserted cell, the undo removes its text as an edit.
            self.removals.add(f"call{self.number}")
        for change in made.changes:
            if self.nb.source(change.cell_id) is not None:
                self.saw(agent, change.cell_id)

    # -- the file ------------------------------------------------------------------------------

    @property
    def where(self) -> Path:
        return self.files.root / self.path

    def rewrites(self, cell: int, at: int) -> None:
        self.deleted_outside.update(self.program.rewrites(cell, at))

    async def looks(self) -> None:
        """Check whether the file has changed, as the server does every second."""
        await self.room._file.maybe_notify()

    async def renames(self, cell: int, at: int) -> None:
        self.number += 1
        old, self.path = self.path, f"{self.folder}/{self.number}.ipynb"
        await self.files.rename(old, self.path)

    def starts_saving(self, cell: int, at: int) -> None:
        """Start to save while other steps happen."""
        if self.saving is None or self.saving.done():
            self.saving = asyncio.create_task(self.files.upstream.save(self.room))

    async def saves(self) -> dict[str, Any]:
        """Save the notebook, and return the content of the file."""
        if self.saving is not None:
            await self.saving
        assert await self.files.upstream.save(self.room)
        content: dict[str, Any] = json.loads(self.where.read_text())
        nbformat.validate(content)
        assert [cell["id"] for cell in content["cells"]] == self.nb.ids
        return content

    async def reopens(self) -> None:
        """Close and reopen the room, after pages have delivered everything and left."""
        self.settle()
        await self.saves()
        await self.files.close(self.room)
        await self._load()

    # -- what must be true ---------------------------------------------------------------------

    def check_ids(self) -> None:
        ids = [str(cell["id"]) for cell in self.nb.ycells]
        assert self.nb.ids == ids
        assert len(set(ids)) == len(ids), ids

    async def check(self) -> None:
        self.settle()
        await self.saves()
        # Changes that the save merged from the file have to reach the pages too.
        self.settle()
        self.check_ids()
        content = self.nb.document.get()
        assert comparable(nbformat.read(self.where, 4)) == comparable(content)
        there = [path.name for path in self.where.parent.glob("*.ipynb")]
        assert there == [self.where.name], "an old name is back"
        for page in self.pages:
            assert page.notebook.get() == as_a_page_has_it(self.nb.ydoc)
        counted = Counter(human("".join(cell["source"] for cell in content["cells"])))
        assert all(times == 1 for times in counted.values()), counted
        kept = self.kept_by_change_sets()
        for character, cell_id in (self.typed | self.program.written).items():
            assert (
                character in counted
                or character in self.deleted_by_people
                or cell_id in self.cells_deleted_by_people
                or character in self.deleted_outside
                or character in kept
            ), f"{character} of {cell_id} is lost"

    def kept_by_change_sets(self) -> set[str]:
        """Return the characters that an undo would restore."""
        kept: set[str] = set()
        for made in self.sets:
            for change in () if made.undone else made.changes:
                if isinstance(change, Deleted):
                    kept.update(human(change.content["source"]))
                elif isinstance(change, Edited) and made.call_id in self.removals:
                    kept.update(set(human(change.before)) - set(human(change.after)))
        return kept
