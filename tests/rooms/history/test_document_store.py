"""The history of one document on disk: what it keeps, how large it grows, and what goes wrong."""

from __future__ import annotations

import asyncio
import os
import sqlite3
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, closing, contextmanager
from pathlib import Path
from typing import Any

import pytest
from pycrdt import Doc, Text, merge_updates

from jmcp_lab.rooms.history import document_store, history_folder
from jmcp_lab.rooms.history.document_store import CHECKPOINT_UPDATES, MAX_FILES, DocumentStore
from jmcp_lab.rooms.history.history_folder import prune, unsaved_in_old_store

HOLD = """
import sqlite3, sys
connection = sqlite3.connect(sys.argv[1], isolation_level=None)
connection.execute("PRAGMA locking_mode = EXCLUSIVE")
connection.execute("BEGIN EXCLUSIVE")
print("held", flush=True)
sys.stdin.read()
"""


class Written:
    """A document whose every update goes into a store."""

    def __init__(self, store: DocumentStore) -> None:
        self.store = store
        self.doc: Doc[Any] = Doc()
        self.text = self.doc.get("t", type=Text)
        store.restart("h")
        store.follow(self.doc.get_update)
        self.doc.observe(lambda event: store.add(event.update))

    async def write(self, text: str) -> None:
        self.text.insert(len(str(self.text)), text)
        await self.store.flush()


