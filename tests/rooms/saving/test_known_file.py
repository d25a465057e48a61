"""Before a page saves by hand it compares the file on disk with the one it knows.

When they differ, JupyterLab asks the person: overwrite, or revert and lose what was typed?
"""

from __future__ import annotations

import asyncio
import hashlib
import json
from pathlib import Path
from typing import Any

import pytest
from jupyter_server.utils import ensure_async

from ...support.desk import Desk, notebook_of, set_source, sit_down


@pytest.fixture
def desk(tmp_path: Path, jp_asyncio_loop: asyncio.AbstractEventLoop) -> Desk:
    content = notebook_of("one", "two")
    return jp_asyncio_loop.run_until_complete(sit_down(tmp_path, content))


def hash_of(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


async def test_pages_know_the_merged_file_before_it_is_saved(desk: Desk) -> None:
    desk.type("c0", "# mine\n")
    desk.change(set_source(1, "other"))
    await desk.look()
    assert desk.notebook.document.hash == hash_of(desk.path)
    await desk.save()
    assert desk.notebook.document.hash == hash_of(desk.path)


async def test_pages_know_the_file_although_a_change_cancelled_its_save(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A page that saves by hand asks the person what to do with a file that it does not know."""
    loader = desk.room._file
    write = loader._save_content_at_path
    writing, go_on = asyncio.Event(), asyncio.Event()

    async def slow(model: dict[str, Any], path: str) -> object:
        writing.set()
        await go_on.wait()
        return await write(model, path)

    monkeypatch.setattr(loader, "_save_content_at_path", slow)
    desk.type("c0", "# mine\n")
    saving = desk.room._save_to_disc()
    assert saving is not None
    await writing.wait()
    saving.cancel()
    go_on.set()
    await asyncio.wait([saving])
    assert "# mine" in desk.path.read_text()
    assert desk.notebook.document.hash == hash_of(desk.path)


def read_slowly(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> tuple[asyncio.Event, asyncio.Event]:
    """Let each reading of the file set the first event, and wait for the second."""
    contents = desk.room._file._contents_manager
    get = contents.get
    reading, go_on = asyncio.Event(), asyncio.Event()

    async def slow(*args: object, **options: object) -> object:
        if options.get("content"):
            reading.set()
            await go_on.wait()
        return await ensure_async(get(*args, **options))

    monkeypatch.setattr(contents, "get", slow)
    return reading, go_on


async def test_a_page_may_save_while_a_changed_file_is_read(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    reading, go_on = read_slowly(desk, monkeypatch)
    desk.type("c0", "# mine\n")
    desk.change(set_source(1, "other"))
    looking = asyncio.create_task(desk.look())
    await reading.wait()
    # Nothing here means "Saving already in progress" in an error dialog of the page.
    saving = desk.room._save_to_disc()
    assert saving is not None
    go_on.set()
    await asyncio.gather(looking, saving)
    content = await desk.save()
    assert [cell["source"] for cell in content["cells"]][:2] == ["# mine\none", "other"]


async def test_a_save_that_waited_for_a_changed_file_includes_its_content(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    reading, go_on = read_slowly(desk, monkeypatch)
    desk.type("c0", "# mine\n")
    desk.change(set_source(1, "other"))
    looking = asyncio.create_task(desk.look())
    await reading.wait()
    saving = desk.room._save_to_disc()
    assert saving is not None
    # Then it has put together what it will write. There is no event for that.
    while not desk.room._file._lock._waiters:  # noqa: ASYNC110
        await asyncio.sleep(0)
    go_on.set()
    await asyncio.gather(looking, saving)
    cells = json.loads(desk.path.read_text())["cells"]
    assert [cell["source"] for cell in cells][:2] == [["# mine\n", "one"], ["other"]]


async def test_a_room_can_be_closed_while_its_changed_file_is_read(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    reading, go_on = read_slowly(desk, monkeypatch)
    desk.change(set_source(1, "other"))
    disk = desk.room.disk
    meeting = asyncio.create_task(disk._sync(saving=False))
    await reading.wait()
    # It waits for the one before it.
    another = asyncio.create_task(disk._sync(saving=True))
    await asyncio.sleep(0)
    disk.detach()
    go_on.set()
    assert await asyncio.gather(meeting, another) == [False, False]
