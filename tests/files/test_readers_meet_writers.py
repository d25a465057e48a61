"""Who reads a notebook while it is written, or writes it meanwhile, undoes nothing of it."""

from __future__ import annotations

import asyncio
import json
import threading
from collections.abc import Awaitable, Callable, Iterator
from pathlib import Path
from typing import Any

import nbformat
import pytest
from traitlets.config import Config

from jmcp_lab.files import moves
from jmcp_lab.files import reads_and_writes as turns

from ..rooms.test_renamed_while_open import sources
from ..support.robots import LIMIT, Robot, write_notebook
from ..support.room_page import Fetch, until

A = "api/contents/a.ipynb"


@pytest.fixture(params=[False, True], ids=["live", "files alone"])
def jp_server_config(jp_server_config: Config, request: pytest.FixtureRequest) -> Config:
    return jp_server_config | Config({"YDocExtension": {"disable_rtc": request.param}})


class SlowDisk:
    """Has emptied the file that is written, and fills it when the test says so."""

    def __init__(self) -> None:
        self.emptied = threading.Event()
        self.goes_on = threading.Event()
        self.waiting = 0

    def write(self, *arguments: Any, **options: Any) -> None:
        # The tests write in the main thread, the server in others.
        if threading.current_thread() is not threading.main_thread():
            self.emptied.set()
            assert self.goes_on.wait(LIMIT)
        write(*arguments, **options)

    async def ended(self, *arguments: Any) -> bool:
        """Wait for somebody else's read or write."""
        self.waiting += self.emptied.is_set()
        return await ended(*arguments)


write: Callable[..., None] = nbformat.write
ended = turns.ended


@pytest.fixture
def disk(monkeypatch: pytest.MonkeyPatch) -> Iterator[SlowDisk]:
    disk = SlowDisk()
    monkeypatch.setattr(nbformat, "write", disk.write)
    monkeypatch.setattr(turns, "ended", disk.ended)
    yield disk
    disk.goes_on.set()


def invalid(root: Path) -> list[Path]:
    """Return what jupyter-server has put aside."""
    return list(root.rglob("*.invalid"))


async def meanwhile(disk: SlowDisk, work: Callable[[], Awaitable[Any]]) -> Any:  # noqa: ANN401
    """Do something while the file is empty, as far as that goes, and let both end."""
    await until(disk.emptied.is_set)
    task = asyncio.ensure_future(work())
    await until(lambda: task.done() or disk.waiting > 0 or len(moves._saves) > 1)
    disk.goes_on.set()
    return await task


READS = {
    "opens it": ("GET", A, None),
    "copies it": ("POST", "api/contents/", {"copy_from": "a.ipynb"}),
    "makes a checkpoint": ("POST", f"{A}/checkpoints", {}),
}


@pytest.mark.parametrize("read", READS)
async def test_an_agents_changes_are_saved_while_others_read_the_file(
    robot: Robot, root: Path, jp_fetch: Fetch, disk: SlowDisk, read: str
) -> None:
    write_notebook(root, "a.ipynb", "x = 1")
    await robot.say("use_notebook", notebook="a.ipynb")
    task = robot.start("insert_cell", source="the agent's work")
    method, path, body = READS[read]
    content = None if body is None else json.dumps(body)
    reply = await meanwhile(disk, lambda: jp_fetch(path, method=method, body=content))
    assert json.loads(reply.body)
    assert not (await task).is_error
    await robot.say("insert_cell", source="and more")
    await robot.app.rooms.save(await robot.open("a.ipynb"))
    assert sources(root)["a.ipynb"] == ["x = 1", "the agent's work", "and more"]
    assert not invalid(root)


async def test_a_programs_save_during_an_agents_save_is_kept(
    robot: Robot, root: Path, jp_fetch: Fetch, disk: SlowDisk
) -> None:
    write_notebook(root, "a.ipynb", "x = 1")
    model = json.loads((await jp_fetch(A)).body)
    model["content"]["cells"].append(nbformat.v4.new_code_cell("a program's work"))
    await robot.say("use_notebook", notebook="a.ipynb")
    task = robot.start("insert_cell", source="the agent's work")
    await meanwhile(disk, lambda: jp_fetch(A, method="PUT", body=json.dumps(model)))
    assert not (await task).is_error
    await robot.app.rooms.save(await robot.open("a.ipynb"))
    assert "a program's work" in sources(root)["a.ipynb"]


async def test_an_agents_read_undoes_no_save_of_a_page(
    robot: Robot, root: Path, jp_fetch: Fetch, disk: SlowDisk
) -> None:
    write_notebook(root, "a.ipynb", "x = 1")
    model = json.loads((await jp_fetch(A)).body)
    model["content"]["cells"][0]["source"] = "x = 2"
    save = asyncio.ensure_future(jp_fetch(A, method="PUT", body=json.dumps(model)))
    reply = await meanwhile(disk, lambda: robot.say("read_cells", notebook="a.ipynb"))
    await save
    assert "x = 2" in reply
    assert sources(root)["a.ipynb"] == ["x = 2"]
    assert not invalid(root)
