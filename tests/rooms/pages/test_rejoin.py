"""Pages that come back to a document from before: texts, odd files, and what cannot be merged."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from pycrdt import Map, Text

from jmcp_lab.notebooks import cells
from jmcp_lab.notebooks.live_notebook import agent_origin
from jmcp_lab.rooms.kinds import NotebookKind
from jmcp_lab.rooms.live_room import LiveRoom

from ...support.distant_page import Page
from ...support.files import Files
from ...support.program import code_cell

TEXT = ("text", "file")
NOTEBOOK = ("json", "notebook")


class Shore:
    """A file, the rooms that servers make of it one after the other, and one page."""

    def __init__(self, files: Files, path: str, kind: tuple[str, str]) -> None:
        self.files = files
        self.path = path
        self.kind = kind
        self.store = files.root / "history" / "a.db"
        self.page = Page()
        self.room: LiveRoom
        self.running: asyncio.Task[None]

    @property
    def where(self) -> Path:
        return self.files.root / self.path

    @property
    def text(self) -> Text:
        return self.page.ydoc.get("source", type=Text)

    async def starts(self) -> None:
        self.room = await self.files.open(self.path, self.store, kind=self.kind)
        self.running = asyncio.create_task(self.room.start())
        await self.room.ydoc_observed.wait()
        self.page.connect(self.room)
        await self.settle()

    async def ends(self, *, lost: bool = False) -> None:
        """End the server in order; lose its history if that is wanted."""
        await self.room.autosave.finish(10)
        await self.settle()
        await self.page.cut()
        await self.files.close(self.room)
        await asyncio.wait([self.running])
        if lost:
            for path in self.store.parent.glob("*"):
                path.unlink()

    async def settle(self) -> None:
        for _ in range(100):
            await asyncio.sleep(0)
            await self.page.speak()
            self.page.hear()


@pytest.fixture
def loop() -> Iterator[asyncio.Runner]:
    with asyncio.Runner() as runner:
        yield runner


@pytest.mark.parametrize("lost", [False, True], ids=["a changed file", "a lost history"])
def test_a_text_file_and_its_page_agree_after_a_restart(
    loop: asyncio.Runner, tmp_path: Path, lost: bool
) -> None:
    async def play() -> None:
        shore = Shore(Files(tmp_path), "a.txt", TEXT)
        shore.where.write_text("one\ntwo\n")
        await shore.starts()
        shore.text.insert(0, "typed ")
        await shore.settle()
        await shore.ends(lost=lost)
        assert shore.where.read_text() == "typed one\ntwo\n"
        shore.text.insert(0, "offline ")
        if not lost:
            shore.where.write_text("typed one\nTWO\n")
        wanted = "offline typed one\n" + ("two\n" if lost else "TWO\n")
        await shore.starts()
        assert str(shore.text) == wanted
        await shore.room.autosave.save()
        assert shore.where.read_text() == wanted
        await shore.ends()

    loop.run(play())


def test_both_versions_of_a_text_are_kept_if_their_common_base_is_unknown(
    loop: asyncio.Runner, tmp_path: Path
) -> None:
    async def play() -> None:
        shore = Shore(Files(tmp_path), "a.txt", TEXT)
        shore.where.write_text("one\n")
        await shore.starts()
        shore.text.insert(0, "typed ")
        await shore.settle()
        await shore.ends(lost=True)
        shore.page.ydoc.get("state", type=Map)["hash"] = "of a file that nobody has"
        shore.text.insert(0, "offline ")
        await shore.starts()
        assert str(shore.text) == shore.where.read_text() == "typed one\n"
        ((copy, _),) = shore.room.copies
        assert (tmp_path / copy).read_text() == "offline typed one\n"
        await shore.ends()

    loop.run(play())


@pytest.mark.parametrize("lost", [False, True])
@pytest.mark.parametrize(
    "cells",
    [
        [code_cell("same", "one"), code_cell("same", "two")],
        [{**code_cell("", "one")}, {**code_cell("x y!", "two")}],
        [code_cell("a", "")],
    ],
    ids=["twice the same id", "odd ids", "one empty cell"],
)
def test_unusual_notebooks_and_their_page_agree_after_a_restart(
    loop: asyncio.Runner, tmp_path: Path, cells: list[dict[str, Any]], lost: bool
) -> None:
    async def play() -> None:
        shore = Shore(Files(tmp_path), "a.ipynb", NOTEBOOK)
        content = {"cells": cells, "metadata": {}, "nbformat": 4, "nbformat_minor": 5}
        shore.where.write_text(json.dumps(content))
        await shore.starts()
        shore.page.notebook.ycells[0]["source"].insert(0, "typed ")
        await shore.settle()
        await shore.ends(lost=lost)
        shore.page.notebook.ycells[len(cells) - 1]["source"].insert(0, "offline ")
        wanted = shore.page.texts
        await shore.starts()
        assert shore.page.texts == wanted
        await shore.room.autosave.save()
        saved = json.loads(shore.where.read_text())["cells"]
        assert ["".join(cell["source"]) for cell in saved] == wanted
        await shore.ends()

    loop.run(play())


def test_the_version_of_a_page_that_cannot_be_merged_is_kept_in_a_separate_file(
    loop: asyncio.Runner, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def play() -> None:
        shore = Shore(Files(tmp_path), "a.ipynb", NOTEBOOK)
        content = {"cells": [code_cell("a", "one")], "metadata": {}}
        shore.where.write_text(json.dumps({**content, "nbformat": 4, "nbformat_minor": 5}))
        await shore.starts()
        await shore.ends(lost=True)
        shore.page.notebook.ycells[0]["source"].insert(0, "offline ")

        def fails(*_: object) -> list[str]:
            raise RuntimeError

        monkeypatch.setattr(NotebookKind, "merge_page", fails)
        await shore.starts()
        ((copy, _),) = shore.room.copies
        assert "offline one" in (tmp_path / copy).read_text()
        assert "offline" not in shore.where.read_text()
        await shore.ends()

    loop.run(play())


def test_a_file_renamed_while_no_server_ran_is_a_new_document(
    loop: asyncio.Runner, tmp_path: Path
) -> None:
    async def play() -> None:
        shore = Shore(Files(tmp_path), "a.txt", TEXT)
        shore.where.write_text("one\n")
        await shore.starts()
        shore.text.insert(0, "typed ")
        await shore.settle()
        await shore.ends()
        shore.where.rename(tmp_path / "b.txt")
        other = await shore.files.open("b.txt", tmp_path / "history" / "b.db", kind=TEXT)
        assert other.document.get() == "typed one\n"
        await shore.files.close(other)

    loop.run(play())


@pytest.mark.parametrize("typed", [0, 1, 2])
def test_text_typed_into_an_emptied_notebook_returns_without_an_empty_cell(
    loop: asyncio.Runner, tmp_path: Path, typed: int
) -> None:
    async def play() -> None:
        shore = Shore(Files(tmp_path), "a.ipynb", NOTEBOOK)
        cells = [code_cell(name, name) for name in ("one", "two", "three")]
        content = {"cells": cells, "metadata": {}, "nbformat": 4, "nbformat_minor": 5}
        shore.where.write_text(json.dumps(content))
        await shore.starts()
        await shore.ends()
        shore.where.write_text(json.dumps(content | {"cells": []}))
        for cell in [*shore.page.notebook.ycells][:typed]:
            cell["source"].insert(0, "typed ")
        wanted = ["typed one", "typed two"][:typed]
        await shore.starts()
        assert shore.page.texts == (wanted or [""]), "a page shows a cell in any case"
        await shore.room.autosave.save()
        saved = json.loads(shore.where.read_text())["cells"]
        assert ["".join(cell["source"]) for cell in saved] == wanted
        await shore.ends()

    loop.run(play())


async def test_cells_of_a_file_without_ids_are_matched_by_the_ids_of_one_loading(
    tmp_path: Path,
) -> None:
    files = Files(tmp_path)
    found = [code_cell("", f"start{number}") for number in range(3)]
    content = {"cells": found, "metadata": {}, "nbformat": 4, "nbformat_minor": 4}
    for cell in found:
        del cell["id"]
    (tmp_path / "a.ipynb").write_text(json.dumps(content))
    shore = Shore(files, "a.ipynb", NOTEBOOK)
    await shore.starts()
    await shore.ends()
    # Another program writes while no server runs, and the page is away for longer than one.
    found[1]["source"] = "start1 other"
    (tmp_path / "a.ipynb").write_text(json.dumps(content))
    for number in (0, 2):
        shore.page.notebook.ycells[number]["source"].insert(0, f"typed{number} ")
    room = await files.open("a.ipynb", shore.store)
    for number, ycell in enumerate(room.notebook.ycells):
        ycell["source"].insert(len(str(ycell["source"])), f" agent{number}")
    cells.insert(room.notebook, 1, [cells.NewCell("new", "code")], agent_origin("a_1"))
    await room.autosave.save()
    await room.end_history()
    await files.close(room)
    await shore.starts()
    await shore.settle()
    said = [cell["source"] for cell in shore.room.document.get()["cells"]]
    assert said == ["typed0 start0 agent0", "new", "start1 other agent1", "typed2 start2 agent2"]
    assert [str(cell["source"]) for cell in shore.page.notebook.ycells] == said
    await shore.ends()
