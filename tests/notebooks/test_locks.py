"""Cells that a person, or nbgrader, has locked."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import nbformat
import pytest
from nbformat.v4 import new_code_cell, new_notebook

from jmcp_lab.agents.modes import ASK

from ..support.robots import MakeRobot, Robot, ids_in

NBGRADER = {"grade_id": "q1", "schema_version": 3, "points": 1}
TEST = {"nbgrader": {**NBGRADER, "grade": True, "solution": False, "locked": True}}
READ_ONLY = {"nbgrader": {**NBGRADER, "grade": False, "solution": False, "locked": True}}
SOLUTION = {"nbgrader": {**NBGRADER, "grade": False, "solution": True, "locked": False}}
ANSWER = {"nbgrader": {**NBGRADER, "grade": True, "solution": True, "locked": False}}
TASK = {"nbgrader": {**NBGRADER, "grade": False, "solution": False, "task": True}}

NOT_EDITABLE: list[dict[str, Any]] = [{"editable": False}, TEST, READ_ONLY]
NOT_DELETABLE: list[dict[str, Any]] = [
    *({"deletable": False}, TEST, READ_ONLY),
    *(SOLUTION, ANSWER, TASK),
]
OPEN: list[dict[str, Any]] = [
    *({}, {"editable": True, "deletable": True}, {"editable": None}, {"deletable": 0}),
    *({"nbgrader": "x"}, {"nbgrader": {}}, {"nbgrader": {**NBGRADER, "locked": False}}),
]


def write(root: Path, metadata: dict[str, Any]) -> str:
    """Write a notebook with one such cell and a plain one; return the id of the first."""
    cells = [new_code_cell("assert True", metadata=metadata), new_code_cell("x = 1")]
    nbformat.write(new_notebook(cells=cells), root / "a.ipynb")
    return str(cells[0]["id"])


async def lock(robot: Robot, cell_id: str, **metadata: object) -> None:
    """Give a cell metadata as the page does."""
    notebook = await robot.open("a.ipynb")
    cell = notebook.cell(cell_id)
    assert cell is not None
    for key, value in metadata.items():
        cell["metadata"][key] = value


async def text_of(robot: Robot, cell_id: str) -> str | None:
    return (await robot.open("a.ipynb")).source(cell_id)


@pytest.mark.parametrize("metadata", NOT_EDITABLE)
@pytest.mark.parametrize(
    ("tool", "arguments"),
    [
        ("overwrite_cell_source", {"source": "pass"}),
        ("overwrite_cell_source", {"source": "assert True", "type": "markdown"}),
        ("edit_cell", {"edits": [{"old": "True", "new": "False"}]}),
    ],
)
async def test_an_agent_cannot_change_a_cell_that_is_not_editable(
    robot: Robot, root: Path, metadata: dict[str, Any], tool: str, arguments: dict[str, Any]
) -> None:
    cell = write(root, metadata)
    said = await robot.fail(tool, notebook="a.ipynb", cell=cell, **arguments)
    assert "is locked (" in said
    assert "only the user can change it" in said
    assert await text_of(robot, cell) == "assert True"
    notebook = await robot.open("a.ipynb")
    shared = notebook.cell(cell)
    assert shared is not None
    assert shared["cell_type"] == "code"


@pytest.mark.parametrize("metadata", NOT_DELETABLE)
async def test_one_undeletable_cell_refuses_the_whole_delete(
    robot: Robot, root: Path, metadata: dict[str, Any]
) -> None:
    cell = write(root, metadata)
    notebook = await robot.open("a.ipynb")
    before = list(notebook.ids)
    said = await robot.fail("delete_cell", notebook="a.ipynb", cells=before[::-1])
    assert f"(id {cell[:8]}) is locked (" in said
    assert "only the user can delete it" in said
    assert notebook.ids == before


@pytest.mark.parametrize("metadata", OPEN)
async def test_other_metadata_does_not_lock_a_cell(
    robot: Robot, root: Path, metadata: dict[str, Any]
) -> None:
    cell = write(root, metadata)
    assert "not editable" not in await robot.say("read_cells", notebook="a.ipynb")
    assert "not deletable" not in await robot.say("read_cells", notebook="a.ipynb")
    await robot.say("overwrite_cell_source", notebook="a.ipynb", cell=cell, source="pass")
    await robot.say("delete_cell", notebook="a.ipynb", cells=cell)


@pytest.mark.parametrize("metadata", [SOLUTION, ANSWER, {"deletable": False}])
async def test_an_undeletable_cell_can_still_be_edited(
    robot: Robot, root: Path, metadata: dict[str, Any]
) -> None:
    cell = write(root, metadata)
    await robot.say("overwrite_cell_source", notebook="a.ipynb", cell=cell, source="pass")
    assert await text_of(robot, cell) == "pass"


async def test_locks_are_shown_wherever_a_cell_is(robot: Robot, root: Path) -> None:
    cell = write(root, {"editable": False, "deletable": False})
    await robot.say("use_notebook", notebook="a.ipynb")
    outline = (await robot.say("list_cells")).splitlines()
    assert "(not editable, not deletable)" in outline[1]
    assert "not editable" not in outline[2]
    for said in (
        await robot.say("read_cell", cell=cell),
        await robot.say("read_cells"),
        await robot.say("search_notebook", query="assert"),
    ):
        assert "· not editable, not deletable" in said


async def test_a_locked_cell_can_be_moved_run_and_cleared(robot: Robot, root: Path) -> None:
    cell = write(root, {"editable": False, "deletable": False})
    await robot.say("use_notebook", notebook="a.ipynb")
    await robot.say("move_cell", cells=cell, index=2)
    await robot.say("clear_outputs")
    reply = await robot.run("execute_cell", cells=cell)
    assert not reply.is_error, reply.text
    # Its locks went with it.
    assert "is locked" in await robot.fail("delete_cell", cells=cell)
    assert "is locked" in await robot.fail("overwrite_cell_source", cell=cell, source="pass")


async def test_overwriting_a_locked_cell_with_the_same_text_is_allowed(
    robot: Robot, root: Path
) -> None:
    cell = write(root, {"editable": False})
    said = await robot.say(
        "overwrite_cell_source", notebook="a.ipynb", cell=cell, source="assert True"
    )
    assert "already has that text" in said


async def test_a_change_in_a_cell_locked_since_is_not_undone(robot: Robot, root: Path) -> None:
    cell = write(root, {})
    await robot.say("use_notebook", notebook="a.ipynb")
    await robot.say("overwrite_cell_source", cell=cell, source="pass")
    await lock(robot, cell, editable=False)
    assert "only the user can change it" in await robot.fail("undo_changes")
    assert await text_of(robot, cell) == "pass"


async def test_an_inserted_cell_locked_since_is_not_removed(robot: Robot, root: Path) -> None:
    write(root, {})
    await robot.say("use_notebook", notebook="a.ipynb")
    (new,) = ids_in(await robot.say("insert_cell", source="y = 2"))
    await lock(robot, new, deletable=False)
    assert "only the user can delete it" in await robot.fail("undo_changes")
    assert await text_of(robot, new) == "y = 2"


async def test_a_type_change_in_a_cell_locked_since_is_not_undone(robot: Robot, root: Path) -> None:
    cell = write(root, {})
    await robot.say("use_notebook", notebook="a.ipynb")
    await robot.say("overwrite_cell_source", cell=cell, source="assert True", type="markdown")
    await lock(robot, cell, editable=False)
    assert "only the user can change it" in await robot.fail("undo_changes")
    assert "markdown" in await robot.say("read_cell", cell=cell)


async def test_a_change_to_a_cell_locked_while_waiting_cannot_be_allowed(
    make_robot: MakeRobot, root: Path
) -> None:
    robot = make_robot(ASK)
    cell = write(root, {})
    task = robot.start("delete_cell", notebook="a.ipynb", cells=cell)
    await robot.request()
    await lock(robot, cell, deletable=False)
    await robot.allow()
    reply = await task
    assert reply.is_error
    assert "only the user can delete it" in reply.text
    assert await text_of(robot, cell) == "assert True"
