"""A command button that is new in markdown takes the trust from its cell."""

from __future__ import annotations

from pathlib import Path

import nbformat
import pytest
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook

from jmcp_lab.agents.modes import EDIT

from ..support.robots import MakeRobot, Robot, ids_in

BUTTON = "<button data-commandlinker-command='notebook:run-all-cells'>Show</button>"
OWN = "<button data-commandlinker-command='help:about'>About</button>"


@pytest.fixture
def cells(root: Path) -> tuple[str, str, str]:
    """Write a notebook: code, markdown, and markdown with a button of the person's own."""
    made = [new_code_cell("1"), new_markdown_cell("# Sales"), new_markdown_cell(OWN)]
    nbformat.write(new_notebook(cells=made), root / "a.ipynb")
    return made[0]["id"], made[1]["id"], made[2]["id"]


async def trust(robot: Robot, cell_id: str) -> object:
    cell = (await robot.open("a.ipynb")).cell(cell_id)
    assert cell is not None
    return cell["metadata"].get("trusted")


@pytest.mark.parametrize(
    "text",
    [
        BUTTON,
        BUTTON.upper(),
        f"# Sales\n\n> * {BUTTON}",
        "<button title='>' data-commandlinker-command='x'",
        "<button data-CommandLinker-args='{}'>",
    ],
)
async def test_a_new_text_with_a_button_takes_the_trust_of_its_cell(
    robot: Robot, cells: tuple[str, str, str], text: str
) -> None:
    await robot.say("overwrite_cell_source", notebook="a.ipynb", cell=cells[1], source=text)
    assert await trust(robot, cells[1]) is False


async def test_a_new_cell_and_a_cell_of_another_type_with_a_button_are_not_trusted(
    robot: Robot, cells: tuple[str, str, str]
) -> None:
    said = await robot.say("insert_cell", notebook="a.ipynb", source=BUTTON, type="markdown")
    assert await trust(robot, (await robot.open("a.ipynb")).ids[-1]) is False
    assert ids_in(said)
    source = {"notebook": "a.ipynb", "cell": cells[0], "source": BUTTON}
    await robot.say("overwrite_cell_source", **source)
    await robot.say("overwrite_cell_source", **source, type="markdown")
    assert await trust(robot, cells[0]) is False


async def test_what_is_undone_and_redone_stays_untrusted(
    robot: Robot, cells: tuple[str, str, str]
) -> None:
    cell = {"notebook": "a.ipynb", "cell": cells[1]}
    await robot.say("edit_cell", **cell, edits=[{"old": "Sales", "new": BUTTON}])
    await robot.say("delete_cell", notebook="a.ipynb", cells=cells[1])
    await robot.say("undo_changes", notebook="a.ipynb")
    assert await trust(robot, cells[1]) is False
    await robot.say("move_cell", notebook="a.ipynb", cells=cells[1], index=0)
    assert await trust(robot, cells[1]) is False
    await robot.say("overwrite_cell_source", **cell, source="x", type="code")
    await robot.say("undo_changes", notebook="a.ipynb")
    assert await trust(robot, cells[1]) is False


async def test_an_edit_beside_the_persons_own_button_leaves_its_trust(
    robot: Robot, cells: tuple[str, str, str]
) -> None:
    cell = {"notebook": "a.ipynb", "cell": cells[2]}
    await robot.say("overwrite_cell_source", **cell, source=f"# About\n{OWN}")
    assert await trust(robot, cells[2]) is None
    await robot.say("edit_cell", **cell, edits=[{"old": "help:about", "new": "run:x"}])
    assert await trust(robot, cells[2]) is False


async def test_text_without_a_button_changes_no_trust(
    robot: Robot, cells: tuple[str, str, str]
) -> None:
    before = await trust(robot, cells[0])
    await robot.say("overwrite_cell_source", notebook="a.ipynb", cell=cells[1], source="# New")
    await robot.say("overwrite_cell_source", notebook="a.ipynb", cell=cells[0], source=BUTTON)
    assert await trust(robot, cells[1]) is None
    assert await trust(robot, cells[0]) is before


async def test_trust_stays_removed_after_closing_and_reopening(
    make_robot: MakeRobot, cells: tuple[str, str, str], root: Path
) -> None:
    robot = make_robot(EDIT)
    await robot.say("overwrite_cell_source", notebook="a.ipynb", cell=cells[1], source=BUTTON)
    first = await robot.open("a.ipynb")
    await robot.app.rooms.save(first)
    rooms = robot.app.rooms
    rooms.idle_seconds = 0.0
    held = rooms._held("a.ipynb")
    await rooms._close_idle(held)
    assert rooms.find("a.ipynb") is None
    assert "trusted" not in (root / "a.ipynb").read_text()
    assert await robot.open("a.ipynb") is not first
    assert await trust(robot, cells[1]) is False
