"""What is nearly right is refused with the true reason, and with what would be right."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest

from jmcp_lab.agents.modes import ASK
from jmcp_lab.calls.call import CallState
from jmcp_lab.errors import InvalidArgumentError

from ..support.robots import MakeRobot, Robot, write_notebook

FIELDS: list[tuple[str, dict[str, Any], str]] = [
    (
        "edit_cell",
        {"cell": "a", "edits": [{"old_string": "1", "new_string": "2"}]},
        "'edits[0]' has no 'old'.",
    ),
    ("edit_cell", {"cell": "a", "edits": [{"old": "1"}]}, "'edits[0]' has no 'new'."),
    ("insert_cell", {"cells": [{"src": "1"}]}, "'cells[0]' has no 'source'."),
    ("read_cell", {"cell": 3}, "give the id of a cell"),
    ("insert_cell", {"source": "1", "after": 3}, "give the id of a cell"),
    ("edit_cell", {"cell": "a"}, "'edits' is missing."),
]


@pytest.mark.parametrize(("tool", "arguments", "words"), FIELDS)
async def test_a_wrong_field_of_an_argument_is_not_called_a_missing_argument(
    robot: Robot, tool: str, arguments: dict[str, Any], words: str
) -> None:
    with pytest.raises(InvalidArgumentError) as raised:
        await robot.call(tool, notebook="a.ipynb", **arguments)
    assert words in raised.value.message
    assert ("is missing" in words) or "is missing" not in raised.value.message


@pytest.mark.parametrize(
    ("asked", "meant"),
    [
        ("sub/sales", "sub/sales.ipynb"),
        ("sub/Sales.ipynb", "sub/sales.ipynb"),
        ("sub/SALES", "sub/sales.ipynb"),
        ("RTC:sub/sales.ipynb", "sub/sales.ipynb"),
    ],
)
@pytest.mark.parametrize("tool", ["use_notebook", "list_cells"])
async def test_a_notebook_whose_name_is_nearly_right_is_named(
    robot: Robot, root: Path, tool: str, asked: str, meant: str
) -> None:
    write_notebook(root, "sub/sales.ipynb", "1")
    said = await robot.fail(tool, notebook=asked)
    assert f"There is no notebook '{asked}', but there is '{meant}'" in said
    assert "create=True" not in said


@pytest.mark.parametrize("tool", ["use_notebook", "list_cells"])
async def test_a_proposed_call_that_creates_a_notebook_works(robot: Robot, tool: str) -> None:
    said = await robot.fail(tool, notebook="plan")
    (path,) = re.findall(r"use_notebook\(notebook='([^']+)', create=True\)", said)
    assert "Created it." in await robot.say("use_notebook", notebook=path, create=True)


@pytest.mark.parametrize("create", [False, True])
async def test_creating_a_notebook_is_not_proposed_for_a_folder(
    robot: Robot, root: Path, create: bool
) -> None:
    (root / "sub.ipynb").mkdir()
    said = await robot.fail("use_notebook", notebook="sub.ipynb", create=create)
    assert "list_files(path='sub.ipynb') shows what is in it" in said


async def test_writing_a_folder_as_a_file_is_refused_without_asking(
    make_robot: MakeRobot, root: Path
) -> None:
    robot = make_robot(ASK)
    (root / "sub").mkdir()
    for path in ("sub", "sub/", "", "."):
        assert "is a folder" in await robot.fail("write_file", path=path, content="1")
    assert not [c for c in robot.app.ledger.since(0) if c.state is CallState.WAITING]


async def test_a_kernelspec_without_a_notebook_is_not_reported_as_an_ended_kernel(
    robot: Robot, root: Path
) -> None:
    said = await robot.fail("execute_ipython", code="1", kernel="python3")
    assert "'python3' is a kernelspec" in said
    assert "no longer running" not in said
    assert "neither a kernelspec" in await robot.fail("execute_ipython", code="1", kernel="nosuch")
    # With a current notebook that one is meant.
    write_notebook(root, "a.ipynb", "1")
    await robot.say("use_notebook", notebook="a.ipynb")
    assert not (await robot.run("execute_ipython", code="1", kernel="python3")).is_error


async def test_a_path_that_returns_into_the_root_is_not_reported_as_leaving_it(
    robot: Robot,
) -> None:
    said = await robot.fail("read_file", path="sub/../a.txt")
    assert "cannot contain '..'" in said
    assert "leaves" not in said
    assert "leaves" in await robot.fail("read_file", path="sub/../../a.txt")


async def test_cells_already_in_place_are_not_moved_or_reported_as_moved(
    robot: Robot, root: Path
) -> None:
    one, two, three = write_notebook(root, "a.ipynb", "1", "2", "3")
    notebook = await robot.open("a.ipynb")
    before = notebook.items()
    for arguments in (
        {"cells": one, "after": one},
        {"cells": one, "before": two},
        {"cells": one, "index": 0},
        {"cells": [two, three], "after": one},
        {"cells": [two, three], "index": -1},
        {"cells": [one, two, three], "index": 1},
    ):
        said = await robot.say("move_cell", notebook="a.ipynb", **arguments)
        assert "Nothing was moved" in said, arguments
    assert notebook.items() == before
    assert "Moved. Now:" in await robot.say(
        "move_cell", notebook="a.ipynb", cells=[three, two], after=one
    )
    assert notebook.ids == [one, three, two]
