from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Any

import nbformat
import pytest

from jmcp_lab.agents.modes import LOOK
from jmcp_lab.calls.call import CallState
from jmcp_lab.errors import InvalidArgumentError
from jmcp_lab.notebooks import cells
from jmcp_lab.notebooks.merges import Merges, Texts
from jmcp_lab.notebooks.snapshots import AgentSnapshots
from jmcp_lab.text.three_way_merge import merge

from ..support.robots import MakeRobot, Robot, ids_in, write_notebook


async def type_into(robot: Robot, path: str, cell_id: str, text: str) -> None:
    """Change a cell as a person's page would."""
    notebook = await robot.open(path)
    before = str(notebook.source(cell_id))
    cells.edit(notebook, cell_id, merge(before, text, before), "page")


async def test_inserted_cells_are_named_by_id_and_go_where_asked(robot: Robot, root: Path) -> None:
    first, last = write_notebook(root, "a.ipynb", "first", "last")
    await robot.say("use_notebook", notebook="a.ipynb")
    said = await robot.say(
        "insert_cell",
        cells=[{"source": "x = 1"}, {"source": "# T", "type": "markdown"}],
        after=first,
    )
    ids = ids_in(said)
    notebook = await robot.open("a.ipynb")
    assert notebook.ids == [first, *ids, last]
    assert (await robot.say("read_cell", cell=ids[1])).count("# T") == 1


async def test_an_edit_is_saved_by_itself(robot: Robot, root: Path) -> None:
    (cell,) = write_notebook(root, "a.ipynb", "old")
    await robot.say("overwrite_cell_source", notebook="a.ipynb", cell=cell, source="new")
    notebook = await robot.open("a.ipynb")
    await robot.app.rooms.save(notebook)
    assert nbformat.read(root / "a.ipynb", 4).cells[0].source == "new"


async def test_overwriting_keeps_a_persons_changes(robot: Robot, root: Path) -> None:
    (cell,) = write_notebook(root, "a.ipynb", "print('hello')")
    await robot.say("read_cell", notebook="a.ipynb", cell=cell)
    await type_into(robot, "a.ipynb", cell, "print('hello')\n# mine")
    said = await robot.say(
        "overwrite_cell_source",
        notebook="a.ipynb",
        cell=cell,
        source="print('hello')\nprint('agent')",
    )
    notebook = await robot.open("a.ipynb")
    assert notebook.source(cell) == "print('hello')\nprint('agent')\n# mine"
    assert "both changes are kept" in said
    assert "# mine" in said


async def test_the_same_line_changed_on_both_sides_is_refused_with_the_present_text(
    robot: Robot, root: Path
) -> None:
    (cell,) = write_notebook(root, "a.ipynb", "x = 1")
    await robot.say("read_cell", notebook="a.ipynb", cell=cell)
    await type_into(robot, "a.ipynb", cell, "x = 1  # mine")
    said = await robot.fail("overwrite_cell_source", notebook="a.ipynb", cell=cell, source="x = 2")
    assert "x = 1  # mine" in said
    notebook = await robot.open("a.ipynb")
    assert notebook.source(cell) == "x = 1  # mine"
    # It has seen the present text now, so the next write is one that knows it.
    await robot.say("overwrite_cell_source", notebook="a.ipynb", cell=cell, source="x = 2  # mine")
    assert notebook.source(cell) == "x = 2  # mine"


