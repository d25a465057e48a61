"""Tests that a cell that a person and an agent both run shows the run that was requested last."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from playwright.sync_api import expect

from panel import outputs, prompt, run_by_hand

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from stage import Stage

SOURCE = (
    "from pathlib import Path\nimport time\n"
    "turn = globals().get('turn', 0) + 1\n"
    "print('begin', turn, flush=True)\n"
    "while not Path('go-same-cell').exists():\n    time.sleep(0.02)\n"
    "print('end', turn)"
)


@pytest.fixture
def go(stage: Stage) -> Iterator[Path]:
    """Return the file that the cell waits for."""
    path = stage.server.root / "go-same-cell"
    path.unlink(missing_ok=True)
    yield path
    path.touch()


def test_the_person_runs_a_cell_that_the_agent_runs(stage: Stage, go: Path) -> None:
    stage.run("turn = 0")
    running = stage.start(SOURCE)
    expect(outputs(stage.page, 1)).to_have_text("begin 1\n")
    run_by_hand(stage.page, 1)
    expect(outputs(stage.page, 1)).to_have_count(0)
    expect(prompt(stage.page, 1)).to_have_text("[*]:")
    go.touch()
    assert not running.result(60).is_error
    expect(outputs(stage.page, 1)).to_have_text("begin 2\nend 2\n")
    stage.wait_until_ended()
    assert [output["text"] for output in stage.same_everywhere()] == ["begin 2\nend 2\n"]


def test_the_agent_runs_a_cell_that_the_person_runs(stage: Stage, go: Path) -> None:
    stage.run("turn = 0")
    cell = stage.write(SOURCE)
    run_by_hand(stage.page, 1)
    expect(outputs(stage.page, 1)).to_have_text("begin 1\n")
    running = stage.agent.start("execute_cell", cells=cell)
    go.touch()
    assert not running.result(60).is_error
    expect(outputs(stage.page, 1)).to_have_text("begin 2\nend 2\n")
    stage.wait_until_ended()
    assert [output["text"] for output in stage.same_everywhere()] == ["begin 2\nend 2\n"]