@contextmanager
def held(path: Path) -> Iterator[None]:
    """Let another process have a history open."""
    command = [sys.executable, "-c", HOLD, str(path)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as other:
        assert other.stdout is not None
        assert other.stdout.readline() == b"held\n"
        yield
        other.kill()


@asynccontextmanager
async def written(path: Path) -> AsyncIterator[Written]:
    store = DocumentStore(path)
    await store.open()
    yield Written(store)
    await store.close()


async def text_in(path: Path) -> str:
    """Return what the history says, as the next server reads it."""
    store = DocumentStore(path)
    stored = await store.open()
    await store.close()
    doc: Doc[Any] = Doc()
    for update in stored.updates:
        doc.apply_update(update)
    return str(doc.get("t", type=Text))


async def test_a_history_does_not_grow_with_the_edits_of_a_small_document(tmp_path: Path) -> None:
    path = tmp_path / "a.db"
    async with written(path) as document:
        for number in range(5 * CHECKPOINT_UPDATES):
            # As a person does who writes a line anew, again and again.
            document.text.clear()
            await document.write(f"{number:01000d}")
    with closing(sqlite3.connect(path)) as history:
        (rows,) = history.execute("SELECT count(*) FROM updates").fetchone()
    assert rows <= CHECKPOINT_UPDATES + 1
    assert path.stat().st_size < 2_000_000
    assert await text_in(path) == f"{5 * CHECKPOINT_UPDATES - 1:01000d}"


async def test_only_the_latest_versions_of_the_file_are_kept(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with written(tmp_path / "a.db") as document:
        store = document.store
        for number in range(MAX_FILES + 5):
            await store.record_synced(f"hash{number}", f"digest{number}", lambda: b"x" * 100)
        assert await store.file_version("hash4") is None
        assert await store.file_version("hash5") == b"x" * 100
        monkeypatch.setattr(document_store, "MAX_FILES_BYTES", 250)
        await store.record_synced("one more", "digest", lambda: b"x" * 100)
        await store.record_synced("large", "digest", lambda: b"x" * 1000)
        assert await store.file_version("one more") is None
        assert await store.file_version("large") is not None


async def test_a_history_that_another_process_has_open_is_left_to_it(tmp_path: Path) -> None:
    path = tmp_path / "a.db"
    async with written(path) as document:
        await document.write("theirs")
    with held(path):
        async with written(path) as document:
            assert not document.store.is_open
            await document.write("mine")
            await document.store.record_synced("hash", "digest", lambda: b"")
            assert await document.store.file_version("hash") is None
    assert await text_in(path) == "theirs"


@pytest.mark.parametrize("content", [b"", b"no database" * 200, b"SQLite format 3\0" + b"x" * 5000])
async def test_an_invalid_history_file_is_renamed_and_a_new_one_started(
    tmp_path: Path, content: bytes
) -> None:
    path = tmp_path / "a.db"
    path.write_bytes(content)
    async with written(path) as document:
        assert document.store.is_open
        await document.write("new")
    assert await text_in(path) == "new"
    if content:
        assert path.with_suffix(".unreadable").read_bytes() == content


async def test_unwritten_updates_are_stored_once_the_disk_has_space_again(
    tmp_path: Path,
) -> None:
    path = tmp_path / "a.db"
    async with written(path) as document:
        await document.write("before ")
        connection = document.store._connection
        assert connection is not None
        (pages,) = connection.execute("PRAGMA page_count").fetchone()
        connection.execute(f"PRAGMA max_page_count = {pages}")
        await document.write("x" * 200_000)
        connection.execute("PRAGMA max_page_count = 1000000")
        await document.write(" after")
        await document.store.flush()
    assert await text_in(path) == "before " + "x" * 200_000 + " after"


async def test_the_history_continues_under_another_id(tmp_path: Path) -> None:
    path = tmp_path / "a.db"
    async with written(path) as document:
        await document.write("text")
        document.store.branch("other")
    store = DocumentStore(path)
    stored = await store.open()
    await store.close()
    assert stored.history == "other"
    assert stored.updates


async def test_a_history_that_becomes_free_while_its_room_closes_is_released(
    tmp_path: Path,
) -> None:
    path = tmp_path / "a.db"
    async with written(path) as document:
        await document.write("theirs")
    with held(path):
        store = DocumentStore(path)
        await store.open()
    looking = asyncio.create_task(store.open_if_free())
    await asyncio.sleep(0)
    await store.close()
    assert await looking is None
    store.take_over("mine")
    assert not store.is_open
    assert await text_in(path) == "theirs"


def age(path: Path, seconds: float, size: int = 10) -> Path:
    path.write_bytes(b"x" * size)
    then = time.time() - seconds
    os.utime(path, (then, then))
    return path


def test_old_or_excess_histories_are_deleted_and_recent_ones_never(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(history_folder, "MAX_BYTES", 1000)
    day = 24 * 3600.0
    recent = [age(tmp_path / f"recent{n}.db", 60, size=900) for n in range(3)]
    fits_not = age(tmp_path / "fits_not.db", 3 * day)
    old = age(tmp_path / "old.db", history_folder.MAX_AGE_SECONDS + 60)
    prune(tmp_path)
    assert all(path.exists() for path in recent)
    assert not fits_not.exists()
    assert not old.exists()


def test_histories_are_pruned_regularly_while_a_server_runs(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(history_folder, "history_folder", lambda: tmp_path)
    history_folder.store_of("json:notebook:first")
    left = age(tmp_path / "left.db", 90 * 24 * 3600.0)
    history_folder.store_of("json:notebook:at-once")
    assert left.exists()
    later = time.monotonic() + history_folder.PRUNE_SECONDS
    monkeypatch.setattr(time, "monotonic", lambda: later)
    history_folder.store_of("json:notebook:later")
    assert not left.exists()


def pruned(folder: Path) -> list[str]:
    """Let a folder be old, and be pruned; return what is left in it."""
    then = time.time() - 2 * history_folder.MAX_AGE_SECONDS
    for name in os.listdir(folder):
        os.utime(folder / name, (then, then))
    prune(folder)
    return os.listdir(folder)


async def test_an_open_history_is_never_pruned(tmp_path: Path) -> None:
    mine, theirs, left = (tmp_path / f"{name}.db" for name in ("mine", "theirs", "left"))
    for path in (theirs, left):
        async with written(path) as document:
            await document.write("text")
    async with written(mine) as document:
        with held(theirs):
            assert not {name for name in pruned(tmp_path) if name.startswith("left")}
            assert theirs.exists()
        await document.write("text")
    assert await text_in(mine) == "text"
    # Nobody uses it any more, and what is beside it goes with it.
    assert pruned(tmp_path) == []


def old_store(path: Path, at: float) -> bytes:
    """Write a store as jupyter-server-ydoc does; return what is in it."""
    doc: Doc[Any] = Doc()
    updates: list[bytes] = []
    doc.observe(lambda event: updates.append(event.update))
    doc.get("source", type=Text).insert(0, "not saved")
    with closing(sqlite3.connect(path)) as store:
        store.execute(
            "CREATE TABLE yupdates (path TEXT, yupdate BLOB, metadata BLOB, timestamp REAL)"
        )
        store.execute("CREATE TABLE ycheckpoints (path TEXT, checkpoint BLOB, timestamp REAL)")
        rows = [(".file:id1.y", update, b"", at) for update in updates]
        store.executemany("INSERT INTO yupdates VALUES (?, ?, ?, ?)", rows)
        store.commit()
    return merge_updates(*updates) if len(updates) > 1 else updates[0]


def test_an_old_store_is_read_and_left_unchanged(tmp_path: Path) -> None:
    path = tmp_path / ".jupyter_ystore.db"
    wanted = old_store(path, at=100.0)
    before = path.read_bytes()
    found = unsaved_in_old_store("text:file:id1", 50.0, str(path))
    assert found is not None
    assert merge_updates(*found, wanted) == wanted
    assert unsaved_in_old_store("text:file:id1", 150.0, str(path)) is None
    assert unsaved_in_old_store("text:file:id2", 50.0, str(path)) is None
    assert unsaved_in_old_store("text:file:id1", 50.0, str(tmp_path / "none.db")) is None
    assert path.read_bytes() == before
    assert os.listdir(tmp_path) == [path.name]


def test_an_unreadable_old_store_blocks_nobody(tmp_path: Path) -> None:
    path = tmp_path / ".jupyter_ystore.db"
    path.write_bytes(b"no database" * 100)
    assert unsaved_in_old_store("text:file:id1", 50.0, str(path)) is None


async def test_simultaneous_updates_become_one_write(tmp_path: Path) -> None:
    path = tmp_path / "a.db"
    async with written(path) as document:
        await document.write("")
        for _ in range(50):
            document.text.insert(0, "x")
        await asyncio.gather(document.store.flush(), document.store.flush())
    with closing(sqlite3.connect(path)) as history:
        (rows,) = history.execute("SELECT count(*) FROM updates").fetchone()
    assert rows == 1
    assert await text_in(path) == "x" * 50
