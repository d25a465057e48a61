"""Reads and writes of one file wait for each other, not for other files, and not for ever."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import nbformat
import pytest
from jupyter_server.services.contents.largefilemanager import LargeFileManager

from jmcp_lab.files import moves
from jmcp_lab.files.reads_and_writes import take_turns
from jmcp_lab.files.save_lock import saving

from ..support.desk import notebook_of, sit_down


class Manager:
    """A contents manager that says what it does, and does it when the test lets it."""

    root_dir = ""

    def __init__(self) -> None:
        self.done: list[str] = []
        self.go = asyncio.Event()
        take_turns(self)

    async def get(self, path: str, content: bool = True) -> None:
        await self._work(f"read {path}" if content else f"looked at {path}")

    async def save(self, model: str, path: str = "") -> None:
        # As one does that compares what it writes with what is there.
        await self.get(path)
        await self._work(f"wrote {path}")

    async def restore_checkpoint(self, checkpoint_id: str, path: str) -> None:
        await self._work(f"restored {path}")

    async def _work(self, what: str) -> None:
        self.done.append(f"begins: {what}")
        await self.go.wait()
        self.done.append(what)


async def turns() -> None:
    """Let everybody go as far as they can without the test."""
    for _ in range(30):
        await asyncio.sleep(0)


def play(first: str, second: str) -> list[str]:
    """Begin two things, and return what was done by the time the first was let go on."""

    async def both() -> list[str]:
        manager: Any = Manager()
        works = {
            "read": lambda: manager.get("a"),
            "look": lambda: manager.get("a", content=False),
            "other": lambda: manager.get("b"),
            "write": lambda: manager.save("model", "a"),
            "restore": lambda: manager.restore_checkpoint("1", "/a"),
        }
        tasks = []
        for name in (first, second):
            tasks.append(asyncio.create_task(works[name]()))
            await turns()
        begun = list(manager.done)
        manager.go.set()
        await asyncio.gather(*tasks)
        return begun

    return asyncio.run(both())


@pytest.mark.parametrize(
    ("first", "second"),
    [
        *(("write", "read"), ("restore", "read"), ("read", "write"), ("read", "restore")),
        *(("write", "write"), ("write", "restore"), ("restore", "write")),
    ],
)
def test_reads_and_writes_of_one_file_wait_for_each_other(first: str, second: str) -> None:
    assert len(play(first, second)) == 1


@pytest.mark.parametrize(
    ("first", "second"),
    [("read", "read"), ("write", "look"), ("write", "other"), ("other", "write")],
)
def test_unrelated_reads_and_writes_do_not_wait(first: str, second: str) -> None:
    assert len(play(first, second)) == 2


def test_a_save_that_is_part_of_another_one_does_not_wait_for_it() -> None:
    async def both() -> list[str]:
        manager: Any = Manager()
        manager.go.set()
        take_turns(manager)
        async with asyncio.timeout(moves.WAIT_SECONDS / 2):
            await manager.save("model", "a")
            await manager.get("a")
        return manager.done

    assert asyncio.run(both())[-1] == "read a"


def test_the_holder_of_a_write_lock_does_not_wait_for_itself() -> None:
    async def both() -> list[str]:
        manager: Any = Manager()
        manager.go.set()
        async with saving(manager, "a"):
            await manager.get("a")
            await asyncio.create_task(manager.save("model", "a"))
        return manager.done

    assert asyncio.run(both())[-1] == "wrote a"


@pytest.mark.parametrize(("first", "second"), [("write", "read"), ("read", "write")])
def test_neither_waits_forever_for_a_disk_that_does_not_respond(
    monkeypatch: pytest.MonkeyPatch, first: str, second: str
) -> None:
    monkeypatch.setattr(moves, "WAIT_SECONDS", 0.0)
    assert len(play(first, second)) == 2


@pytest.mark.parametrize("times", [1, 2])
async def test_a_save_that_another_server_undoes_by_reading_is_done_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, times: int
) -> None:
    desk = await sit_down(tmp_path, notebook_of("one", "two"))
    write, reads = nbformat.write, []

    def reads_meanwhile(*arguments: Any, **options: Any) -> None:
        if len(reads) < times:
            reads.append(LargeFileManager(root_dir=str(tmp_path)).get("a.ipynb"))
        write(*arguments, **options)

    monkeypatch.setattr(nbformat, "write", reads_meanwhile)
    desk.type("c0", "typed ")
    await desk.save()
    await desk.look()
    assert desk.sources == {"c0": "typed one", "c1": "two"}
    assert "typed one" in (tmp_path / "a.ipynb").read_text()
    assert len(reads) == times
    await desk.files.close(desk.room)


async def test_a_manager_that_writes_to_a_temporary_file_saves_the_same_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    desk = await sit_down(tmp_path, notebook_of("one"))
    write = nbformat.write

    def writes_aside(notebook: object, file: object, *arguments: Any, **options: Any) -> None:
        aside = tmp_path / "aside"
        write(notebook, aside, *arguments, **options)
        aside.replace(desk.path)

    monkeypatch.setattr(nbformat, "write", writes_aside)
    for _ in range(3):
        await desk.save()
    await desk.files.close(desk.room)
