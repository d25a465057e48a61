"""What a person is told of documents: that one is not saved, and that there are two versions."""

from __future__ import annotations

import asyncio
import errno
import os
from pathlib import Path
from typing import Any

import pytest
from jupyter_server.services.contents.largefilemanager import AsyncLargeFileManager

from jmcp_lab.extension import JmcpLab
from jmcp_lab.rooms.pages import sync_failures
from jmcp_lab.rooms.pages.joining import TRY_AGAIN_LATER
from jmcp_lab.rooms.saving import autosave

from ..support.robots import Robot, open_as_page, write_notebook
from ..support.room_page import OpenPage, until


async def test_the_panel_shows_an_unsaved_document_until_it_is_saved(
    robot: Robot, root: Path, app: JmcpLab, monkeypatch: pytest.MonkeyPatch
) -> None:
    (cell,) = write_notebook(root, "a.ipynb", "x = 1")
    notebook = await robot.open("a.ipynb")
    app.rooms.listen()
    manager = app.serverapp.contents_manager
    save = manager.save

    def full(*arguments: Any, **options: Any) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(autosave, "RETRY_SECONDS", 0.05)
    monkeypatch.setattr(manager, "save", full)
    rung: list[int] = []
    app.rooms.ring = lambda: rung.append(1)
    await robot.say("overwrite_cell_source", notebook="a.ipynb", cell=cell, source="x = 2")
    await until(lambda: len(app.rooms.troubles().unsaved) == 1)
    (unsaved,) = app.rooms.troubles().unsaved
    assert unsaved.path == "a.ipynb"
    assert "the disk is full" in unsaved.words
    await until(lambda: len(rung) == 1)
    assert "the disk is full" in await robot.say("list_cells", notebook="a.ipynb")
    assert notebook.document.dirty
    monkeypatch.setattr(manager, "save", save)
    # It is tried again by itself.
    await until(lambda: not app.rooms.troubles().unsaved)
    await until(lambda: len(rung) == 2)
    assert "x = 2" in (root / "a.ipynb").read_text()


