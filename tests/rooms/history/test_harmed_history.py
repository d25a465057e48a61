"""A history that lacks something, or says what nobody understands: the document still opens."""

from __future__ import annotations

import errno
import json
import sqlite3
import zlib
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest
from pycrdt import Text

from jmcp_lab.notebooks import cells
from jmcp_lab.rooms.live_room import LiveRoom
from jmcp_lab.text.three_way_merge import Splice

from ...support.desk import notebook_of
from ...support.files import Files

NOTEBOOK = ("json", "notebook")
TEXT = ("text", "file")
KINDS = pytest.mark.parametrize("kind", [NOTEBOOK, TEXT], ids=["notebook", "text"])


class Last:
    """What a server left that was killed before it had saved what an agent wrote."""

    def __init__(self, root: Path, kind: tuple[str, str]) -> None:
        self.kind = kind
        self.where = root / ("a.ipynb" if kind == NOTEBOOK else "a.txt")
        self.store = root / "history" / "a.db"
        self.root = root

    async def opened(self) -> LiveRoom:
        self.files = Files(self.root)
        known = "INSERT INTO Files (id, path) VALUES (?, ?)"
        self.files.ids.con.execute(known, ("the-file", str(self.where)))
        return await self.files.open(self.where.name, self.store, kind=self.kind)

    async def leaves(self) -> None:
        found = notebook_of("one", "two")
        self.where.write_text(json.dumps(found) if self.kind == NOTEBOOK else "one\ntwo\n")
        room = await self.opened()
        if self.kind == NOTEBOOK:
            cells.edit(room.notebook, "c0", [Splice(3, 3, " acknowledged")], "jmcp:a_1")
        else:
            room.ydoc.get("source", type=Text).insert(3, " acknowledged")
        await room.store.flush()
        assert room._followed is not None
        room.ydoc.unobserve(room._followed)
        room._followed = None
        room.autosave.close()
        room.autosave._saved = room.autosave._changes
        await self.files.close(room)

    def git(self) -> None:
        """Let another program change the file."""
        self.where.write_text(self.where.read_text().replace("two", "from git"))

    def harm(self, sql: str, *values: object) -> None:
        with closing(sqlite3.connect(self.store, isolation_level=None)) as history:
            history.execute(sql, values)

    def change_version(self, change: Callable[[bytes], bytes]) -> None:
        with closing(sqlite3.connect(self.store, isolation_level=None)) as history:
            sql = "SELECT number, version FROM files ORDER BY number DESC LIMIT 1"
            number, version = history.execute(sql).fetchone()
            sql = "UPDATE files SET version = ? WHERE number = ?"
            history.execute(sql, (change(version), number))


def said_by(room: LiveRoom) -> str:
    return json.dumps(room.document.get())


def newer(change: Callable[[dict[str, object]], object]) -> Callable[[bytes], bytes]:
    """Write a version as a later release might do."""

    def changed(data: bytes) -> bytes:
        found = json.loads(zlib.decompress(data))
        change(found)
        return zlib.compress(json.dumps(found).encode())

    return changed


HARMS: dict[str, Callable[[bytes], bytes]] = {
    "cut off": lambda data: data[: len(data) // 2],
    "empty": lambda _: b"",
    "something else": lambda _: zlib.compress(b"\xff\xfe"),
    "another text": lambda _: zlib.compress(b"[]"),
    "more of each cell": newer(lambda v: v.update(cells=[[*c, 1] for c in v["cells"]])),  # type: ignore[attr-defined]
    "less of each cell": newer(lambda v: v.update(cells=[c[:1] for c in v["cells"]])),  # type: ignore[attr-defined, index]
    "other ids": newer(lambda v: v.update(ids=[1, 2, 3, 4])),
    "other sources": newer(lambda v: v.update(cells=[[None, {}, []], [7, 8, 9]])),
    "no cells": newer(lambda v: v.pop("cells")),
    "other metadata": newer(lambda v: v.update(metadata=[])),
}


@pytest.mark.parametrize("harm", HARMS)
async def test_an_unreadable_version_blocks_no_notebook_and_loses_nothing(
    tmp_path: Path, harm: str
) -> None:
    last = Last(tmp_path, NOTEBOOK)
    await last.leaves()
    last.change_version(HARMS[harm])
    last.git()
    room = await last.opened()
    copies = "".join((tmp_path / copy).read_text() for copy, _ in room.copies)
    assert "from git" in said_by(room)
    assert "acknowledged" in said_by(room) + copies
    await last.files.close(room)


@pytest.mark.parametrize("harm", ["cut off", "empty", "something else"])
async def test_an_unreadable_version_blocks_no_text_file(tmp_path: Path, harm: str) -> None:
    last = Last(tmp_path, TEXT)
    await last.leaves()
    last.change_version(HARMS[harm])
    last.git()
    room = await last.opened()
    ((copy, _),) = room.copies
    assert "from git" in said_by(room)
    assert "acknowledged" in (tmp_path / copy).read_text()
    await last.files.close(room)


@KINDS
@pytest.mark.parametrize("changed", [True, False], ids=["file changed", "same file"])
async def test_content_only_in_a_history_without_a_base_is_kept_in_a_separate_file(
    tmp_path: Path, kind: tuple[str, str], changed: bool
) -> None:
    last = Last(tmp_path, kind)
    await last.leaves()
    last.harm("DELETE FROM files")
    if changed:
        last.git()
    room = await last.opened()
    ((copy, why),) = room.copies
    assert "acknowledged" in (tmp_path / copy).read_text()
    assert "it is unknown which version is newer" in why
    assert "acknowledged" not in said_by(room)
    # It is told once.
    await last.files.close(room)
    room = await last.opened()
    assert room.copies == []
    await last.files.close(room)


@KINDS
async def test_a_history_without_a_base_that_matches_the_file_needs_no_copy(
    tmp_path: Path, kind: tuple[str, str]
) -> None:
    last = Last(tmp_path, kind)
    await last.leaves()
    room = await last.opened()
    await room.autosave.save()
    await last.files.close(room)
    last.harm("DELETE FROM files")
    room = await last.opened()
    assert "acknowledged" in said_by(room)
    assert room.copies == []
    await last.files.close(room)


@KINDS
async def test_content_only_in_the_history_is_shown_as_unsaved_until_saved(
    tmp_path: Path, kind: tuple[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def is_full(*_arguments: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    last = Last(tmp_path, kind)
    await last.leaves()
    room = await last.opened()
    assert room.autosave.unsaved
    assert room.document.dirty
    with monkeypatch.context() as patch:
        patch.setattr(last.files.manager, "save", is_full)
        with pytest.raises(OSError, match="No space left"):
            await room.autosave.save()
    assert room.document.dirty
    await room.autosave.save()
    assert not room.document.dirty
    assert "acknowledged" in last.where.read_text()
    await last.files.close(room)
