from __future__ import annotations

from pathlib import Path

from .conftest import Robot, write_notebook


async def test_the_history_of_a_room_that_an_agent_opens_goes_where_it_is_configured(
    robot: Robot, root: Path, tmp_path: Path
) -> None:
    write_notebook(root, "a.ipynb", "x")
    await robot.say("insert_cell", notebook="a.ipynb", source="y")
    assert (tmp_path / "ystore.db").exists()