@pytest.mark.parametrize("glimpse", ["list_cells", "edit_cell", "undo_changes"])
async def test_a_persons_change_is_kept_when_the_agent_then_saw_only_another_part(
    robot: Robot, root: Path, glimpse: str
) -> None:
    (cell,) = write_notebook(root, "a.ipynb", "a = 1\nb = 2\nc = 3")
    await robot.say("use_notebook", notebook="a.ipynb")
    await robot.say("read_cell", cell=cell)
    await robot.say("overwrite_cell_source", cell=cell, source="a = 0\nb = 2\nc = 3")
    await type_into(robot, "a.ipynb", cell, "a = 0\nb = 2\nc = 'precious'")
    edits = [{"old": "a = 0", "new": "a = 1"}]
    arguments = {"cell": cell, "edits": edits} if glimpse == "edit_cell" else {}
    shown = await robot.say(glimpse, **arguments)
    wanted = "a = 1\nb = 20\nc = 3"
    if glimpse == "edit_cell":
        # It shows what it merged, and what was shown counts as known.
        assert "c = 'precious'" in shown
        wanted = "a = 1\nb = 20\nc = 'precious'"
    said = await robot.say("overwrite_cell_source", cell=cell, source=wanted)
    assert (await robot.open("a.ipynb")).source(cell) == "a = 1\nb = 20\nc = 'precious'"
    assert ("both changes are kept" in said) == (glimpse != "edit_cell")


async def test_writing_back_an_old_text_reports_later_changes_and_keeps_them(
    robot: Robot, root: Path
) -> None:
    (cell,) = write_notebook(root, "a.ipynb", "a = 1\nb = 2")
    await robot.say("use_notebook", notebook="a.ipynb")
    await robot.say("read_cell", cell=cell)
    await type_into(robot, "a.ipynb", cell, "a = 1\nb = 'precious'")
    same = {"cell": cell, "source": "a = 1\nb = 2"}
    said = await robot.say("overwrite_cell_source", **same)
    assert "The user had changed it since you read it" in said
    assert "b = 'precious'" in said
    assert (await robot.open("a.ipynb")).source(cell) == "a = 1\nb = 'precious'"


@pytest.mark.parametrize("is_forgotten", [False, True], ids=["known", "forgotten"])
@pytest.mark.parametrize(
    "tool", ["delete_cell", "move_cell", "execute_cell", "overwrite_cell_source"]
)
async def test_a_cell_that_a_person_changed_since_is_not_deleted_overwritten_or_run(
    robot: Robot, root: Path, tool: str, is_forgotten: bool
) -> None:
    if is_forgotten:
        # Only the last text that an agent was shown is kept.
        robot.app.services.snapshots = AgentSnapshots(max_bytes=1)
    first, second = write_notebook(root, "a.ipynb", "x = 1", "y = 2")
    await robot.say("read_cells", notebook="a.ipynb")
    await type_into(robot, "a.ipynb", first, "x = 'precious'")
    arguments: dict[str, Any] = {"cells": first}
    if tool == "move_cell":
        arguments |= {"after": second}
    if tool == "overwrite_cell_source":
        arguments = {"cell": first, "source": "x = 3"}
    said = await robot.fail(tool, notebook="a.ipynb", **arguments)
    assert "x = 'precious'" in said
    notebook = await robot.open("a.ipynb")
    assert notebook.ids == [first, second]


async def test_exact_edits_are_all_made_or_none(robot: Robot, root: Path) -> None:
    (cell,) = write_notebook(root, "a.ipynb", "a = 1\nb = 1\n")
    notebook = await robot.open("a.ipynb")
    said = await robot.fail(
        "edit_cell",
        notebook="a.ipynb",
        cell=cell,
        edits=[{"old": "a = 1", "new": "a = 2"}, {"old": "= 1\n\n", "new": ""}],
    )
    assert "Edit 2 of 2" in said
    assert "does not occur" in said
    assert notebook.source(cell) == "a = 1\nb = 1\n"
    said = await robot.fail(
        "edit_cell", notebook="a.ipynb", cell=cell, edits=[{"old": "= 1", "new": "= 2"}]
    )
    assert "occurs 2 times" in said
    await robot.say(
        "edit_cell", notebook="a.ipynb", cell=cell, edits=[{"old": "b = 1", "new": "b = 3"}]
    )
    assert notebook.source(cell) == "a = 1\nb = 3\n"


