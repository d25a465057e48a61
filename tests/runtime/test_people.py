"""What people do at this moment comes first: their caret, and what their page runs."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from jupyter_ydoc import YNotebook
from pycrdt import Awareness, Doc

from jmcp_lab.agents.modes import ASK, AUTO
from jmcp_lab.errors import ConflictError
from jmcp_lab.notebooks.carets import FIELD, carets_in
from jmcp_lab.notebooks.live_notebook import LiveNotebook
from jmcp_lab.runtime import people
from jmcp_lab.runtime.supervisor import CARET_SECONDS

from ..support.robots import MakeRobot, Robot, write_notebook
from ..support.room_page import OpenPage, until
from ..support.waiting import waiting_for

CURSOR = "The user's cursor is in cell 2"
RUNNING = "The user is running cell 2"

DISTURBING = [
    ("delete_cell", {"cells": "{1}"}),
    ("delete_cell", {"cells": ["{0}", "{1}"]}),
    ("move_cell", {"cells": "{1}", "index": 0}),
    ("overwrite_cell_source", {"cell": "{1}", "source": "two", "type": "markdown"}),
]
"""What takes the second cell out of its place."""


def named(arguments: dict[str, object], ids: list[str]) -> dict[str, object]:
    """Fill ids in."""
    return {
        key: [each.format(*ids) for each in value]
        if isinstance(value, list)
        else value.format(*ids)
        if isinstance(value, str)
        else value
        for key, value in arguments.items()
    }


@pytest.mark.parametrize(("tool", "arguments"), DISTURBING)
async def test_the_cell_with_a_caret_is_not_moved(
    robot: Robot, root: Path, open_page: OpenPage, tool: str, arguments: dict[str, object]
) -> None:
    ids = write_notebook(root, "a.ipynb", "one", "two", "three")
    page = await open_page("a.ipynb")
    notebook = await robot.open("a.ipynb")
    page.puts_caret_into(ids[1])
    await until(lambda: notebook.carets() == {ids[1]})
    said = await robot.fail(tool, notebook="a.ipynb", **named(arguments, ids))
    assert CURSOR in said
    assert notebook.ids == ids
    # What leaves the cell in its place is no problem, and others may go.
    await robot.say("edit_cell", notebook="a.ipynb", cell=ids[1], edits=[{"old": "o", "new": "0"}])
    await robot.say("move_cell", notebook="a.ipynb", cells=ids[2], index=0)
    page.puts_caret_into(None)
    await until(lambda: not notebook.carets())
    await robot.say("read_cells", notebook="a.ipynb")
    await robot.say(tool, notebook="a.ipynb", **named(arguments, ids))


async def test_a_caret_disappears_with_the_connection_of_its_page(
    robot: Robot, root: Path, open_page: OpenPage
) -> None:
    ids = write_notebook(root, "a.ipynb", "one", "two")
    page = await open_page("a.ipynb")
    notebook = await robot.open("a.ipynb")
    page.puts_caret_into(ids[1])
    await until(lambda: notebook.carets() == {ids[1]})
    await page.close()
    await until(lambda: not notebook.carets())
    await robot.say("delete_cell", notebook="a.ipynb", cells=ids[1])


async def test_an_undo_that_moves_or_removes_the_cell_with_a_caret_is_refused(
    robot: Robot, root: Path, open_page: OpenPage, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("jmcp_lab.runtime.supervisor.CARET_SECONDS", CARET_SECONDS / 20)
    ids = write_notebook(root, "a.ipynb", "one", "two")
    page = await open_page("a.ipynb")
    await robot.say("move_cell", notebook="a.ipynb", cells=ids[1], index=0)
    notebook = await robot.open("a.ipynb")
    move = robot.app.services.changes.last(robot.agent.id, notebook.file_id)
    assert move is not None
    await robot.say("insert_cell", notebook="a.ipynb", source="new", index=0)
    new = notebook.ids[0]
    page.puts_caret_into(new)
    await until(lambda: notebook.carets() == {new})
    assert "cursor is in cell 1" in await robot.fail("undo_changes", notebook="a.ipynb")
    call = robot.app.services.changes.last(robot.agent.id, notebook.file_id)
    assert call is not None
    with pytest.raises(ConflictError, match="typing"):
        await robot.app.supervisor.undo_call(call.call_id, "Ada")
    # Once something is written there, only what the agent wrote is taken back.
    page.type(page.ids().index(new), "mine\n")
    await until(lambda: str(notebook.source(new)) == "mine\nnew")
    await robot.say("undo_changes", notebook="a.ipynb")
    assert notebook.source(new) == "mine\n"
    page.puts_caret_into(ids[1])
    await until(lambda: notebook.carets() == {ids[1]})
    said = await robot.fail("undo_changes", notebook="a.ipynb", call=move.call_id)
    assert "cursor is in cell 2" in said
    assert notebook.ids == [new, ids[1], ids[0]]


async def test_an_approval_overrides_the_caret(
    make_robot: MakeRobot, root: Path, open_page: OpenPage
) -> None:
    asking = make_robot(ASK)
    ids = write_notebook(root, "a.ipynb", "one", "two")
    page = await open_page("a.ipynb")
    notebook = await asking.open("a.ipynb")
    page.puts_caret_into(ids[1])
    await until(lambda: notebook.carets() == {ids[1]})
    # Nobody is asked about what is not to be.
    assert CURSOR in await asking.fail("delete_cell", notebook="a.ipynb", cells=ids[1])
    page.puts_caret_into(None)
    await until(lambda: not notebook.carets())
    task = asking.start("delete_cell", notebook="a.ipynb", cells=ids[1])
    await asking.request()
    page.puts_caret_into(ids[1])
    await until(lambda: notebook.carets() == {ids[1]})
    await asking.allow()
    assert not (await task).is_error


@pytest.mark.parametrize(
    ("tool", "arguments"), [*DISTURBING, ("clear_outputs", {"cells": ["{1}"]})]
)
async def test_a_cell_that_a_page_runs_is_not_moved(
    robot: Robot, root: Path, open_page: OpenPage, tool: str, arguments: dict[str, object]
) -> None:
    ids = write_notebook(root, "a.ipynb", "one", "two", "three")
    page = await open_page("a.ipynb")
    notebook = await robot.open("a.ipynb")
    page.set_state(1, "running")
    await until(lambda: notebook.state_changed.get(ids[1]) is not None)
    said = await robot.fail(tool, notebook="a.ipynb", **named(arguments, ids))
    assert RUNNING in said
    assert notebook.ids == ids
    page.set_state(1, "idle")
    states = notebook.ycells
    await until(lambda: states[1]["execution_state"] == "idle")
    await robot.say(tool, notebook="a.ipynb", **named(arguments, ids))


async def test_an_undo_leaves_a_running_cell_alone(
    robot: Robot, root: Path, open_page: OpenPage
) -> None:
    ids = write_notebook(root, "a.ipynb", "one", "two")
    page = await open_page("a.ipynb")
    await robot.say("move_cell", notebook="a.ipynb", cells=ids[1], index=0)
    notebook = await robot.open("a.ipynb")
    await page.until(lambda: page.ids() == [ids[1], ids[0]])
    page.set_state(0, "running")
    await until(lambda: notebook.state_changed.get(ids[1]) is not None)
    assert "is running cell 1" in await robot.fail("undo_changes", notebook="a.ipynb")
    call = robot.app.services.changes.last(robot.agent.id, notebook.file_id)
    assert call is not None
    with pytest.raises(ConflictError, match="running"):
        await robot.app.supervisor.undo_call(call.call_id, "Ada")
    assert notebook.ids == [ids[1], ids[0]]


async def test_clearing_all_outputs_skips_running_cells(
    robot: Robot, root: Path, open_page: OpenPage
) -> None:
    ids = write_notebook(root, "a.ipynb", "one", "two")
    page = await open_page("a.ipynb")
    notebook = await robot.open("a.ipynb")
    page.set_state(1, "running")
    page.notebook.ycells[1]["outputs"].append({"output_type": "stream", "name": "stdout"})
    await until(lambda: len(notebook.ycells[1]["outputs"]) == 1)
    said = await robot.say("clear_outputs", notebook="a.ipynb")
    assert f"Running cells keep their outputs: cell 2 (id {ids[1]})" in said
    assert len(notebook.ycells[1]["outputs"]) == 1


async def test_a_stale_running_mark_of_a_closed_page_blocks_nothing(
    robot: Robot, root: Path, open_page: OpenPage, monkeypatch: pytest.MonkeyPatch
) -> None:
    ids = write_notebook(root, "a.ipynb", "one", "two")
    page = await open_page("a.ipynb")
    notebook = await robot.open("a.ipynb")
    page.set_state(1, "running")
    await until(lambda: notebook.state_changed.get(ids[1]) is not None)
    monkeypatch.setattr(people, "START_SECONDS", 0.0)
    await robot.say("delete_cell", notebook="a.ipynb", cells=ids[1])


async def test_the_cell_of_an_agents_run_stays_until_the_run_has_ended(
    make_robot: MakeRobot, root: Path
) -> None:
    runner = make_robot(AUTO, notebooks=["a.ipynb"], until="2h")
    other = make_robot(label="Other")
    ids = write_notebook(root, "a.ipynb", waiting_for("go") + "print('done')", "two")
    run = runner.start("execute_cell", notebook="a.ipynb", cells=ids[0])
    notebook = await other.open("a.ipynb")
    await until(lambda: notebook.ycells[0]["execution_state"] == "running")
    for tool, arguments in DISTURBING:
        said = await other.fail(tool, notebook="a.ipynb", **named(arguments, ids[::-1]))
        assert "An agent's run of cell 1" in said
    (root / "go").touch()
    assert not (await run).is_error
    await other.say("move_cell", notebook="a.ipynb", cells=ids[0], index=-1)
    outputs = notebook.document.get_cell(1)["outputs"]
    assert outputs[0]["text"] == "done\n"


@given(
    st.dictionaries(
        st.integers(1, 9),
        st.none() | st.dictionaries(st.sampled_from([FIELD, "user"]), st.none() | st.text()),
    )
)
def test_presence_of_any_shape_is_read(states: dict[int, dict[str, str | None] | None]) -> None:
    class Room:
        awareness = Awareness(Doc())

    Room.awareness._states.update(states)  # type: ignore[arg-type]
    expected = {state[FIELD] for state in states.values() if state and FIELD in state}
    assert carets_in(Room()) == expected - {None}  # type: ignore[arg-type]


def test_a_notebook_without_a_room_has_no_carets() -> None:
    notebook = LiveNotebook(YNotebook(Doc()), lambda: "a.ipynb", "file")
    assert notebook.carets() == set()
