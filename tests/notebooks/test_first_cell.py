"""A notebook without cells: the blank cell that a page needs makes way, and is in no file."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import nbformat
import pytest
from nbformat import NotebookNode
from nbformat.v4 import new_code_cell, new_notebook

from ..rooms.test_files import close
from ..support.robots import Robot, write_notebook
from ..support.room_page import OpenPage, until


async def saved(robot: Robot, root: Path, path: str = "a.ipynb") -> list[dict[str, Any]]:
    await robot.app.rooms.save(await robot.open(path))
    content = json.loads((root / path).read_text())
    nbformat.validate(content)
    return list(content["cells"])


async def texts(robot: Robot, path: str = "a.ipynb") -> list[str | None]:
    notebook = await robot.open(path)
    return [notebook.source(cell_id) for cell_id in notebook.ids]


@pytest.mark.parametrize(
    ("tool", "arguments", "wanted"),
    [
        ("insert_cell", {"source": "x = 1"}, ["x = 1"]),
        ("insert_cell", {"source": "# T", "type": "markdown"}, ["# T"]),
        ("insert_cell", {"source": "x = 1", "index": 0}, ["x = 1"]),
        ("insert_cell", {"source": "x = 1", "index": 1}, ["x = 1"]),
        ("insert_cell", {"cells": [{"source": "a"}, {"source": "b"}]}, ["a", "b"]),
        ("insert_execute_code_cell", {"source": "x = 1"}, ["x = 1"]),
    ],
)
async def test_an_agents_first_cells_are_the_first_of_the_notebook(
    robot: Robot, root: Path, tool: str, arguments: dict[str, Any], wanted: list[str]
) -> None:
    await robot.say("use_notebook", notebook="a.ipynb", create=True)
    before = (await robot.open("a.ipynb")).document.get()
    if tool == "insert_cell":
        await robot.say(tool, **arguments)
    else:
        assert not (await robot.run(tool, **arguments)).is_error
    assert await texts(robot) == wanted
    assert ["".join(cell["source"]) for cell in await saved(robot, root)] == wanted
    await robot.say("undo_changes")
    assert (await robot.open("a.ipynb")).document.get() == before
    assert await saved(robot, root) == []
    # And that is taken back.
    await robot.say("undo_changes")
    assert await texts(robot) == wanted


@pytest.mark.parametrize("side", ["after", "before"])
async def test_a_cell_beside_the_blank_one_takes_its_place(
    robot: Robot, root: Path, side: str
) -> None:
    await robot.say("use_notebook", notebook="a.ipynb", create=True)
    (blank,) = (await robot.open("a.ipynb")).ids
    await robot.say("insert_cell", source="x", **{side: blank})
    assert await texts(robot) == ["x"]


async def test_a_person_who_types_into_the_blank_cell_at_that_moment_keeps_it(
    robot: Robot, root: Path, open_page: OpenPage
) -> None:
    await robot.say("use_notebook", notebook="a.ipynb", create=True)
    page = await open_page("a.ipynb")
    page.hold()
    page.type(0, "typed")
    await robot.say("insert_cell", source="agent")
    page.release()
    notebook = await robot.open("a.ipynb")
    await until(lambda: {notebook.source(i) for i in notebook.ids} == {"typed", "agent"})
    await page.until(lambda: sorted(page.texts()) == ["agent", "typed"])
    await robot.say("undo_changes")
    assert await texts(robot) == ["typed"]
    assert ["".join(cell["source"]) for cell in await saved(robot, root)] == ["typed"]


async def test_a_blank_cell_that_a_person_has_typed_in_stays(
    robot: Robot, root: Path, open_page: OpenPage
) -> None:
    await robot.say("use_notebook", notebook="a.ipynb", create=True)
    page = await open_page("a.ipynb")
    page.type(0, "typed")
    notebook = await robot.open("a.ipynb")
    await until(lambda: notebook.source(notebook.ids[0]) == "typed")
    await robot.say("insert_cell", source="agent")
    assert await texts(robot) == ["typed", "agent"]


async def test_a_blank_cell_that_holds_a_persons_caret_stays(
    robot: Robot, root: Path, open_page: OpenPage
) -> None:
    await robot.say("use_notebook", notebook="a.ipynb", create=True)
    await open_page("a.ipynb")
    notebook = await robot.open("a.ipynb")
    caret = {"user": {"name": "Ada"}, "jmcpCaret": notebook.ids[0]}
    notebook.document.awareness.set_local_state(caret)
    await robot.say("insert_cell", source="agent")
    assert await texts(robot) == ["", "agent"]


@pytest.mark.parametrize(
    "cell",
    [
        new_code_cell(""),
        new_code_cell("", metadata={"tags": ["parameters"]}),
        new_code_cell("", execution_count=3),
    ],
)
async def test_an_empty_cell_in_the_file_is_kept(
    robot: Robot, root: Path, cell: NotebookNode
) -> None:
    nbformat.write(new_notebook(cells=[cell]), root / "a.ipynb")
    await robot.say("insert_cell", notebook="a.ipynb", source="x = 1")
    assert await texts(robot) == ["", "x = 1"]


@pytest.mark.parametrize("minor", [4, 5])
async def test_a_saved_notebook_without_cells_has_no_cells(
    robot: Robot, root: Path, minor: int
) -> None:
    write_notebook(root, "a.ipynb")
    content = json.loads((root / "a.ipynb").read_text()) | {"nbformat_minor": minor}
    (root / "a.ipynb").write_text(json.dumps(content))
    notebook = await robot.open("a.ipynb")
    (blank,) = notebook.ids
    with notebook.transaction("test"):
        notebook.meta["metadata"]["title"] = "x"
    assert await saved(robot, root) == []
    assert json.loads((root / "a.ipynb").read_text())["metadata"]["title"] == "x"
    await close(robot, "a.ipynb")
    # A page that was away meets the same cell again.
    assert (await robot.open("a.ipynb")).ids == [blank]


async def test_a_notebook_emptied_by_another_program_while_open_is_merged(
    robot: Robot, root: Path
) -> None:
    ids = write_notebook(root, "a.ipynb", "x = 1", "y = 1")
    notebook = await robot.open("a.ipynb")
    content = json.loads((root / "a.ipynb").read_text()) | {"cells": []}
    (root / "a.ipynb").write_text(json.dumps(content))
    await until(lambda: not set(ids) & set(notebook.ids))
    assert [notebook.source(cell_id) for cell_id in notebook.ids] == [""]