async def test_a_person_waiting_for_an_unresponsive_drive_is_told(
    robot: Robot, root: Path, app: JmcpLab, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_notebook(root, "a.ipynb", "x = 1")
    await robot.open("a.ipynb")
    answers = asyncio.Event()
    save = AsyncLargeFileManager._save_notebook

    async def slow(*arguments: Any, **options: Any) -> None:
        await answers.wait()
        await save(*arguments, **options)

    monkeypatch.setattr(AsyncLargeFileManager, "_save_notebook", slow)
    monkeypatch.setattr(autosave, "SLOW_SECONDS", 0.01)
    rung: list[int] = []
    app.rooms.ring = lambda: rung.append(1)
    await robot.say("insert_cell", notebook="a.ipynb", source="x = 2")
    await until(lambda: len(rung) == 1)
    (unsaved,) = app.rooms.troubles().unsaved
    assert "does not respond" in unsaved.words
    assert "does not respond" in await robot.say("list_cells", notebook="a.ipynb")
    answers.set()
    await until(lambda: not app.rooms.troubles().unsaved)
    await until(lambda: len(rung) == 2)


async def test_the_panel_links_to_the_version_of_a_page_of_unknown_age(
    robot: Robot, root: Path, app: JmcpLab, open_page: OpenPage
) -> None:
    write_notebook(root, "a.ipynb", "one")
    page = await open_page("a.ipynb")
    page.type(0, "mine ")
    await until(lambda: "mine" in (root / "a.ipynb").read_text())
    await page.close()
    room = app.rooms._upstream.live_rooms()[0]
    await app.rooms._upstream.close(room, lambda: False)
    # Every trace of what the page had met is gone.
    for path in (Path(os.environ["JUPYTER_DATA_DIR"]) / "jmcp_lab" / "history").glob("*"):
        path.unlink()
    write_notebook(root, "a.ipynb", "other")
    back = await open_page("a.ipynb", page.ydoc)
    await back.until(lambda: back.texts() == ["other"])
    (copy,) = app.rooms.troubles().copies
    assert (copy.path, copy.copy) == ("a.ipynb", "a-other.ipynb")
    assert "mine one" in (root / "a-other.ipynb").read_text()
    await robot.say("use_notebook", notebook="a.ipynb")
    assert "'a-other.ipynb'" in await robot.say("list_cells", notebook="a.ipynb")


async def test_an_agent_is_told_that_its_text_file_is_unsaved_until_it_is_saved(
    robot: Robot, root: Path, app: JmcpLab, monkeypatch: pytest.MonkeyPatch
) -> None:
    (root / "a.py").write_text("one\n")
    await open_as_page(robot, "a.py")

    async def full(*arguments: Any, **options: Any) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(autosave, "RETRY_SECONDS", 0.05)
    with monkeypatch.context() as patch:
        patch.setattr(AsyncLargeFileManager, "_save_file", full)
        await robot.run("write_file", path="a.py", edits=[{"old": "one", "new": "two"}])
        await until(lambda: len(app.rooms.troubles().unsaved) == 1)
        said = await robot.say("read_file", path="a.py")
        assert "'a.py' could not be saved: the disk is full" in said
        assert "two" in said
        change = [{"old": "two", "new": "three"}]
        assert "is full" in (await robot.run("write_file", path="a.py", edits=change)).text
    await until(lambda: not app.rooms.troubles().unsaved)
    assert "Note" not in await robot.say("read_file", path="a.py")
    await until(lambda: (root / "a.py").read_text() == "three\n")


@pytest.mark.parametrize("spoilt", [b"<<<<<<< HEAD\n{}", b"", b"\xff", b"[]"])
async def test_an_invalid_notebook_file_is_reported_until_repaired_or_replaced(
    robot: Robot, root: Path, app: JmcpLab, spoilt: bytes, caplog: pytest.LogCaptureFixture
) -> None:
    ids = write_notebook(root, "a.ipynb", "x = 1")
    notebook = await robot.open("a.ipynb")
    await robot.say("list_cells", notebook="a.ipynb")
    whole = (root / "a.ipynb").read_bytes()
    rung: list[int] = []
    app.rooms.ring = lambda: rung.append(1)
    (root / "a.ipynb").write_bytes(spoilt)
    await until(lambda: len(app.rooms.troubles().unsaved) == 1)
    await until(lambda: len(rung) == 1)
    (told,) = app.rooms.troubles().unsaved
    assert "is no longer a notebook" in told.words
    assert "kept in a copy beside it" in told.words
    # A notification shows so much to the person, who is no "user" there.
    assert "save it to restore the file" in told.words[:140]
    assert "the user" not in told.words
    said = await robot.say("list_cells", notebook="a.ipynb")
    assert "is no longer a notebook" in said
    assert "next change or save" in said
    (root / "a.ipynb").write_bytes(whole)
    await until(lambda: not app.rooms.troubles().unsaved)
    await until(lambda: len(rung) == 2)
    (root / "a.ipynb").write_bytes(spoilt)
    await until(lambda: len(app.rooms.troubles().unsaved) == 1)
    await robot.say("overwrite_cell_source", notebook="a.ipynb", cell=ids[0], source="x = 2")
    await app.rooms.save(notebook)
    assert not app.rooms.troubles().unsaved
    assert (root / "a-unreadable.txt").read_bytes() == spoilt
    assert not [record for record in caplog.records if record.exc_info]


async def test_the_panel_shows_a_separated_page_until_it_is_merged(
    robot: Robot, root: Path, app: JmcpLab, open_page: OpenPage, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sync_failures, "FIRST_SECONDS", 0.0)
    write_notebook(root, "a.ipynb", "one")
    page = await open_page("a.ipynb")
    page.type(0, "mine ")
    await until(lambda: "mine" in (root / "a.ipynb").read_text())
    await page.close()
    room = app.rooms._upstream.live_rooms()[0]
    await app.rooms._upstream.close(room, lambda: False)
    for path in (Path(os.environ["JUPYTER_DATA_DIR"]) / "jmcp_lab" / "history").glob("*"):
        path.unlink()
    write_notebook(root, "a.ipynb", "other")
    app.rooms.listen()
    rung: list[int] = []
    app.rooms.ring = lambda: rung.append(1)
    manager = app.serverapp.contents_manager
    save = manager.save

    def full(model: dict[str, Any], path: str) -> Any:  # noqa: ANN401
        if "-other" in path:
            raise OSError(errno.ENOSPC, "No space left on device")
        return save(model, path)

    monkeypatch.setattr(manager, "save", full)
    apart_page = await open_page("a.ipynb", page.ydoc)
    async with asyncio.timeout(10):
        # The server ends the connection.
        await apart_page._reader
    assert apart_page._connection.close_code == TRY_AGAIN_LATER
    page.ydoc.unobserve(apart_page._subscription)
    apart_page._connection.close()
    (unsaved,) = app.rooms.troubles().unsaved
    assert unsaved.path == "a.ipynb"
    assert "the disk is full" in unsaved.words
    await until(lambda: len(rung) == 1)
    monkeypatch.setattr(manager, "save", save)
    back = await open_page("a.ipynb", page.ydoc)
    await back.until(lambda: back.texts() == ["other"])
    await until(lambda: not app.rooms.troubles().unsaved)
    assert "mine one" in (root / "a-other.ipynb").read_text()
    # Nobody is left in the room from before.
    (room,) = app.rooms._upstream.live_rooms()
    assert room.pages == 1
