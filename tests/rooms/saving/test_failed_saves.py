"""A save that fails may have written the file, or begun to: that is nobody else's work."""

from __future__ import annotations

import errno
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from jupyter_server.services.contents.largefilemanager import LargeFileManager
from pycrdt import Text
from tornado.web import HTTPError

from jmcp_lab.notebooks import cells
from jmcp_lab.rooms.live_room import LiveRoom

from ...support.desk import notebook_of
from ...support.files import Files

KINDS = {"a.ipynb": ("json", "notebook"), "a.py": ("text", "file")}


def type_in(room: LiveRoom, text: str) -> None:
    if room.file_type == "notebook":
        cells.shared(room.notebook, "c0")["source"].insert(0, text)
    else:
        room.ydoc.get("source", type=Text).insert(0, text)


@pytest.mark.parametrize("name", KINDS)
@pytest.mark.parametrize("looks", [True, False])
async def test_content_written_by_a_failed_save_is_not_duplicated(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str, looks: bool
) -> None:
    files = Files(tmp_path)
    files.manager.save(
        {"type": "notebook", "format": "json", "content": notebook_of("x = 1")}
        if name == "a.ipynb"
        else {"type": "file", "format": "text", "content": "x = 1"},
        name,
    )
    room = await files.open(name, kind=KINDS[name])
    save = type(files.manager).save

    def fails(manager: Any, model: dict[str, Any], path: str = "") -> Any:  # noqa: ANN401
        save(manager, model, path)
        raise OSError("There is no place for a checkpoint")

    type_in(room, "typed ")
    with monkeypatch.context() as patch:
        patch.setattr(type(files.manager), "save", fails)
        with pytest.raises(OSError, match="checkpoint"):
            await room.autosave.save()
    type_in(room, "more ")
    if looks:
        await room._file.maybe_notify()
    await room.autosave.save()
    assert (tmp_path / name).read_text().count("typed") == 1
    assert "more typed x = 1" in (tmp_path / name).read_text()
    await files.close(room)


LINES = "".join(f"x = {number}\n" for number in range(9))


@pytest.fixture
def files(tmp_path: Path) -> Files:
    """A full disk leaves of a text what there was space for, where nothing is written aside."""
    files = Files(tmp_path)
    files.manager.use_atomic_writing = False
    (tmp_path / "a.py").write_text(LINES)
    return files


@contextmanager
def full_disk(left: int | None) -> Iterator[None]:
    """Let saves write so many characters of a text and fail; None lets them not even begin."""

    def fails(manager: Any, os_path: str, content: str, format: str | None) -> None:  # noqa: ANN401
        if left is not None:
            Path(os_path).write_text(content[:left])
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(LargeFileManager, "_save_file", fails)
        yield


async def fail_to_save(room: LiveRoom) -> None:
    with pytest.raises(HTTPError):
        await room.autosave.save()


@pytest.mark.parametrize("left", [0, 1, 7, 20, 60])
@pytest.mark.parametrize("again", [None, 3, 30])
async def test_content_truncated_by_a_full_disk_is_still_in_the_document(
    files: Files, left: int, again: int | None
) -> None:
    room = await files.open("a.py", kind=KINDS["a.py"])
    type_in(room, "typed ")
    with full_disk(left):
        await fail_to_save(room)
    await room._file.maybe_notify()
    type_in(room, "more ")
    with full_disk(again):
        await fail_to_save(room)
    await room._file.maybe_notify()
    assert str(room.document.get()) == "more typed " + LINES
    await room.autosave.save()
    assert (files.root / "a.py").read_text() == "more typed " + LINES
    await files.close(room)


async def test_a_truncation_by_another_program_after_a_failed_save_is_kept(
    files: Files,
) -> None:
    room = await files.open("a.py", kind=KINDS["a.py"])
    room.ydoc.get("source", type=Text).insert(len(LINES), "# typed\n")
    with full_disk(None):
        await fail_to_save(room)
    (files.root / "a.py").write_text(LINES[:12])
    await room._file.maybe_notify()
    await room.autosave.save()
    assert (files.root / "a.py").read_text() == LINES[:12] + "# typed\n"
    await files.close(room)


async def test_text_added_by_another_program_to_a_truncated_file_is_merged(
    files: Files,
) -> None:
    room = await files.open("a.py", kind=KINDS["a.py"])
    type_in(room, "typed ")
    with full_disk(18):
        await fail_to_save(room)
    await room._file.maybe_notify()
    with (files.root / "a.py").open("a") as file:
        file.write("# theirs\n")
    await room._file.maybe_notify()
    await room.autosave.save()
    said = (files.root / "a.py").read_text()
    assert "# theirs\n" in said
    assert "typed " + LINES == said.replace("# theirs\n", "")
    await files.close(room)
