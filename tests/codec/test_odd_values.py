"""Values that nbformat reads and writes, and nobody meant to write, stay what they are."""

from __future__ import annotations

import asyncio
import json
import os
from itertools import count
from pathlib import Path
from typing import Any

import pytest

from jmcp_lab.files.notebook_files import parsed
from jmcp_lab.notebooks import cells
from jmcp_lab.rooms.without_live.notebook_file import NotebookFile

from ..support.desk import notebook_of
from ..support.files import Files
from ..support.hostile import same

ORIGIN = "jmcp:robot"


TIMES = count(1_700_000_000_000_000_000, 3_000_000_000)
"""When files were written: never within one tick of the disk's clock."""


def write(path: Path, content: dict[str, Any]) -> None:
    path.write_text(json.dumps(content))
    now = next(TIMES)
    os.utime(path, ns=(now, now))


async def lived_with(folder: Path, content: dict[str, Any]) -> None:
    """Open a notebook live, let a program and an agent change it, save, and do it all again.

    The second time the server has been started again, and knows the history.
    """
    path, store = folder / "a.ipynb", folder / "history" / "a.db"
    name = None
    write(path, content)
    for turn in range(2):
        files = Files(folder)
        if name is not None:
            files.ids.con.execute("INSERT INTO Files (id, path) VALUES (?, ?)", (name, str(path)))
        room = await files.open("a.ipynb", store)
        content["cells"][-1]["source"] = f"a program {turn}"
        write(path, content)
        await room._file.maybe_notify()
        new = cells.NewCell(f"an agent {turn}", "code", f"agent{turn}")
        cells.insert(room.notebook, 0, [new], ORIGIN)
        await room.autosave.save()
        found = parsed(path.read_text())
        assert found["cells"][0]["source"] == f"an agent {turn}"
        name = room.room_id.rsplit(":", 1)[-1]
        content["cells"].insert(0, found["cells"][0])
        assert same(found) == same(content)
        await files.close(room)
        await room.store.close()


async def written_as_a_file(folder: Path, content: dict[str, Any]) -> None:
    """Let a program and an agent change a notebook without a live document."""
    path = folder / "a.ipynb"
    write(path, content)
    file = NotebookFile(Files(folder).manager, lambda: "a.ipynb", "id", lambda: None)
    await file.load()
    content["cells"][-1]["source"] = "a program"
    write(path, content)
    await file.check()
    cells.insert(file.notebook, 0, [cells.NewCell("an agent", "code", "agentid")], ORIGIN)
    await file.write()
    found = parsed(path.read_text())
    assert found["cells"].pop(0)["source"] == "an agent"
    assert same(found) == same(content)


def keeps(folder: Path, content: dict[str, Any]) -> None:
    for way in (lived_with, written_as_a_file):
        copy = json.loads(json.dumps(content))
        (folder / way.__name__).mkdir()
        asyncio.run(way(folder / way.__name__, copy))


@pytest.mark.parametrize(
    "source", [None, 7, 7.0, -0.0, True, float("nan"), 10**30, 10**400, {}, {"a": 1.0}], ids=repr
)
@pytest.mark.parametrize("cell_type", ["code", "markdown"])
def test_a_source_that_is_not_a_string_is_unchanged(
    tmp_path: Path, source: object, cell_type: str
) -> None:
    content = notebook_of("one", "two", "three")
    cell = content["cells"][0]
    cell["source"] = source
    if cell_type == "markdown":
        content["cells"][0] = {k: cell[k] for k in ("id", "source", "metadata")} | {
            "cell_type": "markdown"
        }
    keeps(tmp_path, content)


@pytest.mark.parametrize("depth", [97, 98, 99, 100, 101, 102, 150, 300])
@pytest.mark.parametrize("place", ["notebook", "cell"])
@pytest.mark.parametrize("kind", [list, dict])
def test_metadata_of_any_depth_is_unchanged(
    tmp_path: Path, depth: int, place: str, kind: type
) -> None:
    value: Any = 1
    for _ in range(depth):
        value = [value] if kind is list else {"k": value}
    content = notebook_of("one", "two", "three")
    (content if place == "notebook" else content["cells"][1])["metadata"] = {"deep": value}
    keeps(tmp_path, content)


@pytest.mark.parametrize(
    "minor",
    [5, 9, 2**53 + 1, 10**30, 10**400],
    ids=lambda n: f"{n:.0e}"[:20] if n < 10**300 else "10**400",
)
def test_a_minor_format_number_of_any_size_is_unchanged(tmp_path: Path, minor: int) -> None:
    keeps(tmp_path, notebook_of("one", "two", "three") | {"nbformat_minor": minor})


@pytest.mark.parametrize("depth", [98, 99, 100, 101, 300])
def test_deep_metadata_written_by_a_program_is_unchanged(tmp_path: Path, depth: int) -> None:
    async def play() -> None:
        path = tmp_path / "a.ipynb"
        content = notebook_of("one", "two")
        write(path, content)
        room = await Files(tmp_path).open("a.ipynb", tmp_path / "a.db")
        value: Any = 1
        for _ in range(depth):
            value = {"k": value}
        content["metadata"] = {"deep": value}
        write(path, content)
        await room._file.maybe_notify()
        cells.insert(room.notebook, 0, [cells.NewCell("an agent", "code", "agent")], ORIGIN)
        await room.autosave.save()
        assert parsed(path.read_text())["metadata"] == content["metadata"]
        await room.store.close()

    asyncio.run(play())
