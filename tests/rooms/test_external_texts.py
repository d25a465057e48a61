"""Another program writes a text file that people have open."""

from __future__ import annotations

import asyncio
import os
from pathlib import Path
from typing import Any

import pytest
from jupyter_server.utils import ensure_async
from pycrdt import Text
from tornado.web import HTTPError

from jmcp_lab.rooms.live_room import LiveRoom

from ..support.files import Files


async def sit_down(files: Files) -> LiveRoom:
    (files.root / "a.py").write_text("one\n\ntwo\n")
    return await files.open("a.py", kind=("text", "file"))


def type_in(room: LiveRoom, text: str = "# typed\n") -> None:
    room.ydoc.get("source", type=Text).insert(0, text)


@pytest.fixture
def files(tmp_path: Path) -> Files:
    return Files(tmp_path)


async def test_a_file_restored_from_its_checkpoint_stays_restored(files: Files) -> None:
    room = await sit_down(files)
    point = files.manager.create_checkpoint("a.py")
    type_in(room, "bad\n")
    await room.autosave.save()
    files.manager.restore_checkpoint(point["id"], "a.py")
    await room._file.maybe_notify()
    assert room.document.get() == "one\n\ntwo\n"
    type_in(room)
    await room.autosave.save()
    assert (files.root / "a.py").read_text() == "# typed\none\n\ntwo\n"


@pytest.mark.parametrize("looks", [True, False])
async def test_a_file_that_is_no_longer_text_is_kept_in_a_copy(files: Files, looks: bool) -> None:
    room = await sit_down(files)
    where = files.root / "a.py"
    theirs = "one\n\ncaf\xe9\n".encode("latin-1")
    where.write_bytes(theirs)
    if looks:
        with pytest.raises(Exception, match="UTF-8"):
            await room._file.maybe_notify()
        # It is not said again.
        await room._file.maybe_notify()
    type_in(room)
    await room.autosave.save()
    assert where.read_text() == "# typed\none\n\ntwo\n"
    assert (files.root / "a-unreadable.py").read_bytes() == theirs
    assert [copy for copy, _ in room.copies] == ["a-unreadable.py"]


async def test_a_save_that_waited_for_the_look_at_the_file_includes_its_changes(
    files: Files, monkeypatch: pytest.MonkeyPatch
) -> None:
    room = await sit_down(files)
    loader = room._file
    get = loader._contents_manager.get
    reading, go_on = asyncio.Event(), asyncio.Event()

    async def slow(*arguments: object, **options: Any) -> object:
        if options.get("content"):
            reading.set()
            await go_on.wait()
        return await ensure_async(get(*arguments, **options))

    monkeypatch.setattr(loader._contents_manager, "get", slow)
    type_in(room)
    where = files.root / "a.py"
    where.write_text("one\n\ntwo\nthree\n")
    looking = asyncio.create_task(loader.maybe_notify())
    await reading.wait()
    saving = room.autosave.save()
    # Then it has put together what it will write. There is no event for that.
    while not loader._lock._waiters:  # noqa: ASYNC110
        await asyncio.sleep(0)
    go_on.set()
    await asyncio.gather(looking, saving)
    assert where.read_text() == "# typed\none\n\ntwo\nthree\n"


async def test_a_file_that_was_only_touched_is_not_merged(files: Files) -> None:
    room = await sit_down(files)
    merged: list[bool] = []
    room.announce_merge = lambda: merged.append(True)  # type: ignore[method-assign]
    where = files.root / "a.py"
    for seconds in (5, -5):
        at = where.stat().st_mtime_ns + seconds * 10**9
        os.utime(where, ns=(at, at))
        await room._file.maybe_notify()
        type_in(room)
        await room.autosave.save()
    assert not merged


@pytest.mark.parametrize("error", [OSError(5, "Input/output error"), HTTPError(403)])
async def test_a_briefly_unreadable_file_is_merged_later(
    files: Files, monkeypatch: pytest.MonkeyPatch, error: Exception
) -> None:
    room = await sit_down(files)
    (files.root / "a.py").write_text("one\n\ntwo\nthree\n")
    get = files.manager.get

    def failing(*arguments: Any, **options: Any) -> Any:  # noqa: ANN401
        if options.get("content", True):
            raise error
        return get(*arguments, **options)

    type_in(room)
    with monkeypatch.context() as patched:
        patched.setattr(files.manager, "get", failing)
        for work in (room._file.maybe_notify(), room.autosave.save()):
            with pytest.raises(type(error)):
                await work
    await room.autosave.save()
    assert (files.root / "a.py").read_text() == "# typed\none\n\ntwo\nthree\n"
    assert not room.copies
