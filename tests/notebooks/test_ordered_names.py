"""One file under several names, in several rooms, and with a time that says nothing.

A notebook is open, and the same one in the text editor; a symbolic or a hard link leads to it, as
in shared folders; another program writes it and keeps the time that it had, as `cp -p` does.
"""

from __future__ import annotations

import asyncio
import json
import os
import tempfile
from collections.abc import Callable
from itertools import count
from pathlib import Path
from typing import Any

import nbformat
import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st
from pycrdt import Text

from jmcp_lab.files.save_lock import lock_file
from jmcp_lab.notebooks import cells
from jmcp_lab.rooms.live_room import LiveRoom

from ..support.desk import notebook_of
from ..support.files import Files

NOTEBOOK = ("json", "notebook")
TEXT = ("text", "file")
PLACES = ["one", "two", "three", "four"]
"""What is in the file at first. Each writer writes at one of them."""

SECOND = 10**9
STEPS = (
    *[(step, room) for room in range(3) for step in ("types", "types", "looks", "saves")],
    *[("writes", seconds) for seconds in (-3600, -3600, 0, 0, 2)],
)


def word(number: int) -> str:
    """Return a word that no other has as a part, and with which no other begins."""
    return chr(0xAC00 + number)


class Names:
    """A file with two names, and three rooms of it.

    Parameters
    ----------
    root : Path
    link : Callable
        Makes the second name.
    notebook : bool
        Whether the file is a notebook; one of the rooms has it in the text editor.
    """

    def __init__(self, root: Path, link: Callable[..., None], *, notebook: bool) -> None:
        self.files = Files(root)
        self.names = [f"a.{'ipynb' if notebook else 'txt'}", f"b.{'ipynb' if notebook else 'txt'}"]
        self.where = root / self.names[0]
        self.numbers = count()
        self.written: list[str] = []
        self.kinds = [NOTEBOOK, NOTEBOOK, TEXT] if notebook else [TEXT, TEXT]
        self.rooms: list[LiveRoom] = []
        # As a save writes it: another form would be a change of each line.
        cells = nbformat.from_dict(notebook_of(*PLACES))
        said = nbformat.writes(cells) if notebook else "\n\n".join(PLACES)
        self.where.write_text(said)
        link(self.names[0] if link is os.symlink else self.where, root / self.names[1])

    async def open(self) -> None:
        for at, kind in enumerate(self.kinds):
            self.rooms.append(await self.files.open(self.names[at % 2], kind=kind))

    async def close(self) -> None:
        for room in self.rooms:
            room.autosave._saved = room.autosave._changes
            await room.stop()

    def word(self) -> str:
        self.written.append(word(next(self.numbers)))
        return self.written[-1]

    def types(self, at: int) -> None:
        room = self.rooms[at]
        if self.kinds[at] == NOTEBOOK:
            cells.shared(room.notebook, f"c{at}")["source"].insert(0, self.word())
        else:
            text = room.ydoc.get("source", type=Text)
            before = str(text)[: str(text).index(PLACES[at])]
            text.insert(len(before.encode()), self.word())

    async def looks(self, at: int) -> None:
        await self.rooms[at]._file.maybe_notify()

    async def saves(self, at: int) -> None:
        await self.rooms[at].autosave.save()

    async def writes(self, seconds: int) -> None:
        """Let another program write into the file, which then is so much newer."""
        before = self.where.stat().st_mtime_ns
        said = self.where.read_text()
        self.where.write_text(said.replace(PLACES[3], self.word() + PLACES[3]))
        os.utime(self.where, ns=(before + seconds * SECOND,) * 2)

    async def do(self, step: str, at: int) -> None:
        if step != "writes":
            at %= len(self.rooms)
        if step == "types":
            self.types(at)
        else:
            await getattr(self, step)(at)

    async def settle(self) -> None:
        """Let each room save, and see what the others have saved."""
        for step in ("saves", "looks"):
            for at in range(len(self.rooms)):
                await self.do(step, at)

    def said(self) -> list[str]:
        """Return what the file says, and what each room."""
        documents = [json.dumps(room.document.get(), ensure_ascii=False) for room in self.rooms]
        return [self.where.read_text(), *documents]


