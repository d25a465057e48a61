"""What is done to many cells is worked out ahead, and is what was shown all the same."""

from __future__ import annotations

import threading
from pathlib import Path
from typing import Any

import pytest

from jmcp_lab.agents.modes import ASK
from jmcp_lab.calls.call import CallState
from jmcp_lab.notebooks import prepared_update as ahead_module
from jmcp_lab.notebooks.prepared_update import Ahead

from ..support.robots import MakeRobot, Robot, write_notebook
from ..support.room_page import until
from ..tools.test_edit_cells_asks import type_into

COUNT = 12


@pytest.fixture
def applied(monkeypatch: pytest.MonkeyPatch) -> list[bool]:
    """Work out ahead also what is soon done; return whether that was of use each time."""
    monkeypatch.setattr(ahead_module, "FEW_STEPS", 0)
    monkeypatch.setattr(ahead_module, "SLICE", 2)
    found: list[bool] = []
    apply = Ahead.apply

    def noted(ahead: Ahead, *arguments: Any) -> bool:
        found.append(apply(ahead, *arguments))
        return found[-1]

    monkeypatch.setattr(Ahead, "apply", noted)
    return found


def write(root: Path) -> list[str]:
    return list(write_notebook(root, "a.ipynb", *(f"x{n} = {n}" for n in range(COUNT))))


async def test_cells_are_moved_deleted_and_put_back_in_one_step_each(
    robot: Robot, root: Path, applied: list[bool]
) -> None:
    ids = write(root)
    notebook = await robot.open("a.ipynb")
    before = notebook.document.get()
    part = ids[::2]
    said = await robot.say("move_cell", notebook="a.ipynb", cells=part, index=0)
    assert said.startswith("Moved. Now: cell 1 ")
    assert notebook.ids == [*part, *ids[1::2]]
    await robot.say("undo_changes", notebook="a.ipynb")
    assert notebook.document.get() == before
    await robot.say("delete_cell", notebook="a.ipynb", cells=part)
    assert notebook.ids == ids[1::2]
    await robot.say("undo_changes", notebook="a.ipynb")
    assert notebook.document.get() == before
    assert applied == [True] * 4


async def test_a_person_undoes_an_agents_work_in_one_step(
    robot: Robot, root: Path, applied: list[bool]
) -> None:
    ids = write(root)
    notebook = await robot.open("a.ipynb")
    await robot.say("delete_cell", notebook="a.ipynb", cells=ids[::2])
    (call,) = [each for each in robot.app.ledger.since(0) if each.undoable]
    await robot.app.supervisor.undo_call(call.id, "Ada")
    assert notebook.ids == ids
    assert applied == [True] * 2


@pytest.mark.parametrize("tool", ["move_cell", "delete_cell"])
async def test_an_approval_does_not_cover_text_typed_while_the_change_is_computed(
    make_robot: MakeRobot,
    root: Path,
    applied: list[bool],
    monkeypatch: pytest.MonkeyPatch,
    tool: str,
) -> None:
    ids = write(root)
    robot = make_robot(ASK)
    notebook = await robot.open("a.ipynb")
    place = {"index": 0} if tool == "move_cell" else {}
    task = robot.start(tool, notebook="a.ipynb", cells=ids[6:], **place)
    call = await robot.request()
    # What is worked out after the yes takes until the person has typed.
    begun, go, works = threading.Event(), threading.Event(), ahead_module._worked_out

    def slow(*arguments: Any) -> object:
        begun.set()
        assert go.wait(30)
        return works(*arguments)

    monkeypatch.setattr(ahead_module, "_worked_out", slow)
    await robot.allow()
    await until(begun.is_set)
    await type_into(robot, "a.ipynb", ids[8], "mine")
    go.set()
    again = await robot.request()
    assert again is call
    assert call.state is CallState.WAITING
    assert notebook.ids == ids
    monkeypatch.setattr(ahead_module, "_worked_out", works)
    if tool == "move_cell":
        await robot.allow()
        assert not (await task).is_error
        assert notebook.ids == [*ids[6:], *ids[:6]]
        assert applied == [True]
    else:
        await robot.deny()
        assert (await task).is_error
        assert notebook.ids == ids
        assert applied == []
    assert notebook.source(ids[8]) == "mine"
