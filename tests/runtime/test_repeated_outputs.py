from __future__ import annotations

from pathlib import Path

import pytest

from jmcp_lab.agents.modes import AUTO

from ..support.robots import MakeRobot, Robot, write_notebook

SAME = "same output"


@pytest.fixture
def runner(make_robot: MakeRobot) -> Robot:
    """Return an agent that runs without asking."""
    return make_robot(AUTO, notebooks=["*.ipynb"], until="1h")


async def test_running_several_cells_again_shows_only_new_outputs(
    runner: Robot, root: Path
) -> None:
    write_notebook(root, "a.ipynb", "print('stays')", "import time; print(time.time_ns())")
    first = await runner.say("execute_cell", notebook="a.ipynb", all=True)
    assert "stays" in first
    assert SAME not in first
    again = await runner.say("execute_cell", notebook="a.ipynb", all=True)
    assert "stays" not in again
    assert again.count(SAME) == 1
    assert "; read_cells(cells=[" in again


async def test_a_single_cell_is_always_shown(runner: Robot, root: Path) -> None:
    (cell,) = write_notebook(root, "a.ipynb", "print('stays')")
    for _ in range(2):
        assert "stays" in await runner.say("execute_cell", notebook="a.ipynb", cells=cell)


async def test_only_what_was_read_counts_as_shown(
    runner: Robot, make_robot: MakeRobot, root: Path
) -> None:
    write_notebook(root, "a.ipynb", "print('one')", "print('two')")
    other = make_robot(AUTO, notebooks=["*.ipynb"], until="1h", label="Other")
    await other.say("execute_cell", notebook="a.ipynb", all=True)
    await runner.say("read_cells", notebook="a.ipynb", outputs=False)
    await runner.say("read_cells", notebook="a.ipynb", limit=1)
    again = await runner.say("execute_cell", notebook="a.ipynb", all=True)
    assert "one" not in again
    assert "two" in again


async def test_a_new_conversation_is_shown_everything(runner: Robot, root: Path) -> None:
    write_notebook(root, "a.ipynb", "print('one')", "print('two')")
    await runner.say("execute_cell", notebook="a.ipynb", all=True)
    await runner.say("get_context")
    assert SAME not in await runner.say("execute_cell", notebook="a.ipynb", all=True)


async def test_errors_images_and_long_outputs_are_always_shown(runner: Robot, root: Path) -> None:
    write_notebook(
        root,
        "a.ipynb",
        "from IPython.display import Image, display\nimport base64",
        "display(Image(base64.b64decode('iVBORw0KGgo='), format='png'))",
        "print('x' * 15000)",
        "1 / 0",
    )
    run = {"notebook": "a.ipynb", "all": True, "stop_on_error": False}
    await runner.fail("execute_cell", **run)
    again = await runner.fail("execute_cell", **run)
    assert SAME not in again
    assert "ZeroDivisionError" in again
    assert "xxx" in again