@settings(
    max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(
    notebook=st.booleans(),
    link=st.sampled_from([os.symlink, os.link]),
    steps=st.lists(st.sampled_from(STEPS), max_size=14),
)
@example(True, os.symlink, [("writes", 2), ("looks", 1), ("types", 1), ("saves", 1)])
@example(True, os.link, [("types", 0), ("types", 1), ("saves", 0), ("saves", 1)])
@example(True, os.link, [("types", 0), ("saves", 0), ("looks", 2), ("types", 2), ("saves", 2)])
@example(False, os.symlink, [("writes", -3600), ("looks", 0), ("types", 0), ("saves", 0)])
@example(False, os.symlink, [("writes", 0), ("types", 0), ("saves", 0)])
def test_nothing_that_several_writers_put_into_one_file_is_lost(
    notebook: bool, link: Callable[..., None], steps: list[tuple[str, int]]
) -> None:
    async def run(root: Path) -> None:
        names = Names(root, link, notebook=notebook)
        await names.open()
        try:
            for step in steps:
                await names.do(*step)
            await names.settle()
            for said in names.said():
                assert [said.count(one) for one in names.written] == [1] * len(names.written)
        finally:
            await names.close()

    with tempfile.TemporaryDirectory() as folder:
        asyncio.run(run(Path(folder)))


@pytest.mark.parametrize("first", [NOTEBOOK, TEXT])
async def test_opening_a_file_hides_no_change_from_pages_that_have_it_open(
    tmp_path: Path, first: tuple[str, str]
) -> None:
    names = Names(tmp_path, os.symlink, notebook=True)
    names.kinds = [first, TEXT if first == NOTEBOOK else NOTEBOOK]
    names.rooms.append(await names.files.open("a.ipynb", kind=names.kinds[0]))
    await names.writes(2)
    names.rooms.append(await names.files.open("a.ipynb", kind=names.kinds[1]))
    await names.looks(0)
    assert all(names.written[0] in said for said in names.said())
    await names.close()


async def test_an_invalid_notebook_from_the_text_editor_is_kept_in_a_copy(
    tmp_path: Path,
) -> None:
    names = Names(tmp_path, os.symlink, notebook=True)
    names.kinds = [NOTEBOOK, TEXT]
    for kind in names.kinds:
        names.rooms.append(await names.files.open("a.ipynb", kind=kind))
    names.rooms[1].ydoc.get("source", type=Text).insert(0, "half a ")
    await names.saves(1)
    await names.looks(0)
    names.types(0)
    await names.saves(0)
    assert names.written[0] in names.where.read_text()
    assert (tmp_path / "a-unreadable.txt").read_text().startswith("half a ")
    await names.looks(1)
    names.types(1)
    await names.settle()
    assert all(word in said for word in names.written for said in names.said())
    await names.close()


@pytest.mark.parametrize("kind", [NOTEBOOK, TEXT])
async def test_the_file_is_not_read_again_while_nobody_writes_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, kind: tuple[str, str]
) -> None:
    names = Names(tmp_path, os.symlink, notebook=kind == NOTEBOOK)
    await names.open()
    await names.looks(0)
    read: list[str] = []
    get = names.files.manager.get

    def counting(path: str, *arguments: Any, **options: Any) -> Any:  # noqa: ANN401
        if options.get("require_hash") or options.get("content", True):
            read.append(path)
        return get(path, *arguments, **options)

    monkeypatch.setattr(names.files.manager, "get", counting)
    for _ in range(3):
        await names.looks(0)
    assert not read
    await names.close()


def test_two_names_of_one_file_have_one_lock(tmp_path: Path) -> None:
    root = str(tmp_path)
    (tmp_path / "a.ipynb").touch()
    os.symlink("a.ipynb", tmp_path / "b.ipynb")
    assert lock_file(root, "a.ipynb") == lock_file(root, "b.ipynb")
    os.link(tmp_path / "a.ipynb", tmp_path / "c.ipynb")
    assert lock_file(root, "a.ipynb") == lock_file(root, "b.ipynb") == lock_file(root, "c.ipynb")