async def test_a_refused_edit_shows_the_present_text_without_any_of_the_edits(
    robot: Robot, root: Path
) -> None:
    (cell,) = write_notebook(root, "a.ipynb", "a = b\nx\nx\nx")
    await robot.say("use_notebook", notebook="a.ipynb")
    edits = [{"old": "a", "new": "b"}, {"old": "b", "new": "c"}]
    said = await robot.fail("edit_cell", cell=cell, edits=edits)
    assert "Edit 2 of 2: the old text occurs 2 times in cell 1" in said
    assert "after the preceding edits" in said
    assert "The text is:\n[text]\na = b\n" in said
    # It fits in two places, which share a line.
    said = await robot.fail("edit_cell", cell=cell, edits=[{"old": "x\nx", "new": "y"}])
    assert "occurs 2 times" in said
    assert (await robot.open("a.ipynb")).source(cell) == "a = b\nx\nx\nx"


@pytest.mark.parametrize(
    ("tool", "arguments"),
    [
        ("insert_cell", {"source": "a\r\nb\rc"}),
        ("insert_cell", {"cells": [{"source": "a\r\nb\rc"}]}),
        ("insert_execute_code_cell", {"source": "a\r\nb\rc"}),
        ("overwrite_cell_source", {"source": "a\r\nb\rc"}),
        ("edit_cell", {"edits": [{"old": "x\r\ny", "new": "a\r\nb\rc"}]}),
    ],
)
async def test_line_breaks_are_normalized_to_one_character(
    robot: Robot, root: Path, tool: str, arguments: dict[str, object]
) -> None:
    (cell,) = write_notebook(root, "a.ipynb", "x\ny")
    which = {} if tool.startswith("insert") else {"cell": cell}
    if tool == "insert_execute_code_cell":
        await robot.run(tool, notebook="a.ipynb", **arguments)
    else:
        await robot.say(tool, notebook="a.ipynb", **which, **arguments)
    notebook = await robot.open("a.ipynb")
    assert notebook.source(notebook.ids[-1]) == "a\nb\nc"


async def test_two_agents_in_two_notebooks_never_affect_each_other(
    make_robot: MakeRobot, root: Path
) -> None:
    write_notebook(root, "a.ipynb", "a")
    write_notebook(root, "b.ipynb", "b")
    one, two = make_robot(label="One"), make_robot(label="Two")
    await one.say("use_notebook", notebook="a.ipynb")
    await two.say("use_notebook", notebook="b.ipynb")
    await one.say("insert_cell", source="by one")
    await two.say("insert_cell", source="by two")
    assert "by two" not in await one.say("read_cells")
    assert "by one" in await one.say("read_cells")
    assert "by one" not in await two.say("read_cells")


async def test_an_unknown_cell_is_an_error_with_a_call_to_make(robot: Robot, root: Path) -> None:
    write_notebook(root, "a.ipynb", "a")
    said = await robot.fail("read_cell", notebook="a.ipynb", cell="nothere")
    assert "list_cells" in said


async def test_without_a_notebook_the_agent_is_told_how_to_choose_one(robot: Robot) -> None:
    assert "use_notebook" in await robot.fail("list_cells")


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ({"cell": "a", "sauce": "x"}, "There is no argument 'sauce'"),
        ({"cell": "a"}, "'source' is missing"),
        ({"cell": 3, "source": "x"}, "'cell'"),
    ],
)
async def test_wrong_arguments_are_reported_before_anything_happens(
    robot: Robot, arguments: dict[str, object], words: str
) -> None:
    with pytest.raises(InvalidArgumentError, match=words):
        await robot.call("overwrite_cell_source", **arguments)


