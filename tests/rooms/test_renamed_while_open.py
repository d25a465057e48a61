"""A page's notebook is saved wherever the file browser has moved it, and nowhere else."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest
from traitlets.config import Config

from jmcp_lab.extension import JmcpLab
from jmcp_lab.rooms.moved_files import MovedFiles
from jmcp_lab.rooms.rooms import Rooms
from jmcp_lab.rooms.upstream.ydoc_server import room_id

from ..support.robots import Robot, open_as_page, write_notebook
from ..support.room_page import Fetch, OpenPage, Page, until
from .test_files import rename


@pytest.fixture(params=["ArbitraryFileIdManager", "LocalFileIdManager"])
def jp_server_config(jp_server_config: Config, request: pytest.FixtureRequest) -> Config:
    name = f"jupyter_server_fileid.manager.{request.param}"
    return jp_server_config | Config({"FileIdExtension": {"file_id_manager_class": name}})


async def saved(app: JmcpLab, page: Page, path: str) -> None:
    """Save the document that the server has at a path, once that says what the page shows."""
    assert isinstance(app.rooms, Rooms)
    upstream = app.rooms._upstream
    room = upstream.room(room_id(str(upstream.file_id(path))))
    assert room is not None
    cells = room.notebook.ycells
    await until(lambda: [str(cell["source"]) for cell in cells] == page.texts())
    assert await upstream.save(room)


def sources(root: Path) -> dict[str, list[str]]:
    """Return what each notebook on the disk says."""
    found = {}
    for path in sorted(root.rglob("*.ipynb")):
        if ".ipynb_checkpoints" not in path.parts:
            # One that is just being written is empty for a moment.
            said = json.loads(path.read_text() or '{"cells": []}')
            found[str(path.relative_to(root))] = ["".join(c["source"]) for c in said["cells"]]
    return found


def texts(root: Path) -> dict[str, str]:
    return {path.name: path.read_text() for path in root.glob("*.txt")}


def follow_moved_files(app: JmcpLab) -> None:
    """Do what a server does as it starts."""
    assert isinstance(app.rooms, Rooms)
    assert app.serverapp is not None
    MovedFiles(app.rooms._upstream, app.services.contents, app.rooms.notices).listen(app.serverapp)


@pytest.mark.parametrize(("old", "new"), [("proj", "proj v1"), ("proj [v1]", "other")])
async def test_a_folder_is_renamed_while_a_page_has_a_notebook_in_it_open(
    root: Path, app: JmcpLab, jp_fetch: Fetch, open_page: OpenPage, old: str, new: str
) -> None:
    write_notebook(root, f"{old}/in/a.ipynb", "x = 1")
    page = await open_page(f"{old}/in/a.ipynb")
    await rename(jp_fetch, old, new)
    page.type(0, "typed ")
    await saved(app, page, f"{new}/in/a.ipynb")
    assert sources(root) == {f"{new}/in/a.ipynb": ["typed x = 1"]}


async def test_a_folder_named_like_a_pattern_is_deleted_beside_an_open_notebook(
    root: Path, app: JmcpLab, jp_fetch: Fetch, open_page: OpenPage
) -> None:
    write_notebook(root, "exp1/a.ipynb", "x = 1")
    (root / "exp[12]").mkdir()
    page = await open_page("exp1/a.ipynb")
    await jp_fetch("api", "contents", "exp[12]", method="DELETE")
    page.type(0, "typed ")
    await saved(app, page, "exp1/a.ipynb")
    assert sources(root) == {"exp1/a.ipynb": ["typed x = 1"]}


async def test_a_notebook_is_renamed_to_a_name_that_a_shell_has_freed(
    robot: Robot, root: Path, app: JmcpLab, jp_fetch: Fetch, open_page: OpenPage
) -> None:
    write_notebook(root, "b.ipynb", "old")
    await (await open_page("b.ipynb")).close()
    # Made before the other goes, whose number on the disk it would be given otherwise.
    write_notebook(root, "a.ipynb", "x = 1")
    os.unlink(root / "b.ipynb")
    page = await open_page("a.ipynb")
    await rename(jp_fetch, "a.ipynb", "b.ipynb")
    page.type(0, "typed ")
    await saved(app, page, "b.ipynb")
    assert "typed x = 1" in await robot.say("read_cells", notebook="b.ipynb")
    assert sources(root) == {"b.ipynb": ["typed x = 1"]}


@pytest.mark.parametrize(("old", "new"), [("in/a.ipynb", "in/b.ipynb"), ("in", "out")])
async def test_a_notebook_moved_by_a_shell_is_saved_at_its_new_path(
    root: Path, app: JmcpLab, open_page: OpenPage, old: str, new: str
) -> None:
    follow_moved_files(app)
    write_notebook(root, "in/a.ipynb", "x = 1")
    page = await open_page("in/a.ipynb")
    place = new if new.endswith(".ipynb") else f"{new}/a.ipynb"
    page.type(0, "typed ")
    await until(lambda: sources(root) == {"in/a.ipynb": ["typed x = 1"]})
    os.rename(root / old, root / new)
    page.type(0, "more ")
    await until(lambda: sources(root) == {place: ["more typed x = 1"]})
    await until(lambda: not app.rooms.troubles().unsaved)


async def test_a_text_file_moved_by_a_shell_is_saved_at_its_new_path(
    robot: Robot, root: Path, app: JmcpLab
) -> None:
    follow_moved_files(app)
    (root / "a.txt").write_text("one\n")
    await open_as_page(robot, "a.txt")
    assert isinstance(app.rooms, Rooms)
    (room,) = app.rooms._upstream.live_rooms()
    room.document.source = "typed one\n"
    assert await app.rooms._upstream.save(room)
    os.rename(root / "a.txt", root / "b.txt")
    room.document.source = "more typed one\n"
    await until(lambda: texts(root) == {"b.txt": "more typed one\n"})


# The other goes by the number of a file on the disk alone.
@pytest.mark.parametrize("jp_server_config", ["ArbitraryFileIdManager"], indirect=True)
async def test_a_notebook_deleted_by_a_shell_is_not_mistaken_for_another(
    root: Path, app: JmcpLab, open_page: OpenPage
) -> None:
    follow_moved_files(app)
    write_notebook(root, "a.ipynb", "x = 1")
    page = await open_page("a.ipynb")
    page.type(0, "typed ")
    await until(lambda: sources(root) == {"a.ipynb": ["typed x = 1"]})
    os.unlink(root / "a.ipynb")
    # On many disks it is given the number that has become free.
    write_notebook(root, "b.ipynb", "another")
    page.type(0, "more ")
    await until(lambda: bool(app.rooms.troubles().unsaved))
    assert sources(root) == {"b.ipynb": ["another"]}
