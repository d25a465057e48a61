"""Whether a page may run what is in the outputs of an allowed run."""

from __future__ import annotations

from pathlib import Path

import pytest

from jmcp_lab.codec.shared_outputs import shared_output
from jmcp_lab.notebooks.live_notebook import LiveNotebook

from ..support.outputs import read_outputs
from ..support.robots import Robot, ids_in, write_notebook


def trusted(notebook: LiveNotebook, cell_id: str) -> object:
    """Return what the shared document says of a cell's outputs."""
    cell = notebook.cell(cell_id)
    assert cell is not None
    return cell["metadata"].get("trusted")


@pytest.mark.parametrize("trust", [True, False])
async def test_an_allowed_run_is_trusted_as_the_configuration_says(
    robot: Robot, root: Path, trust: bool
) -> None:
    robot.app.services.trust_outputs = trust
    first, second = write_notebook(root, "a.ipynb", "1 + 1", "2 + 2")
    await robot.run("execute_cell", notebook="a.ipynb", cells=[first, second])
    notebook = await robot.open("a.ipynb")
    assert trusted(notebook, first) is trust
    assert trusted(notebook, second) is trust


async def test_earlier_outputs_of_a_cell_are_never_trusted(robot: Robot, root: Path) -> None:
    (cell_id,) = write_notebook(root, "a.ipynb", "1 + 1")
    notebook = await robot.open("a.ipynb")
    cell = notebook.cell(cell_id)
    assert cell is not None
    foreign = {"output_type": "display_data", "data": {"text/html": "foreign"}, "metadata": {}}
    cell["outputs"].append(shared_output(foreign))
    cell["metadata"]["trusted"] = False
    seen: list[tuple[object, str]] = []

    def look(*_: object) -> None:
        seen.append((trusted(notebook, cell_id), str(read_outputs(cell))))

    subscription = notebook.ycells.observe_deep(look)
    await robot.run("execute_cell", notebook="a.ipynb", cells=cell_id)
    notebook.ycells.unobserve(subscription)
    assert trusted(notebook, cell_id) is True
    assert not [outputs for trust, outputs in seen if trust and "foreign" in outputs]


async def test_cells_that_a_run_never_reached_are_not_trusted(robot: Robot, root: Path) -> None:
    first, second = write_notebook(root, "a.ipynb", "1 / 0", "2 + 2")
    notebook = await robot.open("a.ipynb")
    before = trusted(notebook, second)
    await robot.run("execute_cell", notebook="a.ipynb", cells=[first, second])
    assert trusted(notebook, first) is True
    assert trusted(notebook, second) is before


async def test_a_denied_run_is_not_trusted(robot: Robot, root: Path) -> None:
    (cell,) = write_notebook(root, "a.ipynb", "1 + 1")
    notebook = await robot.open("a.ipynb")
    before = trusted(notebook, cell)
    task = robot.start("execute_cell", notebook="a.ipynb", cells=cell)
    await robot.deny()
    await task
    assert trusted(notebook, cell) is before


async def test_a_call_leads_to_the_cell_that_it_inserted(robot: Robot, root: Path) -> None:
    write_notebook(root, "a.ipynb", "x = 1")
    task = robot.start("insert_execute_code_cell", notebook="a.ipynb", source="x + 1")
    call = await robot.allow()
    reply = await task
    (new,) = ids_in(reply.text)
    assert call.action is not None
    (target,) = call.action.target.cell_ids
    assert target.startswith(new)
    assert call.action.target.positions == (2,)
