"""Files that cannot be written: said before the first edit, with the true cause."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest
from jupyter_server.services.contents.largefilemanager import AsyncLargeFileManager
from jupyter_server.services.contents.manager import AsyncContentsManager
from tornado.web import HTTPError

from jmcp_lab.errors import UnavailableError
from jmcp_lab.extension import JmcpLab

from ..support.robots import Robot, write_notebook
from ..support.room_page import until

EDITS = [
    ("overwrite_cell_source", {"source": "x = 2"}),
    ("edit_cell", {"edits": [{"old": "1", "new": "2"}]}),
    ("insert_cell", {"source": "y"}),
    ("insert_execute_code_cell", {"source": "y"}),
    ("delete_cell", {}),
    ("clear_outputs", {}),
]


async def check_refused(robot: Robot, path: str, cell: str, words: str) -> None:
    """Every edit is refused at once, and nothing is changed or asked."""
    before = (await robot.open(path)).document.get()
    for tool, arguments in EDITS:
        named = {"cells": cell} if tool in ("delete_cell", "clear_outputs") else {"cell": cell}
        named = {} if tool.startswith("insert") else named
        said = await robot.fail(tool, notebook=path, **named, **arguments)
        assert words in said
        assert "nothing was changed" in said
    assert (await robot.open(path)).document.get() == before


async def test_a_person_is_told_that_an_undo_could_not_be_saved(
    robot: Robot, root: Path, app: JmcpLab, monkeypatch: pytest.MonkeyPatch
) -> None:
    (cell,) = write_notebook(root, "a.ipynb", "x = 1")
    await robot.say("overwrite_cell_source", notebook="a.ipynb", cell=cell, source="x = 2")
    (made,) = [call for call in app.ledger.since(0) if call.undoable]
    with monkeypatch.context() as patch:
        # The tests may run as root, who may write everything.
        patch.setattr(type(app.serverapp.contents_manager), "is_writable", lambda self, path: False)
        with pytest.raises(UnavailableError, match="read-only"):
            await app.supervisor.undo_call(made.id, "Ada")
    assert (await robot.open("a.ipynb")).source(cell) == "x = 2"
    await app.supervisor.undo_call(made.id, "Ada")
    assert (await robot.open("a.ipynb")).source(cell) == "x = 1"


@pytest.fixture
def small_disk(root: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """Return a folder on a disk of 256 kB; without the right to mount one, as if it were."""
    folder = root / "disk"
    folder.mkdir()
    command = ["mount", "-t", "tmpfs", "-o", "size=256k", "tmpfs", str(folder)]
    mounted = shutil.which("mount") and not subprocess.run(command, capture_output=True).returncode
    if not mounted:
        real, full = shutil.disk_usage, SimpleNamespace(total=2**18, used=2**18, free=0)
        monkeypatch.setattr(
            shutil, "disk_usage", lambda at: full if (folder / "full").exists() else real(at)
        )
    yield folder
    if mounted:
        subprocess.run(["umount", "-l", str(folder)], check=True)


def fill(folder: Path) -> None:
    """Take what is left of a small disk."""
    with (folder / "full").open("wb", buffering=0) as file, suppress(OSError):
        for _ in range(64):
            file.write(b"x" * 4096)


async def test_a_full_disk_is_reported_before_the_first_edit_and_edits_work_once_there_is_space(
    robot: Robot, small_disk: Path
) -> None:
    (cell,) = write_notebook(small_disk, "a.ipynb", "x = 1")
    assert "x = 1" in await robot.say("read_cells", notebook="disk/a.ipynb")
    fill(small_disk)
    await check_refused(robot, "disk/a.ipynb", cell, "the disk is full")
    assert "the disk is full" in await robot.fail("write_file", path="disk/b.txt", content="x")
    assert "the disk is full" in await robot.fail(
        "use_notebook", notebook="disk/new/b.ipynb", create=True
    )
    assert not (small_disk / "new").exists()
    (small_disk / "full").unlink()
    await robot.say("overwrite_cell_source", notebook="disk/a.ipynb", cell=cell, source="x = 2")


async def test_an_overwrite_that_cannot_be_saved_is_refused_before_anybody_is_asked(
    robot: Robot, small_disk: Path
) -> None:
    (small_disk / "a.txt").write_text("one\n")
    fill(small_disk)
    said = await robot.fail("write_file", path="disk/a.txt", content="two\n")
    assert "the disk is full" in said
    assert (small_disk / "a.txt").read_text() == "one\n"


async def test_a_manager_that_says_not_writable_is_believed(
    robot: Robot, root: Path, app: JmcpLab, monkeypatch: pytest.MonkeyPatch
) -> None:
    (cell,) = write_notebook(root, "a.ipynb", "x = 1")
    (root / "a.txt").write_text("one\n")
    manager = cast("Any", app.serverapp).contents_manager
    get = manager.get

    async def read_only(path: str, *arguments: Any, **options: Any) -> dict[str, Any]:
        return {**await get(path, *arguments, **options), "writable": False}

    monkeypatch.setattr(manager, "get", read_only)
    await check_refused(robot, "a.ipynb", cell, "read-only")
    assert "read-only" in await robot.fail("write_file", path="a.txt", content="two\n")
    assert "read-only" in await robot.fail("write_file", path="b.txt", content="x")
    assert "read-only" in await robot.fail("use_notebook", notebook="b.ipynb", create=True)
    assert "x = 1" in await robot.say("read_cells", notebook="a.ipynb")


class Elsewhere(AsyncContentsManager):
    """A manager that keeps its files elsewhere: in this dictionary, with no path on disk."""

    def __init__(self, **arguments: Any) -> None:
        super().__init__(**arguments)
        self.plain: Any = None
        self.writable = True

    async def get(self, path: str, *arguments: Any, **options: Any) -> dict[str, Any]:
        return {**await self.plain.get(path, *arguments, **options), "writable": self.writable}

    def __getattribute__(self, name: str) -> object:
        if name in ("save", "file_exists", "dir_exists", "is_hidden", "run_post_save_hooks"):
            return getattr(super().__getattribute__("plain"), name)
        return super().__getattribute__(name)


async def test_a_manager_without_files_on_this_disk_is_asked(
    robot: Robot, root: Path, app: JmcpLab, monkeypatch: pytest.MonkeyPatch
) -> None:
    (cell,) = write_notebook(root, "a.ipynb", "x = 1")
    elsewhere = Elsewhere()
    elsewhere.plain = app.serverapp.contents_manager
    monkeypatch.setattr(app.services.contents, "_manager", elsewhere)
    await robot.say("read_cells", notebook="a.ipynb")
    elsewhere.writable = False
    await check_refused(robot, "a.ipynb", cell, "read-only")
    elsewhere.writable = True
    await robot.say("overwrite_cell_source", notebook="a.ipynb", cell=cell, source="x = 2")


async def test_a_writable_file_in_a_folder_that_is_not_is_edited_and_saved(
    robot: Robot, root: Path, app: JmcpLab, monkeypatch: pytest.MonkeyPatch
) -> None:
    (cell,) = write_notebook(root, "folder/a.ipynb", "x = 1")
    access = os.access
    folder = str(root / "folder")
    # The tests may run as root, who may write everything.
    monkeypatch.setattr(
        "os.access",
        lambda where, mode, **options: (
            not (str(where) == folder and mode & os.W_OK) and access(where, mode, **options)
        ),
    )
    await robot.say("overwrite_cell_source", notebook="folder/a.ipynb", cell=cell, source="x = 2")
    await app.rooms.save(await robot.open("folder/a.ipynb"))
    assert "x = 2" in (root / "folder/a.ipynb").read_text()
    said = await robot.fail("use_notebook", notebook="folder/b.ipynb", create=True)
    assert "its folder is read-only" in said
    assert "read-only" in await robot.fail("write_file", path="folder/b.txt", content="x")


@pytest.mark.parametrize(
    ("error", "words"),
    [
        (OSError(28, "No space left on device"), "the disk is full"),
        (OSError(122, "Disk quota exceeded"), "quota"),
        (HTTPError(403, "Permission denied: a.ipynb"), "read-only"),
        (HTTPError(400, "Notebooks need a licence cell"), "Notebooks need a licence cell"),
        (OSError(5, "Input/output error"), "damaged"),
    ],
)
async def test_a_later_save_failure_is_reported_with_its_cause(
    robot: Robot, root: Path, monkeypatch: pytest.MonkeyPatch, error: Exception, words: str
) -> None:
    (cell,) = write_notebook(root, "a.ipynb", "x = 1")
    await robot.say("read_cells", notebook="a.ipynb")

    async def failing(self: object, os_path: str, *arguments: Any, **options: Any) -> None:
        raise error

    monkeypatch.setattr(AsyncLargeFileManager, "_save_notebook", failing)
    await robot.say("overwrite_cell_source", notebook="a.ipynb", cell=cell, source="x = 2")
    notebook = await robot.open("a.ipynb")
    news = robot.app.rooms.notices
    await until(lambda: bool(news._items.get(notebook.file_id)))
    said = await robot.say("list_cells", notebook="a.ipynb")
    assert "'a.ipynb' could not be saved: " in said
    assert words in said
    assert str(root) not in said
