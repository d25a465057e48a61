"""How long a server waits before it saves, which its administrator has chosen."""

from __future__ import annotations

from pathlib import Path

import pytest
from traitlets.config import Config

from jmcp_lab.rooms.saving import autosave

from ...support.robots import Robot, write_notebook
from ...support.room_page import until


@pytest.fixture
def delay() -> float | None:
    return None


@pytest.fixture
def jp_server_config(jp_server_config: Config, delay: float | None) -> Config:
    return jp_server_config | Config({"YDocExtension": {"document_save_delay": delay}})


async def test_an_agent_is_told_once_that_the_server_has_no_autosave(
    robot: Robot, root: Path
) -> None:
    write_notebook(root, "a.ipynb", "x = 1")
    said = await robot.say("insert_cell", notebook="a.ipynb", source="new")
    assert "only when the user saves" in said
    assert "Note" not in await robot.say("list_cells", notebook="a.ipynb")
    assert "new" not in (root / "a.ipynb").read_text()


@pytest.mark.parametrize("delay", [100_000.0])
async def test_a_long_delay_postpones_no_save_beyond_the_maximum(
    robot: Robot, root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(autosave, "MAX_DELAY_SECONDS", 0.05)
    write_notebook(root, "a.ipynb", "x = 1")
    assert "Note" not in await robot.say("insert_cell", notebook="a.ipynb", source="new")
    await until(lambda: "new" in (root / "a.ipynb").read_text())
