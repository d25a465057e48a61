"""Files of the user's own are whole, on the disk, and nobody else's to read."""

from __future__ import annotations

import os
import stat
import sys
from pathlib import Path

import pytest

from jmcp_lab.agents.agent_file import NOTHING, save
from jmcp_lab.agents.seal import KEY_BYTES, Seal
from jmcp_lab.server.private_file import private_descriptor, write_private
from jmcp_lab.stdio.pairing_client import Credentials, Server

posix = pytest.mark.skipif(sys.platform == "win32", reason="Windows has no modes of files.")


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


def write_list(folder: Path) -> None:
    seal = Seal(folder / "list.key")
    save(folder / "list.json", NOTHING.agents.values(), {}, stopped=False, revision=1, seal=seal)


def write_key(folder: Path) -> None:
    Seal(folder / "a.key").make({})


def write_credentials(folder: Path) -> None:
    Credentials(folder, Server("http://localhost/", "/root"), "client").write(token="jml_x")


def write_text(folder: Path) -> None:
    write_private(folder / "a.txt", "ä")


EVERY_WRITER = pytest.mark.parametrize(
    "write", [write_list, write_key, write_credentials, write_text]
)


@EVERY_WRITER
@posix
def test_nobody_else_reads_a_private_file_or_its_folder(write: object, tmp_path: Path) -> None:
    assert callable(write)
    before = os.umask(0)
    try:
        write(tmp_path / "new" / "folder")
    finally:
        os.umask(before)
    files = list((tmp_path / "new" / "folder").iterdir())
    assert files
    assert {mode(file) for file in files} == {0o600}
    assert mode(tmp_path / "new" / "folder") == 0o700


@EVERY_WRITER
@posix
def test_the_file_is_on_the_disk_before_it_has_its_name_and_the_name_after(
    write: object, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert callable(write)
    done: list[str] = []
    fsync, replace = os.fsync, Path.replace

    def note_fsync(descriptor: int) -> None:
        fsync(descriptor)
        is_folder = stat.S_ISDIR(os.fstat(descriptor).st_mode)
        done.append("folder" if is_folder else "file")

    def note_replace(self: Path, target: Path) -> Path:
        done.append("replace")
        return replace(self, target)

    monkeypatch.setattr(os, "fsync", note_fsync)
    monkeypatch.setattr(Path, "replace", note_replace)
    write(tmp_path)
    assert done
    assert len(done) % 3 == 0
    assert done == ["file", "replace", "folder"] * (len(done) // 3)


def test_a_write_that_fails_leaves_the_old_file_and_nothing_beside(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "a.json"
    write_private(path, "old")

    def full(descriptor: int) -> None:
        raise OSError("no space left")

    with monkeypatch.context() as broken:
        broken.setattr(os, "fsync", full)
        with pytest.raises(OSError, match="no space"):
            write_private(path, "new")
    assert path.read_text() == "old"
    assert [each.name for each in tmp_path.iterdir()] == ["a.json"]


@posix
def test_files_are_written_on_a_disk_that_cannot_sync_folders(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    fsync = os.fsync

    def files_only(descriptor: int) -> None:
        if stat.S_ISDIR(os.fstat(descriptor).st_mode):
            raise OSError("not supported")
        fsync(descriptor)

    monkeypatch.setattr(os, "fsync", files_only)
    write_private(tmp_path / "a.bin", b"\xff\n\r\n")
    assert (tmp_path / "a.bin").read_bytes() == b"\xff\n\r\n"


def test_an_existing_file_is_opened_with_its_content(tmp_path: Path) -> None:
    path = tmp_path / "a.db"
    path.write_bytes(b"kept")
    descriptor = private_descriptor(path)
    try:
        assert os.read(descriptor, 10) == b"kept"
    finally:
        os.close(descriptor)


def test_an_invalid_key_is_replaced(tmp_path: Path) -> None:
    path = tmp_path / "a.key"
    path.write_bytes(b"short")
    seal = Seal(path).make({"a": 1})
    assert len(path.read_bytes()) == KEY_BYTES
    assert Seal(path).holds({"a": 1}, seal)
