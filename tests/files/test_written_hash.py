"""What counts as written by a save is what it wrote, not what is there a moment later."""

from __future__ import annotations

import asyncio
import hashlib
import json
import os
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from jupyter_server.services.contents.largefilemanager import LargeFileManager
from pycrdt import Text

from jmcp_lab.files.notebook_files import NotebookFiles
from jmcp_lab.files.written_hash import hash_written
from jmcp_lab.notebooks import cells
from jmcp_lab.rooms.live_room import LiveRoom

from ..support.desk import notebook_of
from ..support.files import Files

NOTEBOOK = ("json", "notebook")
TEXT = ("text", "file")
SECOND = 10**9


class OwnManager(LargeFileManager):
    """Writes notebooks without their outputs."""

    def _save_notebook(self, os_path: str, nb: Any, capture_validation_error: Any = None) -> None:  # noqa: ANN401
        super()._save_notebook(os_path, without_outputs(nb), capture_validation_error)


def without_outputs(content: Any) -> Any:  # noqa: ANN401
    for cell in content["cells"]:
        cell["outputs"] = []
    return content


def write_at_once(files: Files, where: Path, seconds: int) -> None:
    """Let another program write into a file as soon as it is saved, which then is newer."""
    save = files.manager.save

    def saves(*arguments: Any, **options: Any) -> Any:  # noqa: ANN401
        files.manager.save = save
        saved = save(*arguments, **options)
        at = where.stat().st_mtime_ns + seconds * SECOND
        where.write_text(where.read_text().replace("two", "theirs two"))
        os.utime(where, ns=(at, at))
        return saved

    files.manager.save = saves


def outputs_in(where: Path) -> Any:  # noqa: ANN401
    return json.loads(where.read_text())["cells"][0]["outputs"]


def type_in(room: LiveRoom, text: str) -> None:
    if room.file_type == "notebook":
        cells.shared(room.notebook, "c0")["source"].insert(0, text)
    else:
        room.ydoc.get("source", type=Text).insert(0, text)


def begin(root: Path, kind: tuple[str, str]) -> Path:
    where = root / ("a.ipynb" if kind == NOTEBOOK else "a.txt")
    said = json.dumps(notebook_of("one", "two")) if kind == NOTEBOOK else "one\n\ntwo\n"
    where.write_text(said)
    return where


@pytest.mark.parametrize("kind", [NOTEBOOK, TEXT])
@pytest.mark.parametrize("seconds", [0, 5])
@pytest.mark.parametrize("looks", [True, False])
async def test_a_write_just_after_a_save_counts_as_another_programs(
    tmp_path: Path, kind: tuple[str, str], seconds: int, looks: bool
) -> None:
    where = begin(tmp_path, kind)
    files = Files(tmp_path)
    room = await files.open(where.name, kind=kind)
    type_in(room, "typed ")
    write_at_once(files, where, seconds)
    await room.autosave.save()
    if looks:
        await room._file.maybe_notify()
        assert "theirs two" in str(room.document.get())
    type_in(room, "more ")
    await room.autosave.save()
    assert "more typed one" in where.read_text().replace('",\n', "")
    assert "theirs two" in where.read_text()


@pytest.mark.parametrize("kind", [NOTEBOOK, TEXT])
async def test_a_write_just_after_a_servers_last_save_counts_as_another_programs(
    tmp_path: Path, kind: tuple[str, str]
) -> None:
    where = begin(tmp_path, kind)
    store = tmp_path / "history.db"
    files = Files(tmp_path)
    room = await files.open(where.name, store, kind=kind)
    type_in(room, "typed ")
    write_at_once(files, where, 5)
    await room.autosave.save()
    await room.stop()
    again = Files(tmp_path)
    found = await again.open(where.name, store, kind=kind)
    assert "typed one" in str(found.document.get())
    assert "theirs two" in str(found.document.get())


TEXTS = st.text(st.characters(exclude_categories=["Cs"]), max_size=8)


@settings(max_examples=40, deadline=None)
@given(TEXTS, st.lists(TEXTS, max_size=3), st.dictionaries(TEXTS, TEXTS, max_size=2))
def test_the_hash_of_a_save_is_the_hash_of_the_file(
    tmp_path_factory: pytest.TempPathFactory,
    text: str,
    sources: list[str],
    metadata: dict[str, str],
) -> None:
    root = tmp_path_factory.mktemp("files")
    manager = Files(root).manager
    notebook = notebook_of(*sources) | {"metadata": metadata}
    half = notebook_of("\ud800", *sources)
    for name, model in (
        ("a.txt", {"type": "file", "format": "text", "content": text}),
        ("a.ipynb", {"type": "notebook", "format": "json", "content": notebook}),
        ("b.ipynb", {"type": "notebook", "format": "json", "content": half}),
    ):
        asyncio.run(NotebookFiles(manager).save(model, name))
        found = asyncio.run(hash_written(manager, model))
        assert found == hashlib.sha256((root / name).read_bytes()).hexdigest()


async def test_a_hook_that_strips_outputs_leaves_them_in_the_document(
    tmp_path: Path,
) -> None:
    where = begin(tmp_path, NOTEBOOK)
    files = Files(tmp_path)
    files.manager.register_pre_save_hook(lambda model, **_: without_outputs(model["content"]))
    await assert_outputs_stay(await files.open("a.ipynb"), where)


async def test_a_manager_that_strips_outputs_leaves_them_in_the_document(
    tmp_path: Path,
) -> None:
    where = begin(tmp_path, NOTEBOOK)
    files = Files(tmp_path)
    files.manager.__class__ = OwnManager
    await assert_outputs_stay(await files.open("a.ipynb"), where)


async def assert_outputs_stay(room: LiveRoom, where: Path) -> None:
    for text in ("typed ", "more "):
        type_in(room, text)
        await room.autosave.save()
        await room._file.maybe_notify()
    assert outputs_in(where) == []
    assert room.document.get()["cells"][0]["outputs"]
