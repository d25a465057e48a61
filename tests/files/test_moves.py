"""Saves and moves of a file wait for each other, and not for ever."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path

import pytest
from pycrdt import Text

from jmcp_lab.files import moves
from jmcp_lab.files.moves import let_moves_wait, staying
from jmcp_lab.notebooks import cells
from jmcp_lab.rooms.content_versions import ContentVersion

from ..support.desk import notebook_of
from ..support.files import Files


class Manager:
    """A contents manager that says what it does, and moves when the test lets it."""

    root_dir = ""

    def __init__(self) -> None:
        self.done: list[str] = []
        self.may_move = asyncio.Event()
        self.may_move.set()
        let_moves_wait(self)

    async def rename(self, old_path: str, new_path: str) -> None:
        self.done.append(f"begins to move {old_path}")
        await self.may_move.wait()
        self.done.append(f"moved {old_path}")

    async def delete(self, path: str) -> None:
        self.done.append(f"deleted {path}")

    async def save(self, path: str, until: asyncio.Event) -> None:
        async with staying(self, path):
            await until.wait()
            self.done.append(f"saved {path}")


async def turns() -> None:
    """Let everybody go as far as they can without the test."""
    for _ in range(20):
        await asyncio.sleep(0)


@pytest.mark.parametrize("moved", ["in/a.ipynb", "in", "/in/"])
def test_a_move_waits_until_its_file_is_saved(moved: str) -> None:
    async def play() -> list[str]:
        manager, go = Manager(), asyncio.Event()
        save = asyncio.create_task(manager.save("in/a.ipynb", go))
        await turns()
        move = asyncio.create_task(manager.rename(old_path=moved, new_path="b"))
        gone = asyncio.create_task(manager.delete(moved))
        await turns()
        go.set()
        await asyncio.gather(save, move, gone)
        return manager.done

    assert asyncio.run(play())[0] == "saved in/a.ipynb"


@pytest.mark.parametrize("moved", ["i", "in/a.ipynb.txt", "in/b.ipynb", "inner"])
def test_a_move_does_not_wait_for_the_saves_of_other_files(moved: str) -> None:
    async def play() -> list[str]:
        manager, go = Manager(), asyncio.Event()
        save = asyncio.create_task(manager.save("in/a.ipynb", go))
        await turns()
        await manager.rename(moved, "b")
        go.set()
        await save
        return manager.done

    assert asyncio.run(play())[-1] == "saved in/a.ipynb"


def test_a_save_waits_until_the_move_has_finished() -> None:
    async def play() -> list[str]:
        manager, go = Manager(), asyncio.Event()
        manager.may_move.clear()
        go.set()
        move = asyncio.create_task(manager.rename("in", "out"))
        await turns()
        save = asyncio.create_task(manager.save("in/a.ipynb", go))
        await turns()
        manager.may_move.set()
        await asyncio.gather(save, move)
        return manager.done

    assert asyncio.run(play()) == ["begins to move in", "moved in", "saved in/a.ipynb"]


def test_neither_waits_forever_for_a_disk_that_does_not_respond(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(moves, "WAIT_SECONDS", 0.0)
    monkeypatch.setattr(moves, "_saves", {})
    monkeypatch.setattr(moves, "_moves", {})

    async def play() -> None:
        manager, never = Manager(), asyncio.Event()
        save = asyncio.create_task(manager.save("a.ipynb", never))
        await turns()
        await manager.rename("a.ipynb", "b.ipynb")
        assert manager.done[-1] == "moved a.ipynb"
        manager.may_move.clear()
        move = asyncio.create_task(manager.rename("c.ipynb", "d.ipynb"))
        await turns()
        with pytest.raises(OSError, match="taken too long"):
            await manager.save("c.ipynb", never)
        for task in (save, move):
            task.cancel()
        await asyncio.gather(save, move, return_exceptions=True)

    asyncio.run(play())
    assert not moves._saves
    assert not moves._moves


@pytest.mark.parametrize("kind", [("json", "notebook"), ("text", "file")])
async def test_a_file_moved_by_a_synchronous_manager_during_a_save_does_not_reappear(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, kind: tuple[str, str]
) -> None:
    files = Files(tmp_path)
    (tmp_path / "a.ipynb").write_text(json.dumps(notebook_of("one")))
    room = await files.open("a.ipynb", kind=kind)
    store = room.about_to_write

    async def stores_and_lets_others_move(version: ContentVersion) -> None:
        await store(version)
        monkeypatch.undo()
        await files.rename("a.ipynb", "b.ipynb")

    monkeypatch.setattr(room, "about_to_write", stores_and_lets_others_move)
    if kind[1] == "notebook":
        cells.shared(room.notebook, "c0")["source"].insert(0, "typed ")
    else:
        room.ydoc.get("source", type=Text).insert(0, "typed ")
    await room.autosave.save()
    assert not (tmp_path / "a.ipynb").exists()
    assert "typed " in (tmp_path / "b.ipynb").read_text()
    await files.close(room)
