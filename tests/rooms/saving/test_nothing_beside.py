"""A history that cannot be used, in a folder in which nothing can be kept: the file still opens."""

from __future__ import annotations

import errno
import os
from pathlib import Path
from typing import Any

import pytest
from jupyter_server.services.contents.largefilemanager import LargeFileManager

from jmcp_lab.rooms.history.history_folder import unsaved_in_old_store
from jmcp_lab.rooms.pages import page_merger

from ..history.test_document_store import old_store
from ..history.test_harmed_history import KINDS, TEXT, Last, said_by
from ..history.test_taking_over import write


def refuse(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let no file be made: the folder is read-only, or the disk is full."""

    def save(_manager: object, _model: dict[str, Any], _path: str = "") -> None:
        raise OSError(errno.EROFS, "Read-only file system")

    monkeypatch.setattr(LargeFileManager, "save", save)


@KINDS
async def test_content_only_in_a_history_stays_there_until_it_can_be_saved(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, kind: tuple[str, str]
) -> None:
    last = Last(tmp_path, kind)
    await last.leaves()
    last.harm("DELETE FROM files")
    last.git()
    for _ in range(2):
        with monkeypatch.context() as patch:
            refuse(patch)
            room = await last.opened()
            assert "from git" in said_by(room)
            assert not room.store.is_open
            await last.files.close(room)
    room = await last.opened()
    ((copy, _),) = room.copies
    assert "acknowledged" in (tmp_path / copy).read_text()
    await last.files.close(room)


@KINDS
async def test_content_only_in_a_history_is_saved_as_soon_as_possible(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, kind: tuple[str, str]
) -> None:
    last = Last(tmp_path, kind)
    await last.leaves()
    last.harm("DELETE FROM files")
    with monkeypatch.context() as patch:
        refuse(patch)
        room = await last.opened()
    write(room, "mine ")
    await room.autosave.save()
    assert room.store.is_open
    ((copy, _),) = room.copies
    assert "acknowledged" in (tmp_path / copy).read_text()
    assert "mine one" in last.where.read_text()
    await last.files.close(room)


async def test_unsaved_changes_of_an_earlier_server_stay_in_its_store(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    store = tmp_path / ".jupyter_ystore.db"
    old_store(store, at=100.0)
    before = store.read_bytes()
    last = Last(tmp_path, TEXT)
    last.where.write_text("one\n")
    os.utime(last.where, (50, 50))

    def unsaved(_room_id: str, saved: float) -> list[bytes] | None:
        return unsaved_in_old_store("text:file:id1", saved, str(store))

    monkeypatch.setattr(page_merger, "unsaved_in_old_store", unsaved)
    refuse(monkeypatch)
    room = await last.opened()
    assert said_by(room) == '"one\\n"'
    assert store.read_bytes() == before
    await last.files.close(room)


@KINDS
@pytest.mark.parametrize(
    "sql",
    [
        "UPDATE updates SET data = NULL",
        "UPDATE updates SET data = 'text'",
        "UPDATE files SET version = NULL",
        "UPDATE files SET version = 'text'",
        "UPDATE files SET hash = NULL, digest = NULL",
    ],
)
async def test_a_history_with_wrong_value_types_does_not_block_the_file(
    tmp_path: Path, kind: tuple[str, str], sql: str
) -> None:
    last = Last(tmp_path, kind)
    await last.leaves()
    last.harm(sql)
    last.git()
    room = await last.opened()
    assert "from git" in said_by(room)
    write(room, "mine ")
    await room.autosave.save()
    assert room.store.is_open
    await last.files.close(room)


@KINDS
async def test_a_damaged_history_that_cannot_be_renamed_does_not_block_the_file(
    tmp_path: Path, kind: tuple[str, str]
) -> None:
    last = Last(tmp_path, kind)
    await last.leaves()
    last.store.write_bytes(b"no database" * 1000)
    last.store.with_suffix(".unreadable").mkdir()
    room = await last.opened()
    write(room, "mine ")
    await room.autosave.save()
    assert "mine one" in last.where.read_text()
    await last.files.close(room)
