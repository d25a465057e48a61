"""A file that is renamed, moved or deleted while it is written is in one place afterwards."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest
from jupyter_server.services.contents.largefilemanager import AsyncLargeFileManager
from traitlets.config import Config

from jmcp_lab.extension import JmcpLab
from jmcp_lab.files import moves
from jmcp_lab.rooms.rooms import Rooms

from ..rooms.test_files import rename
from ..rooms.test_renamed_while_open import sources, texts
from ..support.robots import Robot, write_notebook
from ..support.room_page import Fetch, OpenPage, until


@pytest.fixture(params=[False, True], ids=["live", "files alone"])
def jp_server_config(jp_server_config: Config, request: pytest.FixtureRequest) -> Config:
    return jp_server_config | Config({"YDocExtension": {"disable_rtc": request.param}})


class SlowDisk:
    """A disk that begins to write, and goes on when the test says so."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.begun = asyncio.Event()
        self._on = asyncio.Event()
        for name in ("_save_notebook", "_save_file"):
            plain = getattr(AsyncLargeFileManager, name)
            monkeypatch.setattr(AsyncLargeFileManager, name, self._slow(plain))

    def _slow(self, write: Callable[..., Awaitable[Any]]) -> Callable[..., Awaitable[Any]]:
        async def slow(*arguments: Any, **options: Any) -> Any:  # noqa: ANN401
            self.begun.set()
            await self._on.wait()
            return await write(*arguments, **options)

        return slow

    async def meanwhile(self, move: Awaitable[Any]) -> None:
        """Do something while the file is written, as far as that goes, and let both end."""
        await self.begun.wait()
        task = asyncio.ensure_future(move)
        await until(lambda: task.done() or bool(moves._moves))
        self._on.set()
        await task


@pytest.mark.parametrize(
    ("old", "new"), [("a.ipynb", "b.ipynb"), ("in/a.ipynb", "b.ipynb"), ("in", "out")]
)
async def test_an_agents_change_moves_with_the_notebook(
    robot: Robot,
    root: Path,
    jp_fetch: Fetch,
    monkeypatch: pytest.MonkeyPatch,
    old: str,
    new: str,
) -> None:
    path = old if old.endswith(".ipynb") else f"{old}/a.ipynb"
    place = new if new.endswith(".ipynb") else f"{new}/a.ipynb"
    write_notebook(root, path, "x = 1")
    await robot.say("use_notebook", notebook=path)
    disk = SlowDisk(monkeypatch)
    task = robot.start("insert_cell", source="the agent's work")
    await disk.meanwhile(rename(jp_fetch, old, new))
    assert not (await task).is_error
    await robot.say("insert_cell", source="and more")
    wanted = {place: ["x = 1", "the agent's work", "and more"]}
    await robot.app.rooms.save(await robot.open(place))
    assert sources(root) == wanted


@pytest.mark.parametrize("place", ["b.txt", None], ids=["renamed", "deleted"])
async def test_a_moved_text_file_exists_in_one_place(
    robot: Robot,
    root: Path,
    jp_fetch: Fetch,
    monkeypatch: pytest.MonkeyPatch,
    place: str | None,
) -> None:
    disk = SlowDisk(monkeypatch)
    task = robot.start("write_file", path="a.txt", content="the agent's work")
    if place is None:
        await disk.meanwhile(jp_fetch("api", "contents", "a.txt", method="DELETE"))
    else:
        await disk.meanwhile(rename(jp_fetch, "a.txt", place))
    assert not (await task).is_error
    assert texts(root) == ({} if place is None else {place: "the agent's work"})


# Where files are alone, the page saves by itself.
@pytest.mark.parametrize("jp_server_config", [False], ids=["live"], indirect=True)
async def test_typed_text_moves_with_the_notebook(
    root: Path,
    app: JmcpLab,
    jp_fetch: Fetch,
    open_page: OpenPage,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    assert isinstance(app.rooms, Rooms)
    write_notebook(root, "Untitled.ipynb", "x = 1")
    page = await open_page("Untitled.ipynb")
    disk = SlowDisk(monkeypatch)
    page.type(0, "typed ")
    await disk.meanwhile(rename(jp_fetch, "Untitled.ipynb", "analysis.ipynb"))
    (room,) = app.rooms._upstream.live_rooms()
    assert await app.rooms._upstream.save(room)
    await room._file.maybe_notify()
    assert page.texts() == ["typed x = 1"]
    assert sources(root) == {"analysis.ipynb": ["typed x = 1"]}
