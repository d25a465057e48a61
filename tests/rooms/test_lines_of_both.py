"""A program and a person write different lines that share words, in one place: both stand."""

from __future__ import annotations

import asyncio
import json
import os
from pathlib import Path

import pytest
from pycrdt import Text

from ..support.desk import notebook_of
from ..support.files import Files
from .pages.test_rejoin import NOTEBOOK, TEXT, Shore

PAIRS = [
    ("print(x)\n", "print(y)\n"),
    ("import sys\n", "import re\n"),
    ("for a in range(10):\n    print(a)\n", "for b in range(20):\n    plot(b)\n"),
    ("3,4\n5,6\n", "3,7\n8,6\n"),
]


@pytest.mark.parametrize(("one", "two"), PAIRS)
async def test_in_a_text_file_that_is_open(tmp_path: Path, one: str, two: str) -> None:
    files = Files(tmp_path)
    where = tmp_path / "a.py"
    where.write_text("x = 1\n")
    room = await files.open("a.py", None, kind=TEXT)
    text = room.ydoc.get("source", type=Text)
    text.insert(len(str(text)), two)
    changed = where.stat().st_mtime_ns + 2 * 10**9
    where.write_text("x = 1\n" + one)
    os.utime(where, ns=(changed, changed))
    await room._file.maybe_notify()
    await room.autosave.save()
    assert where.read_text() == "x = 1\n" + one + two
    await files.close(room)


@pytest.mark.parametrize(("one", "two"), PAIRS)
async def test_in_a_cell_of_an_offline_page_while_the_file_changes(
    tmp_path: Path, one: str, two: str
) -> None:
    shore = Shore(Files(tmp_path), "a.ipynb", NOTEBOOK)
    shore.where.write_text(json.dumps(notebook_of("x = 1\n")))
    await shore.starts()
    await shore.page.cut()
    shore.page.notebook.ycells[0]["source"].insert(len("x = 1\n"), two)
    await shore.room.autosave.finish(10)
    await shore.files.close(shore.room)
    await asyncio.wait([shore.running])
    shore.where.write_text(json.dumps(notebook_of("x = 1\n" + one)))
    await shore.starts()
    assert shore.page.texts in (["x = 1\n" + one + two], ["x = 1\n" + two + one])
    await shore.ends()


async def test_in_a_text_file_with_a_history_older_than_the_file(tmp_path: Path) -> None:
    shore = Shore(Files(tmp_path), "a.py", TEXT)
    shore.where.write_text("x = 1\n")
    await shore.starts()
    shore.text.insert(len("x = 1\n"), "print(x)\n")
    await shore.settle()
    await shore.room.store.flush()
    backup = tmp_path / "backup.db"
    connection = shore.room.store._connection
    assert connection is not None
    connection.execute("VACUUM INTO ?", (str(backup),))
    shore.text.insert(len("x = 1\nprint(x)\n"), "print(y)\n")
    await shore.settle()
    await shore.ends(lost=True)
    saved = shore.where.read_text()
    assert saved == "x = 1\nprint(x)\nprint(y)\n"
    backup.rename(shore.store)
    shore.text.insert(len(saved), "print(z)\n")
    await shore.starts()
    assert str(shore.text) == saved + "print(z)\n"
    await shore.ends()
