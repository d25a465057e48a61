"""Plays a notebook with two pages and an agent over restarts of servers, and tracks characters.

The room, its history on disk, the loader and the contents manager are the real ones of the server.
The pages use the protocol of JupyterLab's pages with the room. Every character that somebody writes
is unique, so the test can find out at the end where it is.
"""

from __future__ import annotations

import asyncio
import json
import shutil
import sqlite3
from collections import Counter
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

import nbformat
from jupyter_ydoc import YNotebook
from pycrdt import Doc

from jmcp_lab.notebooks import cells
from jmcp_lab.notebooks.live_notebook import agent_origin
from jmcp_lab.rooms.live_room import LiveRoom
from jmcp_lab.text.three_way_merge import merge

from .distant_page import Page
from .program import Program, code_cell
from .replica import as_a_page_has_it

if TYPE_CHECKING:
    from .files import Files

TYPED = 0x4E00
"""First of the Chinese characters that people type."""

WRITTEN = 0x3400
"""First of the characters that agents write, from an extension of these."""

AGENT = agent_origin("a_1")


def marks(text: str) -> list[str]:
    """Return the characters of a text that somebody wrote during the test."""
    return [character for character in text if ord(character) >= WRITTEN]


class Restarts:
    """One notebook over restarts of its server."""

    def __init__(self, files: Files, folder: str) -> None:
        self.files = files
        self.folder = files.root / folder
        self.path = f"{folder}/a.ipynb"
        self.store = self.folder / "history" / "a.db"
        self.backup = self.folder / "backup.db"
        self.program = Program(lambda: self.where)
        self.pages = [Page(), Page()]
        self.number = 0
        self.made: dict[str, str] = {}
        """Ids of the cells in which characters were written, by character."""

        self.deleted: set[str] = set()
        """Cells that a person deleted; Yjs drops what others write there meanwhile."""

        self.loose: set[str] = set()
        """Characters that somebody removed, or that were nowhere when a server died."""

        self.room: LiveRoom
        self.running: asyncio.Task[None] | None = None

    @property
    def where(self) -> Path:
        return self.files.root / self.path

    @property
    def up(self) -> bool:
        return self.running is not None

    async def begin(self) -> None:
        self.folder.mkdir()
        sources = ["a\nb\nc", "", "d"]
        found = [code_cell(f"c{n}", text) for n, text in enumerate(sources)]
        self.program.write({"cells": found, "metadata": {}, "nbformat": 4, "nbformat_minor": 5})
        await self.starts()
        for page in self.pages:
            page.connect(self.room)
        await self.settle()

    # -- the server --------------------------------------------------------------------------------

    async def starts(self) -> None:
        if not self.up:
            self.room = await self.files.open(self.path, self.store)
            self.running = asyncio.create_task(self.room.start())
            await self.room.started.wait()
            await self.room.ydoc_observed.wait()

    async def is_killed(self) -> None:
        """Kill the server: only the file, the history and the pages survive."""
        if not self.up:
            return
        alive = self.known() | self.in_memory()
        for page in self.pages:
            await self.cuts(page)
        room = self.room
        if room._followed is not None:
            room.ydoc.unobserve(room._followed)
            room._followed = None
        room.autosave.close()
        room.autosave._saved = room.autosave._changes
        room.store._waiting.clear()
        await room.store.close()
        await self._leave()
        self.loose |= alive - self.known()

    async def ends(self) -> None:
        """Stop the server in an orderly way."""
        if self.up:
            for page in self.pages:
                await self.cuts(page)
            await self.room.autosave.finish(10)
            await self.room.end_history()
            await self._leave()

    async def _leave(self) -> None:
        assert self.running is not None
        self.running.cancel()
        with suppress(asyncio.CancelledError):
            await self.running
        self.running = None
        with suppress(RuntimeError):
            await self.room.stop()
        await self._forget_loader()

    async def _forget_loader(self) -> None:
        await self.files.loaders.remove(self.room.room_id.rsplit(":", 1)[-1])

    async def cuts(self, page: Page) -> None:
        """Cut a page's connection; its last messages may be in no page any more.

        That happens if the page learned of the deletion of a cell after somebody had typed into it.
        """
        sent = page.on_its_way(self.made)
        await page.cut()
        self.loose |= sent - self.known() - self.in_memory()

    async def restarts(self, how: int) -> None:
        await (self.is_killed() if how % 3 else self.ends())
        if how % 5 == 1:
            self.loses_history()
        if how % 5 == 2:
            self.restores_history()
        if how % 7 == 3:
            self.rewrites(how, how // 7)
        await self.starts()

    def loses_history(self) -> None:
        if not self.up:
            alive = self.known()
            for path in self.store.parent.glob("a.db*"):
                path.unlink()
            self.loose |= alive - self.known()

    def restores_history(self) -> None:
        """Replace the history by an older one."""
        if not self.up and self.backup.exists():
            alive = self.known()
            for path in self.store.parent.glob("a.db*"):
                path.unlink()
            shutil.copy(self.backup, self.store)
            self.loose |= alive - self.known()

    async def backs_up(self) -> None:
        if self.up and self.room.store._connection is not None:
            await self.room.store.flush()
            connection = self.room.store._connection
            self.backup.unlink(missing_ok=True)
            connection.execute("VACUUM INTO ?", (str(self.backup),))

    async def flushes(self) -> None:
        if self.up:
            await self.room.store.flush()

    async def saves(self) -> None:
        if self.up:
            await self.room.autosave.save()

    # -- what is written -----------------------------------------------------------------------

    def mark(self, first: int, cell_id: str) -> str:
        """Return a new character."""
        self.number += 1
        character = chr(first + self.number)
        self.made[character] = cell_id
        return character

    def written_in(self, ycells: Any) -> list[str]:  # noqa: ANN401
        return marks("".join(str(cell["source"]) for cell in ycells))

    def known(self) -> set[str]:
        """Return every character in a file, in a page, or in the history while no server runs."""
        found = set(marks("".join(map(_text, self.folder.glob("*.ipynb")))))
        for page in self.pages:
            found.update(self.written_in(page.notebook.ycells))
        return found | set(self._in_history())

    def in_memory(self) -> set[str]:
        """Return every character in the server's document."""
        return set(self.written_in(self.room.document.ycells)) if self.up else set()

    def _in_history(self) -> list[str]:
        if self.up or not self.store.exists():
            return []
        connection = sqlite3.connect(self.store)
        rows = connection.execute("SELECT data FROM updates ORDER BY number").fetchall()
        connection.close()
        document: Doc[Any] = Doc()
        for (data,) in rows:
            document.apply_update(data)
        return self.written_in(YNotebook(document).ycells)

    def types(self, page: Page, cell: int, at: int) -> None:
        found = page.notebook.ycells
        if not len(found):
            return
        ycell = found[cell % len(found)]
        text = ycell["source"]
        present = str(text)
        offset = len(present[: at % (len(present) + 1)].encode())
        text.insert(offset, self.mark(TYPED, str(ycell["id"])))

    def person_inserts(self, page: Page, at: int) -> None:
        found = page.notebook.ycells
        cell_id = f"p{self.number}"
        content = code_cell(cell_id, self.mark(TYPED, cell_id))
        found.insert(at % (len(found) + 1), page.notebook.create_ycell(content))

    def person_deletes(self, page: Page, cell: int) -> None:
        found = page.notebook.ycells
        if len(found) > 1:
            self.loose.update(marks(str(found[cell % len(found)]["source"])))
            self.deleted.add(str(found[cell % len(found)]["id"]))
            del found[cell % len(found)]

    def person_remakes(self, page: Page, cell: int, at: int | None) -> None:
        """Move or retype a cell as JupyterLab does: delete and recreate it."""
        found = page.notebook.ycells
        if not len(found):
            return
        index = cell % len(found)
        content = page.notebook.get_cell(index)
        if at is None:
            content, at = of_the_other_type(content), index
        with page.ydoc.transaction():
            del found[index]
            found.insert(at % (len(found) + 1), page.notebook.create_ycell(content))

    def person_erases(self, page: Page, cell: int, at: int) -> None:
        found = page.notebook.ycells
        present = str(found[cell % len(found)]["source"]) if len(found) else ""
        if present:
            start = at % len(present)
            first = len(present[:start].encode())
            self.loose.update(marks(present[start]))
            del found[cell % len(found)]["source"][first : first + len(present[start].encode())]

    def agent_writes(self, cell: int, at: int) -> None:
        if not self.up or not self.room.notebook.ids:
            return
        notebook = self.room.notebook
        cell_id = notebook.ids[cell % len(notebook.ids)]
        lines = str(notebook.source(cell_id)).split("\n")
        lines.insert(at % (len(lines) + 1), self.mark(WRITTEN, cell_id))
        wanted = "\n".join(lines)
        present = str(notebook.source(cell_id))
        cells.edit(notebook, cell_id, merge(present, wanted, present), AGENT)

    def agent_inserts(self, at: int) -> None:
        if self.up:
            cell_id = f"n{self.number}"
            new = cells.NewCell(self.mark(WRITTEN, cell_id), "code", cell_id)
            notebook = self.room.notebook
            cells.insert(notebook, at % (len(notebook.ids) + 1), [new], AGENT)

    def agent_moves(self, cell: int, at: int) -> None:
        if self.up and self.room.notebook.ids:
            notebook = self.room.notebook
            cell_id = notebook.ids[cell % len(notebook.ids)]
            cells.move(notebook, [cell_id], at % (len(notebook.ids) + 1), AGENT)

    def agent_retypes(self, cell: int) -> None:
        if self.up and self.room.notebook.ids:
            notebook = self.room.notebook
            cell_id = notebook.ids[cell % len(notebook.ids)]
            is_code = cells.shared(notebook, cell_id)["cell_type"] == "code"
            cells.retype(notebook, cell_id, "markdown" if is_code else "code", AGENT)

    def agent_deletes(self, cell: int) -> None:
        if self.up and len(self.room.notebook.ids) > 1:
            notebook = self.room.notebook
            cell_id = notebook.ids[cell % len(notebook.ids)]
            self.loose.update(marks(str(notebook.source(cell_id))))
            cells.delete(notebook, [cell_id], AGENT)

    def rewrites(self, cell: int, at: int) -> None:
        """Let another program change the file; what it removes may be lost."""
        self.loose |= self.program.rewrites(cell, at)
        self.made |= self.program.written

    # -- what must be true -------------------------------------------------------------------------

    async def settle(self) -> None:
        """Deliver everything."""
        for _ in range(1000):
            await asyncio.sleep(0)
            if not any(page.out or page.inbox for page in self.pages):
                break
            for page in self.pages:
                await page.speak()
                page.hear()

    async def faults(self) -> dict[str, object]:
        """Reconnect all pages, and return the faults, by kind."""
        await self.starts()
        for page in self.pages:
            if page.wire is None:
                page.connect(self.room)
        await self.settle()
        await self.saves()
        for _ in range(3):
            await self.room._file.maybe_notify()
        await self.settle()
        content = self.room.document.get()
        there = [(cell["id"], cell["source"]) for cell in content["cells"]]
        on_disk = [(c["id"], c["source"]) for c in nbformat.read(self.where, 4).cells]
        counted = Counter(marks("".join(source for _, source in there)))
        kept = set(counted) | self.in_copies() | self.loose
        found = {
            "something is lost": {
                c for c, i in self.made.items() if c not in kept and i not in self.deleted
            },
            "something is doubled": {c for c, times in counted.items() if times > 1},
            "a cell is doubled": len({cell_id for cell_id, _ in there}) != len(there),
            "file and document differ": [] if there == on_disk else [there, on_disk],
            "a person is asked": any(page.asked for page in self.pages),
            "a page differs": [
                page.notebook.get()
                for page in self.pages
                if page.notebook.get() != as_a_page_has_it(self.room.ydoc)
            ],
        }
        return {kind: what for kind, what in found.items() if what}

    def in_copies(self) -> set[str]:
        """Return every character in the versions that were kept next to the file."""
        return set(marks("".join(map(_text, self.folder.glob("*-other*.ipynb")))))

    async def end(self) -> None:
        await self.ends()
        shutil.rmtree(self.folder)


def of_the_other_type(cell: dict[str, Any]) -> dict[str, Any]:
    """Return a cell converted to the other type as JupyterLab does it."""
    kept = {key: cell[key] for key in ("id", "source", "metadata")}
    if cell["cell_type"] == "code":
        return {**kept, "cell_type": "markdown"}
    return {**kept, "cell_type": "code", "outputs": [], "execution_count": None}


def _text(path: Path) -> str:
    content = json.loads(path.read_text())
    return "".join("".join(cell["source"]) for cell in content["cells"])
