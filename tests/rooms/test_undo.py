"""Taking back: what one call did and nothing else, for agents and for a person's Ctrl+Z."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from pycrdt import Array, UndoManager

from jmcp_lab.agents.modes import ASK
from jmcp_lab.notebooks import cells
from jmcp_lab.notebooks.live_notebook import LiveNotebook
from jmcp_lab.text.three_way_merge import merge

from ..support.robots import MakeRobot, Robot, ids_in, write_notebook
from ..support.room_page import OpenPage, Page, until
from .test_files import close


def content(notebook: LiveNotebook) -> dict[str, Any]:
    """Return a notebook without the marks that Jupyter makes when it loads a file."""
    found: dict[str, Any] = notebook.document.get()
    for cell in found["cells"]:
        cell["metadata"].pop("trusted", None)
    return found


async def test_a_cell_inserted_and_run_is_undone_with_its_outputs(robot: Robot, root: Path) -> None:
    ids = write_notebook(root, "a.ipynb", "x = 1")
    reply = await robot.run("insert_execute_code_cell", notebook="a.ipynb", source="print(6 * 7)")
    assert "42" in reply.text
    notebook = await robot.open("a.ipynb")
    (made,) = [cell_id for cell_id in notebook.ids if cell_id not in ids]
    outputs = notebook.document.get_cell(1)["outputs"]
    await robot.say("undo_changes", notebook="a.ipynb")
    assert notebook.ids == ids
    # And the undo is taken back: the cell is whole again.
    await robot.say("undo_changes", notebook="a.ipynb")
    assert notebook.ids == [*ids, made]
    assert notebook.document.get_cell(1)["outputs"] == outputs


async def test_every_kind_of_change_can_be_undone_after_closing_and_reopening(
    robot: Robot, root: Path
) -> None:
    ids = write_notebook(root, "a.ipynb", "one", "two", "three", "four")
    await robot.say("use_notebook", notebook="a.ipynb")
    before = content(await robot.open("a.ipynb"))
    await robot.say("move_cell", cells=ids[0], index=4)
    await robot.say("delete_cell", cells=[ids[1], ids[2]])
    await robot.say("overwrite_cell_source", cell=ids[3], source="# Four", type="markdown")
    (new,) = ids_in(await robot.say("insert_cell", source="new", index=0))
    assert (await robot.open("a.ipynb")).ids == [new, ids[3], ids[0]]
    calls = [call.id for call in robot.app.ledger.since(0) if call.undoable]
    assert len(calls) == 4
    for call in reversed(calls):
        await close(robot, "a.ipynb")
        await robot.say("undo_changes", call=call)
    assert content(await robot.open("a.ipynb")) == before


async def test_cells_moved_together_are_moved_back_together(robot: Robot, root: Path) -> None:
    ids = write_notebook(root, "a.ipynb", "one", "two", "three", "four")
    await robot.say("use_notebook", notebook="a.ipynb")
    await robot.say("move_cell", cells=ids[:2], index=4)
    await robot.say("undo_changes")
    assert (await robot.open("a.ipynb")).ids == ids


async def test_undoing_cleared_outputs_can_be_undone_and_leaves_earlier_changes(
    robot: Robot, root: Path
) -> None:
    (cell,) = write_notebook(root, "a.ipynb", "print(1)")
    await robot.say("use_notebook", notebook="a.ipynb")
    await robot.say("overwrite_cell_source", cell=cell, source="print(2)")
    await robot.run("execute_cell", cells=cell)
    notebook = await robot.open("a.ipynb")
    ran = notebook.document.get_cell(0)
    await robot.say("clear_outputs")
    cleared = notebook.document.get_cell(0)
    await robot.say("undo_changes")
    assert notebook.document.get_cell(0) == ran
    await robot.say("undo_changes")
    assert notebook.document.get_cell(0) == cleared


async def test_the_reply_says_when_nothing_is_left_to_undo(robot: Robot, root: Path) -> None:
    first, second, third = write_notebook(root, "a.ipynb", "one", "two", "three")
    await robot.say("use_notebook", notebook="a.ipynb")
    await robot.say("overwrite_cell_source", cell=first, source="ONE")
    await robot.say("move_cell", cells=second, index=0)
    await robot.say("insert_cell", source="new")
    notebook = await robot.open("a.ipynb")
    cells.move(notebook, [second], 2, "page")
    cells.edit(notebook, first, merge("ONE", "one", "ONE"), "page")
    cells.delete(notebook, [notebook.ids[-1]], "page")
    before = notebook.ydoc.get_state()
    for _ in range(3):
        assert "nothing is left of" in await robot.say("undo_changes")
    assert notebook.ids == [first, second, third]
    assert notebook.ydoc.get_state() == before


async def test_a_change_undone_by_the_user_while_the_agent_asks_is_not_undone_twice(
    make_robot: MakeRobot, root: Path
) -> None:
    first, second = write_notebook(root, "a.ipynb", "one", "two")
    robot = make_robot(ASK)
    await robot.run("move_cell", notebook="a.ipynb", cells=first, index=2)
    moved = next(call for call in robot.app.ledger.since(0) if call.undoable)
    task = robot.start("undo_changes", notebook="a.ipynb")
    await robot.request()
    await robot.app.supervisor.undo_call(moved.id, "Ada")
    notebook = await robot.open("a.ipynb")
    cells.move(notebook, [first], 2, "page")
    await robot.allow()
    assert "has already been undone" in (await task).text
    assert notebook.ids == [second, first]


async def test_a_persons_undo_affects_only_their_own_text(
    robot: Robot, root: Path, open_page: OpenPage
) -> None:
    ids = write_notebook(root, "a.ipynb", "x = 1", "y = 1")
    page: Page = await open_page("a.ipynb")
    history = UndoManager(scopes=[page.ydoc.get("cells", type=Array)], capture_timeout_millis=0)
    history.include_origin("person")
    notebook = await robot.open("a.ipynb")
    await robot.say("read_cells", notebook="a.ipynb")
    with page.ydoc.transaction(origin="person"):
        page.type(0, "# first\n")
    await until(lambda: notebook.source(ids[0]) == "# first\nx = 1")
    await robot.say(
        "overwrite_cell_source", notebook="a.ipynb", cell=ids[0], source="x = 1\nagent()"
    )
    await robot.say("insert_cell", notebook="a.ipynb", source="new", index=0)
    await page.until(lambda: page.texts()[:2] == ["new", "# first\nx = 1\nagent()"])
    while history.undo():
        pass
    await until(lambda: notebook.source(ids[0]) == "x = 1\nagent()")
    assert page.texts() == ["new", "x = 1\nagent()", "y = 1"]


async def test_an_agent_does_not_undo_what_a_person_undid(robot: Robot, root: Path) -> None:
    (cell,) = write_notebook(root, "a.ipynb", "x = 1")
    await robot.say("overwrite_cell_source", notebook="a.ipynb", cell=cell, source="x = 2")
    (made,) = [call for call in robot.app.ledger.since(0) if call.undoable]
    undo = await robot.app.supervisor.undo_call(made.id, "Ada")
    notebook = await robot.open("a.ipynb")
    assert notebook.source(cell) == "x = 1"
    said = await robot.fail("undo_changes", notebook="a.ipynb")
    assert "has already been undone" in said
    said = await robot.fail("undo_changes", notebook="a.ipynb", call=undo.id)
    assert "is not a change that you made" in said
    assert notebook.source(cell) == "x = 1"
    # The person may.
    await robot.app.supervisor.undo_call(undo.id, "Ada")
    assert notebook.source(cell) == "x = 2"
