"""An agent always knows which file it works in: names come and go, files stay."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import pytest
from tornado.httpclient import HTTPClientError

from ..rooms.test_files import rename, source
from ..support.robots import Robot, write_notebook
from ..support.room_page import Fetch


async def test_an_agent_follows_a_renamed_notebook_although_another_took_its_name(
    robot: Robot, root: Path, jp_fetch: Fetch
) -> None:
    (cell,) = write_notebook(root, "a.ipynb", "x = 1")
    await robot.say("use_notebook", notebook="a.ipynb")
    await robot.say("read_cells")
    await rename(jp_fetch, "a.ipynb", "b.ipynb")
    (other,) = write_notebook(root, "a.ipynb", "another")
    said = await robot.say("overwrite_cell_source", cell=cell, source="x = 2")
    assert "'a.ipynb' was renamed to 'b.ipynb', which is now your current notebook" in said
    assert robot.agent.current == "b.ipynb"
    notebook = await robot.open("b.ipynb")
    await robot.app.rooms.save(notebook)
    assert (source(root / "b.ipynb"), source(root / "a.ipynb")) == ("x = 2", "another")
    # Told once.
    assert "was renamed" not in await robot.say("list_cells")
    # By its name it gets the other one, and is told so.
    said = await robot.say("read_cell", notebook="a.ipynb", cell=other)
    assert "'a.ipynb' is not the notebook that you used under this name" in said
    assert "that one is now 'b.ipynb'" in said
    assert "is not the notebook" not in await robot.say("list_cells", notebook="a.ipynb")


async def test_an_agent_is_told_when_a_shell_replaces_its_notebook(
    robot: Robot, root: Path
) -> None:
    (cell,) = write_notebook(root, "a.ipynb", "x = 1")
    await robot.say("use_notebook", notebook="a.ipynb")
    await robot.say("read_cells")
    os.rename(root / "a.ipynb", root / "b.ipynb")
    shutil.copy(root / "b.ipynb", root / "a.ipynb")
    said = await robot.say("edit_cell", cell=cell, edits=[{"old": "1", "new": "2"}])
    assert "'a.ipynb' is now another file: the one you used was moved to 'b.ipynb'" in said
    notebook = await robot.open("a.ipynb")
    await robot.app.rooms.save(notebook)
    assert (source(root / "a.ipynb"), source(root / "b.ipynb")) == ("x = 2", "x = 1")


async def test_a_program_that_saves_by_replacing_the_file_is_not_reported_as_another_file(
    robot: Robot, root: Path
) -> None:
    write_notebook(root, "a.ipynb", "x = 1")
    write_notebook(root, "other.ipynb", "z = 1")
    await robot.say("list_cells", notebook="a.ipynb")
    shutil.copy(root / "a.ipynb", root / "a.tmp")
    os.replace(root / "a.tmp", root / "a.ipynb")
    assert "another file" not in await robot.say("list_cells", notebook="a.ipynb")


async def test_a_file_that_reuses_the_inode_of_the_old_one_is_not_mistaken_for_it(
    robot: Robot, root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_notebook(root, "a.ipynb", "x = 1")
    write_notebook(root, "other.ipynb", "z = 1")
    await robot.say("list_cells", notebook="a.ipynb")
    shutil.copy(root / "a.ipynb", root / "a.tmp")
    os.replace(root / "a.tmp", root / "a.ipynb")

    async def find_key(_key: object) -> str:
        return "other.ipynb"

    monkeypatch.setattr(robot.app.rooms._contents, "find_key", find_key)
    assert "another file" not in await robot.say("list_cells", notebook="a.ipynb")


async def test_a_notebook_deleted_and_created_again_is_another_one(
    robot: Robot, root: Path, jp_fetch: Fetch
) -> None:
    write_notebook(root, "a.ipynb", "x = 1")
    await robot.say("list_cells", notebook="a.ipynb")
    await jp_fetch("api", "contents", "a.ipynb", method="DELETE")
    with pytest.raises(HTTPClientError):
        await jp_fetch("api", "contents", "a.ipynb")
    write_notebook(root, "a.ipynb", "new")
    said = await robot.say("list_cells", notebook="a.ipynb")
    assert "'a.ipynb' is not the notebook" in said
    assert "that one was deleted" in said


async def test_agents_are_told_that_the_person_continued_in_a_copy(
    robot: Robot, root: Path
) -> None:
    write_notebook(root, "a.ipynb", "x = 1")
    await robot.say("use_notebook", notebook="a.ipynb")
    await robot.say("list_cells")
    robot.app.supervisor.saved_as("a.ipynb", "b.ipynb")
    robot.app.supervisor.saved_as("nobody-works-there.ipynb", "c.ipynb")
    said = await robot.say("list_cells")
    assert "The user saved 'a.ipynb' as 'b.ipynb' and now works there" in said
    assert "use_notebook(notebook='b.ipynb')" in said
    assert "saved" not in await robot.say("list_cells")
