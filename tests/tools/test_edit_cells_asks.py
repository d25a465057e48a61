"""What a person is shown, and asked, before an agent edits cells."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from jmcp_lab.agents.modes import ASK, EDIT
from jmcp_lab.notebooks import cells
from jmcp_lab.text.three_way_merge import merge

from ..support.robots import MakeRobot, Robot, write_notebook
from ..support.room_page import until


async def type_into(robot: Robot, path: str, cell_id: str, text: str) -> None:
    """Change a cell as a person's page would."""
    notebook = await robot.open(path)
    before = str(notebook.source(cell_id))
    cells.edit(notebook, cell_id, merge(before, text, before), "page")


async def test_an_edit_that_asks_shows_the_diff_and_waits(
    make_robot: MakeRobot, root: Path
) -> None:
    (cell,) = write_notebook(root, "a.ipynb", "x = 1")
    robot = make_robot(ASK)
    task = robot.start("overwrite_cell_source", notebook="a.ipynb", cell=cell, source="x = 2")
    call = await robot.request()
    assert call.summary == "Edit cell 1 in a.ipynb"
    assert call.action is not None
    assert call.action.preview is not None
    (item,) = call.action.preview.items
    assert (item.old, item.new) == ("x = 1", "x = 2")
    notebook = await robot.open("a.ipynb")
    assert notebook.source(cell) == "x = 1"
    await robot.allow()
    assert not (await task).is_error
    assert notebook.source(cell) == "x = 2"


async def test_a_person_who_types_while_an_edit_waits_is_shown_the_merged_diff(
    make_robot: MakeRobot, root: Path
) -> None:
    (cell,) = write_notebook(root, "a.ipynb", "x = 1")
    robot = make_robot(ASK)
    await robot.say("read_cells", notebook="a.ipynb")
    task = robot.start("overwrite_cell_source", notebook="a.ipynb", cell=cell, source="x = 2")
    call = await robot.request()
    before = call.action_hash
    await type_into(robot, "a.ipynb", cell, "x = 1\n# mine")
    while call.action_hash == before:
        await robot.app.ledger.changed(call, call.seq)
    await robot.allow()
    assert not (await task).is_error
    notebook = await robot.open("a.ipynb")
    assert notebook.source(cell) == "x = 2\n# mine"


@pytest.mark.parametrize("named", [True, False])
async def test_a_cell_deleted_while_clearing_outputs_waits_is_reported_or_skipped(
    make_robot: MakeRobot, root: Path, named: bool
) -> None:
    first, _ = write_notebook(root, "a.ipynb", "x = 1", "y = 2")
    robot = make_robot(ASK)
    which = {"cells": first} if named else {}
    task = robot.start("clear_outputs", notebook="a.ipynb", **which)
    call = await robot.request()
    shown = call.action_hash
    cells.delete(await robot.open("a.ipynb"), [first], "page")
    if not named:
        await until(lambda: call.action_hash != shown)
        await robot.allow()
    reply = await task
    assert reply.is_error is named
    assert ("There is no cell" if named else "Cleared the outputs of 0 cells") in reply.text


@pytest.mark.parametrize(
    ("tool", "first", "second", "words"),
    [
        (
            "insert_cell",
            {"source": "# T", "type": "markdown", "before": "{0}"},
            {"source": "# T", "type": "raw", "before": "{0}"},
            "A new markdown cell, before cell 1.",
        ),
        (
            "move_cell",
            {"cells": "{0}", "after": "{1}"},
            {"cells": "{0}", "index": 0},
            "New position: after cell 2.",
        ),
        (
            "overwrite_cell_source",
            {"cell": "{0}", "source": "x = 1", "type": "markdown"},
            {"cell": "{0}", "source": "x = 1", "type": "raw"},
            "It becomes a markdown cell.",
        ),
        (
            "insert_execute_code_cell",
            {"source": "z", "index": 0},
            {"source": "z"},
            "A new cell, at the top.",
        ),
    ],
    ids=lambda value: value if isinstance(value, str) and "_" in value else "",
)
async def test_a_card_shows_position_and_type_and_another_position_is_another_request(
    make_robot: MakeRobot,
    root: Path,
    tool: str,
    first: dict[str, Any],
    second: dict[str, Any],
    words: str,
) -> None:
    ids = write_notebook(root, "a.ipynb", "x = 1", "y = 2")
    robot = make_robot(ASK)
    await robot.say("use_notebook", notebook="a.ipynb")

    def given(arguments: dict[str, Any]) -> dict[str, Any]:
        return {k: v.format(*ids) if isinstance(v, str) else v for k, v in arguments.items()}

    task = robot.start(tool, **given(first))
    call = await robot.request()
    assert call.action is not None
    assert call.action.preview is not None
    assert call.action.preview.words == words
    await robot.deny()
    assert (await task).is_error
    task = robot.start(tool, **given(second))
    other = await robot.request()
    assert other.action_hash != call.action_hash
    await robot.deny()
    assert "user denied this" in (await task).text


async def test_a_card_shows_exactly_what_an_undo_changes(make_robot: MakeRobot, root: Path) -> None:
    first, second = write_notebook(root, "a.ipynb", "x = 1", "y = 2")
    robot = make_robot(EDIT)
    await robot.say("use_notebook", notebook="a.ipynb")
    await robot.say("overwrite_cell_source", cell=first, source="x = 2")
    await robot.say("delete_cell", cells=second)
    robot.app.agents.update(robot.agent.id, mode="ask")
    calls = [c for c in robot.app.ledger.since(0) if c.undoable]
    shown = []
    for made in calls:
        task = robot.start("undo_changes", call=made.id)
        call = await robot.request()
        assert call.action is not None
        assert call.action.preview is not None
        shown += [(item.old, item.new) for item in call.action.preview.items]
        await robot.allow()
        await task
    assert shown == [("x = 2", "x = 1"), ("", "y = 2")]
