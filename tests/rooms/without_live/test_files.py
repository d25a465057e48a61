"""The file of a notebook without live documents: full disks, moves, ends, old formats."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import nbformat
import pytest

from jmcp_lab.extension import JmcpLab

from ...support.robots import Robot, write_notebook
from ...support.room_page import Fetch, until
from .test_notebooks import (
    jp_server_config,  # noqa: F401 - the same servers
    saved,
    sources,
    tell,
)


async def test_a_failed_write_is_reported_with_its_cause_and_retried(
    robot: Robot, root: Path, app: JmcpLab, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_notebook(root, "a.ipynb", "one")
    manager = app.serverapp.contents_manager
    save = manager.save
    full = True

    def save_on_full_disk(model: dict[str, Any], path: str = "") -> object:
        if full:
            raise OSError(28, "No space left on device", "/secret/place")
        return save(model, path)

    monkeypatch.setattr(manager, "save", save_on_full_disk)
    said = await robot.fail("insert_cell", notebook="a.ipynb", source="mine")
    assert "the disk is full" in said
    assert "secret" not in said
    assert sources(root / "a.ipynb") == ["one"]
    full = False
    await until(saved(app, "a.ipynb"))
    assert sources(root / "a.ipynb") == ["one", "mine"]


async def test_a_read_only_file_is_refused_before_the_edit(robot: Robot, root: Path) -> None:
    write_notebook(root, "a.ipynb", "one")
    robot.app.services.contents._manager.is_writable = lambda path: False
    said = await robot.fail("insert_cell", notebook="a.ipynb", source="x")
    assert "read-only" in said


async def test_a_file_that_became_something_else_is_not_overwritten(
    robot: Robot, root: Path
) -> None:
    write_notebook(root, "a.ipynb", "one")
    await robot.say("read_cells", notebook="a.ipynb")
    (root / "a.ipynb").write_text("<<<<<<< HEAD")
    said = await robot.fail("insert_cell", notebook="a.ipynb", source="x")
    assert "not a valid notebook" in said
    assert (root / "a.ipynb").read_text() == "<<<<<<< HEAD"


async def test_a_notebook_is_followed_when_it_is_renamed_or_moved_by_a_shell(
    robot: Robot, root: Path, jp_fetch: Fetch
) -> None:
    write_notebook(root, "a.ipynb", "one")
    await robot.say("use_notebook", notebook="a.ipynb")
    body = json.dumps({"path": "b.ipynb"})
    await jp_fetch("api", "contents", "a.ipynb", method="PATCH", body=body)
    await robot.say("insert_cell", source="two")
    assert sources(root / "b.ipynb") == ["one", "two"]
    (root / "sub").mkdir()
    (root / "b.ipynb").rename(root / "sub" / "c.ipynb")
    assert "sub/c.ipynb" in await robot.say("insert_cell", source="three")
    assert sources(root / "sub" / "c.ipynb") == ["one", "two", "three"]
    assert not (root / "a.ipynb").exists()
    assert not (root / "b.ipynb").exists()


async def test_a_deleted_notebook_is_not_recreated(robot: Robot, root: Path) -> None:
    write_notebook(root, "a.ipynb", "one")
    await robot.say("read_cells", notebook="a.ipynb")
    (root / "a.ipynb").unlink()
    assert "deleted" in await robot.fail("insert_cell", notebook="a.ipynb", source="x")
    assert not (root / "a.ipynb").exists()


async def test_an_unused_notebook_is_closed_and_opens_again(robot: Robot, root: Path) -> None:
    robot.app.rooms.idle_seconds = 0.05
    (one,) = write_notebook(root, "a.ipynb", "one")
    first = await robot.open("a.ipynb")
    await until(lambda: robot.app.rooms.find("a.ipynb") is None)
    second = await robot.open("a.ipynb")
    assert second is not first
    assert second.ids == [one]


async def test_stopping_the_server_writes_pending_changes(
    robot: Robot, root: Path, app: JmcpLab
) -> None:
    write_notebook(root, "a.ipynb", "print('last')")
    tell(app, "a.ipynb", dirty=True, saves=False)
    await robot.run("execute_cell", notebook="a.ipynb", all=True)
    await app.rooms.stop()
    assert nbformat.read(root / "a.ipynb", 4).cells[0].outputs[0].text == "last\n"


async def test_cells_of_an_old_notebook_keep_their_place_when_a_page_saves_it(
    robot: Robot, root: Path, jp_fetch: Fetch
) -> None:
    content = nbformat.v4.new_notebook(nbformat_minor=4)
    content.cells = [nbformat.v4.new_code_cell(text) for text in ("one", "two", "one")]
    for cell in content.cells:
        del cell["id"]
    (root / "a.ipynb").write_text(json.dumps(content))
    await robot.say("read_cells", notebook="a.ipynb")
    assert "id" not in json.loads((root / "a.ipynb").read_text())["cells"][0]
    # JupyterLab raises the format, and gives each cell an id.
    content.nbformat_minor = 5
    for number, cell in enumerate(content.cells):
        cell["id"] = f"page-{number}"
    body = json.dumps({"type": "notebook", "format": "json", "content": content})
    await jp_fetch("api", "contents", "a.ipynb", method="PUT", body=body)
    notebook = await robot.open("a.ipynb")
    assert notebook.ids == ["page-0", "page-1", "page-2"]
    await robot.say("insert_cell", notebook="a.ipynb", source="three")
    assert sources(root / "a.ipynb") == ["one", "two", "one", "three"]
