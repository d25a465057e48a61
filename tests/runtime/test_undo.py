"""What can be taken back stays so, and the button is there exactly as long as it works."""

from __future__ import annotations

import re
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest
from hypothesis import given
from hypothesis import strategies as st

from jmcp_lab.calls.call import CallState, ToolClass
from jmcp_lab.calls.ledger import Ledger
from jmcp_lab.errors import NotFoundError
from jmcp_lab.extension import JmcpLab
from jmcp_lab.notebooks.changes import Changes, Edited
from jmcp_lab.runtime.services import Services

from ..support.robots import Robot, write_notebook


def undoable(app: JmcpLab) -> list[str]:
    return [call.id for call in app.ledger.since(0) if call.undoable]


async def test_an_edit_can_be_undone_after_any_number_of_reads(
    robot: Robot, root: Path, app: JmcpLab
) -> None:
    (cell,) = write_notebook(root, "a.ipynb", "x = 1")
    await robot.say("overwrite_cell_source", notebook="a.ipynb", cell=cell, source="x = 2")
    (edit,) = undoable(app)
    app.ledger._kept = 20
    for _ in range(50):
        await robot.say("list_cells", notebook="a.ipynb")
    assert undoable(app) == [edit]
    assert len(app.ledger.since(0)) == 21
    await app.supervisor.undo_call(edit, "Ada")
    assert (await robot.open("a.ipynb")).source(cell) == "x = 1"


async def test_the_undo_button_disappears_when_a_change_is_too_old(
    robot: Robot, root: Path, app: JmcpLab
) -> None:
    (cell,) = write_notebook(root, "a.ipynb", "x = 0")
    app.services.changes._kept = 3
    for number in range(1, 6):
        source = f"x = {number}"
        await robot.say("overwrite_cell_source", notebook="a.ipynb", cell=cell, source=source)
    calls = [call for call in app.ledger.since(0) if call.tool == "overwrite_cell_source"]
    gone = [call for call in calls if not call.undoable]
    assert len(gone) == 2
    with pytest.raises(NotFoundError, match="not among the latest 3 changes"):
        await app.supervisor.undo_call(gone[0].id, "Ada")
    for call_id in undoable(app)[::-1]:
        await app.supervisor.undo_call(call_id, "Ada")
    assert (await robot.open("a.ipynb")).source(cell) == "x = 2"


async def test_a_reply_says_since_when_the_agent_has_changed_nothing(
    robot: Robot, root: Path, app: JmcpLab
) -> None:
    (cell,) = write_notebook(root, "a.ipynb", "x = 1")
    await robot.say("overwrite_cell_source", notebook="a.ipynb", cell=cell, source="x = 2")
    (edit,) = undoable(app)
    # What another server knew, this one does not.
    app.services.changes = Changes()
    since = r"since the server started at \d\d:\d\d UTC on \d{4}-\d\d-\d\d"
    said = await robot.fail("undo_changes", notebook="a.ipynb")
    assert re.search(rf"You have changed nothing in a\.ipynb {since}, so there", said), said
    said = await robot.fail("undo_changes", notebook="a.ipynb", call=edit)
    assert re.search(rf"Call '{edit}' changed no notebook {since}", said), said


async def test_an_agent_is_told_that_everything_was_undone(robot: Robot, root: Path) -> None:
    (cell,) = write_notebook(root, "a.ipynb", "x = 1")
    await robot.say("overwrite_cell_source", notebook="a.ipynb", cell=cell, source="x = 2")
    (edit,) = undoable(robot.app)
    await robot.app.supervisor.undo_call(edit, "Ada")
    said = await robot.fail("undo_changes", notebook="a.ipynb")
    assert said == "Everything that you changed in a.ipynb has already been undone."


@given(
    steps=st.lists(st.sampled_from(["read", "edit", "edit", "undo"]), max_size=60),
    reads=st.integers(1, 5),
    kept=st.integers(1, 5),
)
def test_a_call_has_the_undo_button_exactly_as_long_as_it_can_be_undone(
    steps: list[str], reads: int, kept: int
) -> None:
    services = cast("Any", SimpleNamespace(ledger=Ledger(kept=reads), changes=Changes(kept=kept)))
    notebook = cast("Any", SimpleNamespace(file_id="file-1"))
    ledger, changes = services.ledger, services.changes
    for step in steps:
        call = ledger.open("a_1", "Robot", step, ToolClass.EDIT, {})
        ledger.update(call, state=CallState.RUNNING)
        if step == "undo" and (made := changes.last("a_1", "file-1")) is not None:
            made.undone = True
            ledger.update(ledger.get(made.call_id), undoable=False)
        if step == "edit":
            Services.record(services, call, notebook, [Edited("c", "a", "b")], by="a_1")
        ledger.update(call, state=CallState.DONE)
        buttons = {call.id for call in ledger.since(0) if call.undoable}
        assert buttons == {made.call_id for made in changes._sets.values() if not made.undone}
        assert len(ledger.since(0)) <= reads + kept