async def test_mode_look_only_allows_only_reading(make_robot: MakeRobot, root: Path) -> None:
    (cell,) = write_notebook(root, "a.ipynb", "a")
    robot = make_robot(LOOK)
    assert "a" in await robot.say("read_cells", notebook="a.ipynb")
    for tool, arguments in (
        ("insert_cell", {"source": "x"}),
        ("delete_cell", {"cells": cell}),
        ("execute_cell", {"cells": cell}),
        ("use_notebook", {"create": True}),
    ):
        said = (
            await robot.fail(tool, **({"notebook": "a.ipynb"} | arguments))
            if (tool != "use_notebook")
            else await robot.fail(tool, notebook="new.ipynb", create=True)
        )
        assert "Look only" in said
    assert not (root / "new.ipynb").exists()


async def test_undo_reverts_one_call_and_can_be_undone(robot: Robot, root: Path) -> None:
    (cell,) = write_notebook(root, "a.ipynb", "x = 1")
    await robot.say("use_notebook", notebook="a.ipynb")
    await robot.say("overwrite_cell_source", cell=cell, source="x = 2")
    await type_into(robot, "a.ipynb", cell, "x = 2\n# mine")
    await robot.say("undo_changes")
    notebook = await robot.open("a.ipynb")
    assert notebook.source(cell) == "x = 1\n# mine"
    await robot.say("undo_changes")
    assert notebook.source(cell) == "x = 2\n# mine"


async def test_the_person_can_undo_what_a_call_changed(robot: Robot, root: Path) -> None:
    first, second = write_notebook(root, "a.ipynb", "x = 1", "y = 2")
    await robot.say("use_notebook", notebook="a.ipynb")
    await robot.say("delete_cell", cells=[first, second])
    notebook = await robot.open("a.ipynb")
    deletion = next(c for c in robot.app.ledger.since(0) if c.tool == "delete_cell")
    assert deletion.undoable
    undo = await robot.app.supervisor.undo_call(deletion.id, "Ada")
    assert undo.state is CallState.DONE
    assert notebook.ids[:2] == [first, second]
    assert not deletion.undoable


async def test_a_text_that_was_written_before_an_exception_can_be_undone(
    robot: Robot, root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (cell,) = write_notebook(root, "a.ipynb", "old")

    def broken(*_: object) -> None:
        raise RuntimeError

    monkeypatch.setattr(cells, "retype", broken)
    asked = {"notebook": "a.ipynb", "cell": cell, "source": "# New", "type": "markdown"}
    await robot.fail("overwrite_cell_source", **asked)
    assert await robot.sources("a.ipynb") == ["# New"]
    (call,) = [each for each in robot.app.ledger.since(0) if each.undoable]
    await robot.say("undo_changes", notebook="a.ipynb", call=call.id)
    assert await robot.sources("a.ipynb") == ["old"]


@pytest.mark.parametrize("is_forgotten", [False, True], ids=["known", "forgotten"])
async def test_what_a_person_types_while_an_overwrite_is_prepared_stays(
    robot: Robot, root: Path, monkeypatch: pytest.MonkeyPatch, is_forgotten: bool
) -> None:
    if is_forgotten:
        robot.app.services.snapshots = AgentSnapshots(max_bytes=1)
    cell, _ = write_notebook(root, "a.ipynb", "a = 1\nb = 2", "other")
    await robot.say("read_cells", notebook="a.ipynb")
    ahead = Merges.ahead

    async def types_meanwhile(merges: Merges, texts: Iterable[Texts]) -> None:
        await type_into(robot, "a.ipynb", cell, "a = 1\nb = 2\nc = 'precious'")
        await ahead(merges, texts)

    monkeypatch.setattr(Merges, "ahead", types_meanwhile)
    said = await robot.say(
        "overwrite_cell_source", notebook="a.ipynb", cell=cell, source="a = 10\nb = 2"
    )
    assert "both changes are kept" in said
    source = (await robot.open("a.ipynb")).source(cell)
    assert source == "a = 10\nb = 2\nc = 'precious'"
