from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from jmcp_lab.agents.modes import AUTO

from ..support.robots import MakeRobot, Robot, open_as_page, write_notebook


def look(robot: Robot, **view: Any) -> None:
    """Tell the server what the person looks at, as a page does."""
    robot.app.pages.tell("test", {"visible": True, "focused": True, **view})


async def test_an_agent_learns_who_it_is_and_what_it_may_do(robot: Robot) -> None:
    said = await robot.say("get_context")
    assert "You are “Robot”. Mode: Edit freely, ask to run." in said
    assert "the user is asked about every run" in said
    assert "Your current notebook: none" in said
    assert "No kernel is running." in said


async def test_the_limits_of_a_mode_are_shown(make_robot: MakeRobot) -> None:
    robot = make_robot(AUTO, notebooks=["analysis/*.ipynb"], until="stop")
    said = await robot.say("get_context")
    assert "You may run in: analysis/*.ipynb, until the server stops." in said


async def test_grants_are_shown(robot: Robot, root: Path) -> None:
    (cell,) = write_notebook(root, "a.ipynb", "1")
    task = robot.start("execute_cell", notebook="a.ipynb", cells=cell)
    await robot.allow("allow_always")
    await task
    said = await robot.say("get_context")
    assert "The user allowed your runs in a.ipynb until" in said
    assert "- a.ipynb: python3, " in said


async def test_cell_cursor_and_selection_are_up_to_date(robot: Robot, root: Path) -> None:
    first, second = write_notebook(root, "a.ipynb", "x = 1", "y = 2\nz = 3")
    await robot.open("a.ipynb")
    look(
        robot,
        active={
            "path": "a.ipynb",
            "cell_id": second,
            "cursor": {"line": 1, "column": 4},
            "selection": {"text": "z = 3"},
        },
        open=[{"path": "a.ipynb", "dirty": True}, {"path": "notes.md", "dirty": False}],
    )
    said = await robot.say("get_context")
    assert "Open in JupyterLab: a.ipynb (unsaved), notes.md." in said
    assert f"The user is in a.ipynb, cell 2 (id {second[:8]}), line 2 column 5." in said
    assert "Selected text:\n[selection]\nz = 3" in said
    await robot.say("delete_cell", notebook="a.ipynb", cells=first)
    assert f"cell 1 (id {second[:8]})" in await robot.say("get_context")


async def test_a_notebook_that_only_a_page_has_open_gets_positions_too(
    robot: Robot, root: Path
) -> None:
    (cell,) = write_notebook(root, "a.ipynb", "x")
    await open_as_page(robot, "a.ipynb", "notebook")
    look(robot, active={"path": "a.ipynb", "cell_id": cell})
    assert f"cell 1 (id {cell[:8]})" in await robot.say("get_context")


async def test_get_context_opens_no_notebook(robot: Robot, root: Path) -> None:
    (cell,) = write_notebook(root, "a.ipynb", "x")
    look(robot, active={"path": "a.ipynb", "cell_id": cell})
    assert f"The user is in a.ipynb, cell id {cell}." in await robot.say("get_context")
    assert robot.app.rooms.paths_open() == set()


@pytest.mark.parametrize("cell_id", ["gone", None])
async def test_a_missing_cell_is_not_an_error(
    robot: Robot, root: Path, cell_id: str | None
) -> None:
    write_notebook(root, "a.ipynb", "x")
    await robot.open("a.ipynb")
    look(robot, active={"path": "a.ipynb", "cell_id": cell_id})
    assert "The user is in a.ipynb" in await robot.say("get_context")


async def test_no_window_and_an_empty_window_are_distinguished(robot: Robot) -> None:
    assert "JupyterLab is open with no notebook." in await robot.say("get_context")
    robot.app.pages.forget("test")
    assert "No JupyterLab window is open." in await robot.say("get_context")


async def test_a_huge_selection_and_many_documents_stay_small(robot: Robot) -> None:
    look(
        robot,
        active={"path": "a.txt", "selection": {"text": "s" * 9000}},
        open=[{"path": f"file-{number}.txt"} for number in range(90)],
    )
    said = await robot.say("get_context")
    assert len(said) < 4000
    assert "characters left out" in said
    assert "and 60 more" in said


async def test_calls_that_wait_are_named(robot: Robot, root: Path) -> None:
    (cell,) = write_notebook(root, "a.ipynb", "1")
    task = robot.start("execute_cell", notebook="a.ipynb", cells=cell)
    call = await robot.request()
    said = await robot.say("get_context")
    assert f"- {call.id}: Run cell 1 in a.ipynb (waiting_for_approval)" in said
    await robot.deny()
    await task


async def test_another_agents_call_cannot_be_waited_for(
    robot: Robot, make_robot: MakeRobot, root: Path
) -> None:
    (cell,) = write_notebook(root, "a.ipynb", "1")
    task = robot.start("execute_cell", notebook="a.ipynb", cells=cell)
    call = await robot.request()
    said = await make_robot(label="Other").fail("wait", call=call.id)
    assert said == f"Unknown call '{call.id}'."
    await robot.deny()
    await task
