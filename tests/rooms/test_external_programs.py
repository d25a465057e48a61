"""Another program writes the file of a notebook that people and agents have open."""

from __future__ import annotations

import asyncio
import json
import os
from pathlib import Path

import nbformat
import pytest
from traitlets.config import Config

from jmcp_lab.notebooks.cells import shared

from ..support.robots import Robot, write_notebook
from ..support.room_page import OpenPage, until


@pytest.fixture
def jp_server_config(jp_server_config: Config) -> Config:
    # Nothing is saved by itself: what is written stays unsaved until a test saves it.
    return jp_server_config | Config(
        {"YDocExtension": {"document_save_delay": 60.0, "file_poll_interval": 0.05}}
    )


def rewrite(path: Path, number: int, source: str) -> None:
    """Change a cell's text as git does: a new file in the place of the old one."""
    content = nbformat.read(path, 4)
    content.cells[number].source = source
    nbformat.write(content, path.with_suffix(".new"))
    changed = path.stat().st_mtime_ns + 2_000_000_000
    os.utime(path.with_suffix(".new"), ns=(changed, changed))
    os.replace(path.with_suffix(".new"), path)


def sources(path: Path) -> list[str]:
    return [str(cell.source) for cell in nbformat.read(path, 4).cells]


@pytest.mark.parametrize("notice", ["the server looks", "a save finds it"])
async def test_unsaved_changes_of_people_and_agents_are_merged_with_the_file(
    robot: Robot, root: Path, open_page: OpenPage, notice: str
) -> None:
    ids = write_notebook(root, "a.ipynb", "one", "two", "three")
    notebook = await robot.open("a.ipynb")
    page = await open_page("a.ipynb")
    page.type(1, "# mine\n")
    await until(lambda: notebook.source(ids[1]) == "# mine\ntwo")
    await robot.say("read_cells", notebook="a.ipynb")
    await robot.say("overwrite_cell_source", notebook="a.ipynb", cell=ids[2], source="agent")
    rewrite(root / "a.ipynb", 0, "from git")
    if notice == "the server looks":
        await until(lambda: notebook.source(ids[0]) == "from git")
    await robot.app.rooms.save(notebook)
    wanted = ["from git", "# mine\ntwo", "agent"]
    assert sources(root / "a.ipynb") == wanted
    await page.until(lambda: page.texts() == wanted)
    assert "changed on disk" in await robot.say("list_cells", notebook="a.ipynb")
    await robot.say("undo_changes", notebook="a.ipynb")
    await page.until(lambda: page.texts() == ["from git", "# mine\ntwo", "three"])


async def test_a_room_first_opened_by_a_page_knows_the_content_of_its_file(
    robot: Robot, root: Path, open_page: OpenPage
) -> None:
    # As when the server starts.
    robot.app.rooms._upstream.follow_files()
    ids = write_notebook(root, "a.ipynb", "one", "two", "three")
    page = await open_page("a.ipynb")
    page.type(1, "# mine\n")
    notebook = await robot.open("a.ipynb")
    await until(lambda: notebook.source(ids[1]) == "# mine\ntwo")
    rewrite(root / "a.ipynb", 0, "1")
    wanted = ["1", "# mine\ntwo", "three"]
    await page.until(lambda: page.texts() == wanted)
    await robot.app.rooms.save(notebook)
    assert sources(root / "a.ipynb") == wanted


async def test_text_typed_into_a_cell_that_the_other_program_removes_is_kept(
    robot: Robot, root: Path, open_page: OpenPage
) -> None:
    ids = write_notebook(root, "a.ipynb", "one", "two")
    notebook = await robot.open("a.ipynb")
    page = await open_page("a.ipynb")
    page.hold()
    page.type(1, "# mine\n")
    content = json.loads((root / "a.ipynb").read_text())
    del content["cells"][1]
    (root / "a.ipynb").write_text(json.dumps(content))
    changed = (root / "a.ipynb").stat().st_mtime_ns + 2_000_000_000
    os.utime(root / "a.ipynb", ns=(changed, changed))
    await until(lambda: notebook.ids == ids[:1] and page.hears())
    page.release()
    await page.until(lambda: page.texts() == ["one", "# mine\ntwo"])
    await robot.app.rooms.save(notebook)
    assert sources(root / "a.ipynb") == ["one", "# mine\ntwo"]


async def test_an_agent_is_told_where_an_invalid_file_is_kept(robot: Robot, root: Path) -> None:
    ids = write_notebook(root, "a.ipynb", "one", "two")
    notebook = await robot.open("a.ipynb")
    await robot.say("read_cells", notebook="a.ipynb")
    await robot.say("overwrite_cell_source", notebook="a.ipynb", cell=ids[1], source="agent")
    (root / "a.ipynb").write_text("<<<<<<< HEAD")
    await robot.app.rooms.save(notebook)
    assert sources(root / "a.ipynb") == ["one", "agent"]
    assert (root / "a-unreadable.txt").read_text() == "<<<<<<< HEAD"
    said = await robot.say("list_cells", notebook="a.ipynb")
    assert "Another version of 'a.ipynb' is in 'a-unreadable.txt'" in said


async def test_stopping_the_server_merges_unsaved_changes_into_a_changed_file(
    robot: Robot, root: Path
) -> None:
    ids = write_notebook(root, "a.ipynb", "one", "two")
    await robot.say("read_cells", notebook="a.ipynb")
    await robot.say("overwrite_cell_source", notebook="a.ipynb", cell=ids[1], source="agent")
    rewrite(root / "a.ipynb", 0, "from git")
    await robot.app.rooms.stop()
    assert sources(root / "a.ipynb") == ["from git", "agent"]


async def test_stopping_the_server_saves_although_changes_keep_coming(
    robot: Robot, root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Upstream calls a save off when the document changes in the middle of it."""
    ids = write_notebook(root, "a.ipynb", "one", "two")
    notebook = await robot.open("a.ipynb")
    await robot.say("read_cells", notebook="a.ipynb")
    await robot.say("overwrite_cell_source", notebook="a.ipynb", cell=ids[1], source="agent")
    get = notebook.document.aget
    changes = iter(["first ", "second "])

    async def interrupted(deduplicate: bool = True) -> object:
        if (typed := next(changes, None)) is not None:
            shared(notebook, ids[0])["source"].insert(0, typed)
            # The save is called off here.
            await asyncio.sleep(0)
        return await get(deduplicate)

    monkeypatch.setattr(notebook.document, "aget", interrupted)
    await robot.app.rooms.stop()
    assert sources(root / "a.ipynb") == ["second first one", "agent"]
