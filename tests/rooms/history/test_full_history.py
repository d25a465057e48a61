"""A history that the disk has no room for: what the file says is never taken back."""

from __future__ import annotations

import asyncio
import json
import sqlite3
from collections.abc import Iterator
from itertools import count
from pathlib import Path

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from jmcp_lab.notebooks import cells
from jmcp_lab.rooms.history.document_store import DocumentStore
from jmcp_lab.rooms.live_room import LiveRoom
from jmcp_lab.text.three_way_merge import Splice

from ...support.desk import notebook_of
from ...support.files import Files

PAGE = 4096
ROOM = 200 * PAGE

STEPS = {
    "an agent writes": 3,
    "a figure comes": 3 * ROOM,
    "the disk is full": 0,
    "the disk has room": 0,
    "it is saved": 0,
    "the history is written": 0,
}


class Crowded:
    """A notebook, and a disk with little room for its history."""

    def __init__(self, folder: Path) -> None:
        folder.mkdir()
        self.folder = folder
        self.where = folder / "a.ipynb"
        self.where.write_text(json.dumps(notebook_of("one", "two")))
        self.store = folder / "history" / "a.db"
        self.written = 0
        self.room: LiveRoom

    async def starts(self) -> None:
        files = Files(self.folder)
        known = "INSERT INTO Files (id, path) VALUES (?, ?)"
        files.ids.con.execute(known, ("the-file", str(self.where)))
        self.room = await files.open("a.ipynb", self.store)
        self.files = files

    async def does(self, step: str) -> None:
        room = self.room
        if step == "an agent writes":
            self.written += 1
            cells.edit(room.notebook, "c0", [Splice(0, 0, f"<{self.written}>")], "jmcp:a")
        elif step == "a figure comes":
            data = {"text/plain": "x" * STEPS[step]}
            figure = {"output_type": "display_data", "metadata": {}, "data": data}
            cells.set_outputs(room.notebook, "c1", [figure], 1, "jmcp:exec")
        elif step == "the disk is full":
            limit(room.store, ROOM)
        elif step == "the disk has room":
            limit(room.store, 100 * ROOM)
        elif step == "it is saved":
            await room.autosave.save()
        else:
            await room.store.flush()

    async def is_killed(self) -> None:
        room = self.room
        assert room._followed is not None
        room.ydoc.unobserve(room._followed)
        room._followed = None
        room.autosave.close()
        room.autosave._saved = room.autosave._changes
        connection, room.store._connection = room.store._connection, None
        assert connection is not None
        connection.close()
        await self.files.close(room)

    def on_disk(self) -> list[object]:
        content = json.loads(self.where.read_text())
        return [["".join(cell["source"]), cell["outputs"]] for cell in content["cells"]]


def limit(store: DocumentStore, size: int) -> None:
    """Let the database have no room beyond a size."""
    connection = store._connection
    assert connection is not None
    connection.execute(f"PRAGMA max_page_count = {size // PAGE}")


NUMBERS = count()


@pytest.fixture(scope="module")
def disk(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[asyncio.Runner, Path]]:
    with pytest.MonkeyPatch.context() as patch, asyncio.Runner() as runner:
        patch.setattr("os.fsync", lambda _file: None)
        yield runner, tmp_path_factory.mktemp("crowded")


@given(steps=st.lists(st.sampled_from([*STEPS]), max_size=12), killed=st.booleans())
@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])
# The figure does not fit, and what comes after it does.
@example(
    steps=["the disk is full", "an agent writes", "a figure comes", "it is saved"], killed=True
)
@example(
    steps=["the disk is full", "an agent writes", "a figure comes", "it is saved"], killed=False
)
@example(
    steps=[
        *("the disk is full", "a figure comes", "the history is written", "an agent writes"),
        *("it is saved", "the disk has room"),
    ],
    killed=False,
)
def test_a_restart_reverts_nothing_saved_while_the_history_could_not_be_written(
    disk: tuple[asyncio.Runner, Path], steps: list[str], killed: bool
) -> None:
    runner, folder = disk

    async def play() -> None:
        crowded = Crowded(folder / str(next(NUMBERS)))
        await crowded.starts()
        for step in steps:
            await crowded.does(step)
        await crowded.room.autosave.save()
        saved = crowded.on_disk()
        await (crowded.is_killed() if killed else crowded.files.close(crowded.room))
        await crowded.starts()
        await crowded.room.autosave.save()
        assert crowded.on_disk() == saved
        assert crowded.room.copies == []
        await crowded.files.close(crowded.room)

    runner.run(play())


async def test_a_recreated_document_is_never_stored_under_the_name_of_the_previous_one(
    tmp_path: Path,
) -> None:
    store = DocumentStore(tmp_path / "a.db")
    await store.open()
    store.follow(lambda: b"the document before")
    store.restart("before")
    store.checkpoint(complete=True)
    await store.flush()
    connection = store._connection
    assert connection is not None
    connection.set_authorizer(refuse)
    store.restart("after")
    store.follow(lambda: b"the document after")
    await store.flush()
    connection.set_authorizer(None)
    await store.flush()
    await store.close()
    stored = await store.open()
    await store.close()
    assert (stored.updates, stored.history) == ([b"the document after"], "after")


def refuse(*_arguments: object) -> int:
    return sqlite3.SQLITE_DENY
