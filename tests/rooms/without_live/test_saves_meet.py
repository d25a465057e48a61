"""Without live documents, a person's save and an agent's write meet: both are in the file."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable, Callable
from pathlib import Path

import nbformat
import pytest
from jupyter_server.services.contents.largefilemanager import AsyncLargeFileManager
from nbformat import NotebookNode
from traitlets.config import Config

from jmcp_lab.extension import JmcpLab

from ...support.robots import Robot, write_notebook
from ...support.room_page import Fetch, until

AGENT = "the agent's work"
TYPED = "x = 1  # typed"


@pytest.fixture
def jp_server_config(jp_server_config: Config) -> Config:
    return jp_server_config | Config({"YDocExtension": {"disable_rtc": True}})


class Drive:
    """A drive whose first write stops in the middle until it is let go."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.reached = asyncio.Event()
        self.free = asyncio.Event()
        plain: Callable[..., Awaitable[object]] = AsyncLargeFileManager._save_notebook
        drive = self

        async def save(self: AsyncLargeFileManager, *args: object, **how: object) -> object:
            drive.reached.set()
            await drive.free.wait()
            return await plain(self, *args, **how)

        monkeypatch.setattr(AsyncLargeFileManager, "_save_notebook", save)


def sources(path: Path) -> list[str]:
    try:
        return [str(cell.source) for cell in nbformat.read(path, 4).cells]
    except nbformat.reader.NotJSONError:
        # It is being written.
        return []


async def save(fetch: Fetch, content: NotebookNode) -> None:
    """Save a notebook as a page without live documents does: the whole file."""
    body = json.dumps({"type": "notebook", "format": "json", "content": content})
    await fetch("api", "contents", "a.ipynb", method="PUT", body=body)


async def shown(robot: Robot, root: Path, *texts: str) -> NotebookNode:
    """Return what a page shows of a new notebook that an agent has read."""
    write_notebook(root, "a.ipynb", *texts)
    await robot.say("read_cells", notebook="a.ipynb")
    return nbformat.read(root / "a.ipynb", 4)


WORK = {
    "insert": ("insert_cell", {"source": AGENT}, [TYPED, "y", "z", AGENT]),
    "edit": ("overwrite_cell_source", {"cell": 1, "source": AGENT}, [TYPED, AGENT, "z"]),
    "delete": ("delete_cell", {"cells": 1}, [TYPED, "z"]),
    "move": ("move_cell", {"cells": 2, "index": 1}, [TYPED, "z", "y"]),
}


@pytest.mark.parametrize("work", WORK)
@pytest.mark.parametrize("during", [True, False], ids=["while it is written", "just after"])
async def test_a_pages_save_unaware_of_the_agents_write_keeps_it(
    robot: Robot,
    root: Path,
    jp_fetch: Fetch,
    monkeypatch: pytest.MonkeyPatch,
    work: str,
    during: bool,
) -> None:
    tool, arguments, wanted = WORK[work]
    page = await shown(robot, root, "x = 1", "y", "z")
    if isinstance(cell := arguments.get("cell", arguments.get("cells")), int):
        key = "cell" if "cell" in arguments else "cells"
        arguments = arguments | {key: page.cells[cell].id}
    page.cells[0].source = TYPED
    drive = Drive(monkeypatch)
    task = robot.start(tool, notebook="a.ipynb", **arguments)
    await drive.reached.wait()
    if during:
        saving = asyncio.create_task(save(jp_fetch, page))
        drive.free.set()
        await saving
    else:
        drive.free.set()
        await task
        await save(jp_fetch, page)
    reply = await task
    assert not reply.is_error, reply.text
    await until(lambda: sources(root / "a.ipynb") == wanted)


async def test_an_agents_write_waits_for_a_running_save(
    robot: Robot, root: Path, app: JmcpLab, jp_fetch: Fetch, monkeypatch: pytest.MonkeyPatch
) -> None:
    page = await shown(robot, root, "x = 1", "y")
    page.cells[0].source = TYPED
    drive = Drive(monkeypatch)
    saving = asyncio.create_task(save(jp_fetch, page))
    await drive.reached.wait()
    task = robot.start("insert_cell", notebook="a.ipynb", source=AGENT)
    await until(lambda: app.rooms.find("a.ipynb").edited)
    drive.free.set()
    await saving
    assert not (await task).is_error
    await until(lambda: sources(root / "a.ipynb") == [TYPED, "y", AGENT])


async def test_text_that_a_person_saw_and_deleted_stays_deleted(
    robot: Robot, root: Path, jp_fetch: Fetch
) -> None:
    await shown(robot, root, "x = 1", "y")
    await robot.say("insert_cell", notebook="a.ipynb", source=AGENT)
    response = await jp_fetch("api", "contents", "a.ipynb")
    page = json.loads(response.body)["content"]
    del page["cells"][2]
    await save(jp_fetch, page)
    assert AGENT not in await robot.say("read_cells", notebook="a.ipynb")
    await robot.say("insert_cell", notebook="a.ipynb", source="last")
    assert sources(root / "a.ipynb") == ["x = 1", "y", "last"]


async def test_several_writes_that_a_page_has_not_read_are_all_kept(
    robot: Robot, root: Path, jp_fetch: Fetch
) -> None:
    page = await shown(robot, root, "x = 1", "y")
    page.cells[0].source = TYPED
    y = page.cells[1].id
    await robot.say("insert_cell", notebook="a.ipynb", source=AGENT)
    await robot.say("overwrite_cell_source", notebook="a.ipynb", cell=y, source="y = 2")
    await save(jp_fetch, page)
    await until(lambda: sources(root / "a.ipynb") == [TYPED, "y = 2", AGENT])


async def test_a_save_of_the_same_content_changes_nothing(
    robot: Robot, root: Path, jp_fetch: Fetch
) -> None:
    await shown(robot, root, "x = 1", "y")
    await robot.say("insert_cell", notebook="a.ipynb", source=AGENT)
    await save(jp_fetch, nbformat.read(root / "a.ipynb", 4))
    content = json.loads((root / "a.ipynb").read_text())
    del content["cells"][2]
    (root / "a.ipynb").write_text(json.dumps(content))
    assert AGENT not in await robot.say("read_cells", notebook="a.ipynb")
