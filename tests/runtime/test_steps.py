"""How often a call tells listeners and pages of itself: each time costs all of them some work."""

from __future__ import annotations

from pathlib import Path

import pytest

from jmcp_lab.agents.modes import ASK, AUTO
from jmcp_lab.calls.call import Call
from jmcp_lab.notebooks import cell_views, cells

from ..support.robots import MakeRobot, Robot, write_notebook

Step = tuple[str, bool, bool]


def steps_of(robot: Robot, tool: str) -> list[Step]:
    """Return the list to which each later step of a tool's calls is added.

    A step is the state, whether it is known what the call wants, and whether it can be undone.
    """
    steps: list[Step] = []

    def note(call: Call) -> None:
        if call.tool == tool:
            steps.append((call.state.value, call.action is not None, call.undoable))

    robot.app.ledger.subscribe(note)
    return steps


async def test_an_allowed_edit_takes_three_steps(robot: Robot, root: Path) -> None:
    write_notebook(root, "a.ipynb", "1")
    steps = steps_of(robot, "insert_cell")
    await robot.say("insert_cell", notebook="a.ipynb", source="2")
    assert steps == [("received", False, False), ("running", True, False), ("done", True, True)]


async def test_an_edit_that_a_person_allows_takes_one_step_for_each_thing_to_look_at(
    make_robot: MakeRobot, root: Path
) -> None:
    robot = make_robot(ASK)
    write_notebook(root, "a.ipynb", "1")
    steps = steps_of(robot, "insert_cell")
    await robot.run("insert_cell", notebook="a.ipynb", source="2")
    assert steps == [
        ("received", False, False),
        ("received", True, False),
        ("waiting_for_approval", True, False),
        ("running", True, False),
        ("done", True, True),
    ]


async def test_an_allowed_run_opens_in_running_with_its_action(
    make_robot: MakeRobot, root: Path
) -> None:
    robot = make_robot(AUTO, notebooks=["a.ipynb"], until="stop")
    (cell,) = write_notebook(root, "a.ipynb", "1 + 1")
    steps = steps_of(robot, "execute_cell")
    assert "2" in await robot.say("execute_cell", notebook="a.ipynb", cells=cell)
    states = [state for state, _, _ in steps]
    assert steps[:2] == [("received", False, False), ("running", True, False)]
    # What lies between says how far it is.
    assert states[2:-1] == ["running"] * (len(states) - 3)
    assert states[-1] == "done"


async def test_a_failed_edit_that_changed_something_can_be_undone_when_it_has_ended(
    robot: Robot, root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_notebook(root, "a.ipynb", "1")

    async def fails(notebook: object) -> str:
        return "The drive is full."

    monkeypatch.setattr(robot.app.rooms, "written", fails)
    steps = steps_of(robot, "insert_cell")
    await robot.fail("insert_cell", notebook="a.ipynb", source="2")
    assert steps[-1] == ("failed", True, True)


@pytest.mark.parametrize("side", ["after", "before"])
async def test_the_position_of_an_insert_is_looked_up_once(
    robot: Robot, root: Path, monkeypatch: pytest.MonkeyPatch, side: str
) -> None:
    first, _ = write_notebook(root, "a.ipynb", "1", "2")
    asked: list[str] = []

    def find(notebook: object, ref: str) -> str:
        asked.append(ref)
        return found(notebook, ref)  # type: ignore[arg-type]

    found = cell_views.find
    monkeypatch.setattr(cell_views, "find", find)
    monkeypatch.setattr(cells, "find", find)
    await robot.say("insert_cell", notebook="a.ipynb", source="x", **{side: first})
    assert asked == [first]
    notebook = await robot.open("a.ipynb")
    assert notebook.index(first) == (0 if side == "after" else 1)
