"""What an agent may do outside the notebooks that were chosen for it: ask."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from jmcp_lab.agents.modes import AUTO

from ..support.robots import MakeRobot, write_notebook


async def test_outside_its_notebooks_an_agent_asks_before_edits_writes_and_new_notebooks(
    make_robot: MakeRobot, root: Path
) -> None:
    (cell,) = write_notebook(root, "a.ipynb", "x")
    (mine,) = write_notebook(root, "b.ipynb", "x")
    robot = make_robot(AUTO, notebooks=["b.ipynb"], until="30m")
    await robot.say("overwrite_cell_source", notebook="b.ipynb", cell=mine, source="y")
    calls: list[tuple[str, dict[str, Any]]] = [
        ("overwrite_cell_source", {"notebook": "a.ipynb", "cell": cell, "source": "y"}),
        ("insert_cell", {"notebook": "a.ipynb", "source": "y"}),
        ("clear_outputs", {"notebook": "a.ipynb"}),
        ("write_file", {"path": "helper.py", "content": "y"}),
        ("use_notebook", {"notebook": "new.ipynb", "create": True}),
        ("assign_kernel_to_notebook", {"notebook": "a.ipynb", "kernel": "python3"}),
    ]
    for name, arguments in calls:
        task = robot.start(name, **arguments)
        robot.app.gate.withdraw(await robot.request())
        assert (await task).is_error
    assert "x" in await robot.say("read_cell", notebook="a.ipynb", cell=cell)
    assert not (root / "helper.py").exists()
    assert not (root / "new.ipynb").exists()


async def test_after_its_end_time_an_agent_has_no_more_freedom_outside_its_notebooks(
    make_robot: MakeRobot, root: Path
) -> None:
    (cell,) = write_notebook(root, "a.ipynb", "x")
    robot = make_robot(AUTO, notebooks=["b.ipynb"], until="30m")
    robot.app.agents.update(robot.agent.id, mode="edit")
    said = await robot.say("get_context")
    assert (
        "The user chose these notebooks for you: b.ipynb. Every change elsewhere needs their "
        "approval."
    ) in said
    task = robot.start("overwrite_cell_source", notebook="a.ipynb", cell=cell, source="y")
    robot.app.gate.withdraw(await robot.request())
    assert (await task).is_error
