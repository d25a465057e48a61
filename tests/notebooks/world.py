"""A notebook in memory with two pages and two agents, and what happened to each character.

Nothing is delivered by itself: what a page does is on its way until a step brings it to the
server, and the other way round. Every character that a person types is unique, so that it can be
asked at the end where it is.
"""

from __future__ import annotations

import warnings
from collections import Counter
from typing import Any

import nbformat
from jupyter_ydoc import YNotebook
from pycrdt import Doc, TransactionEvent

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
    revert,
)
from jmcp_lab.notebooks.late import LateTyping
from jmcp_lab.notebooks.live import LiveNotebook, agent_origin
from jmcp_lab.notebooks.merge import MergeConflict, merge, splice
from jmcp_lab.notebooks.seen import Seen

FIRST_TYPED = 0x4E00
"""People type Chinese characters, agents ASCII: so it shows who wrote what."""

FILE = "file-1"


def human(text: str) -> list[str]:
    """Return the characters of a text that people typed."""
    return [character for character in text if ord(character) >= FIRST_TYPED]


class Replica:
    """A page: what it does waits in `out`, what it has yet to hear in `inbox`."""

    def __init__(self, state: bytes) -> None:
        self.ydoc: Doc[Any] = Doc()
        self.ydoc.apply_update(state)
        self.notebook = YNotebook(self.ydoc)
        self.out: list[bytes] = []
        self.inbox: list[bytes] = []
        self._hearing = False
        self.subscription = self.ydoc.observe(self._on_update)

    def _on_update(self, event: TransactionEvent) -> None:
        if not self._hearing:
            self.out.append(event.update)

    def hear(self, update: bytes) -> None:
        self._hearing = True
        try:
            self.ydoc.apply_update(update)
        finally:
            self._hearing = False


class World:
    """One notebook's life."""

    def __init__(self) -> None:
        self.changes = Changes()
        self.seen = Seen()
        self.number = 0
        self.deleted_by_people: set[str] = set()
        self.cells_deleted_by_people: set[str] = set()
        self.typed: dict[str, str] = {}
        self.sets: list[ChangeSet] = []
        sources = ["a\nb\nc", "", "d"]
        self._load([self.content(f"c{n}", text) for n, text in enumerate(sources)])

    @staticmethod
    def content(cell_id: str, source: str) -> dict[str, Any]:
        return {
            "id": cell_id,
            "cell_type": "code",
            "source": source,
            "metadata": {},
            "outputs": [{"output_type": "stream", "name": "stdout", "text": "out\n"}],
            "execution_count": 1,
        }

    def _load(self, contents: list[dict[str, Any]]) -> None:
        document = YNotebook()
        document.set({"cells": contents, "metadata": {}, "nbformat": 4, "nbformat_minor": 5})
        self.nb = LiveNotebook(document, lambda: "a.ipynb", FILE)
        self.news: list[str] = []
        self.late = LateTyping(self.nb, lambda: True, self.news.append)
        state = self.nb.ydoc.get_update()
        self.pages = [Replica(state), Replica(state)]
        self._from: Replica | None = None
        self.subscription = self.nb.ydoc.observe(self._broadcast)

    def _broadcast(self, event: TransactionEvent) -> None:
        for page in self.pages:
            page.inbox.append(event.update)

    # -- delivery ------------------------------------------------------------------------------

    def to_server(self, page: Replica) -> None:
        if page.out:
            update = page.out.pop(0)
            self.late.feed(update)
            self.nb.ydoc.apply_update(update)
            self.late.settle()

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
        content = self.content(f"p{self.number}", character)
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
        """Move as JupyterLab does: the cell is deleted and made anew."""
        found = page.notebook.ycells
        if len(found) > 1:
            index = cell % len(found)
            content = page.notebook.get_cell(index)
            # What another page has on its way to the old cell is lost by the pages themselves.
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
        """Write from what the agent last saw, however old that is."""
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
        """Take back a call, the latest or an older one; an undo is such a call as well."""
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
        for change in made.changes:
            if self.nb.source(change.cell_id) is not None:
                self.saw(agent, change.cell_id)

    # -- saving --------------------------------------------------------------------------------

    def saves(self) -> dict[str, Any]:
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            content: dict[str, Any] = self.nb.document.get()
        nbformat.validate(content)
        assert [cell["id"] for cell in content["cells"]] == self.nb.ids
        return content

    def reopens(self) -> None:
        """Close the room and open it again; pages have left, with all they had delivered."""
        self.settle()
        content = self.saves()
        self.late.close()
        self.nb.close()
        self._load(content["cells"])

    # -- what must be true ---------------------------------------------------------------------

    def check_ids(self) -> None:
        ids = [str(cell["id"]) for cell in self.nb.ycells]
        assert self.nb.ids == ids
        assert len(set(ids)) == len(ids), ids

    def check(self) -> None:
        self.settle()
        self.check_ids()
        content = self.saves()
        for page in self.pages:
            assert page.notebook.get() == content
        everything = "".join(cell["source"] for cell in content["cells"])
        counted = Counter(human(everything))
        assert all(times == 1 for times in counted.values()), counted
        kept = self.kept_by_change_sets()
        for character, cell_id in self.typed.items():
            assert (
                character in counted
                or character in self.deleted_by_people
                or cell_id in self.cells_deleted_by_people
                or character in kept
            ), f"{character} of {cell_id} is lost"

    def kept_by_change_sets(self) -> set[str]:
        """Return what undoing would bring back."""
        return {
            character
            for made in self.sets
            if not made.undone
            for change in made.changes
            if isinstance(change, Deleted)
            for character in human(change.content["source"])
        }
