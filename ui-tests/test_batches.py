"""Tests that the person sees which of several cells in a run are running and which are waiting."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pytest
from playwright.sync_api import expect

from agent import text_of
from lab_page import open_lab, open_notebook
from panel import outputs, prompt

if TYPE_CHECKING:
    from collections.abc import Iterator
    from concurrent.futures import Future
    from pathlib import Path

    from mcp.types import CallToolResult

    from stage import Stage

RAN = re.compile(r"^\[\d+\]:$")
WAITS = "[*]:"
NOT_RUN = "[ ]:"


@pytest.fixture
def go(stage: Stage) -> Iterator[Path]:
    """Return the file that the first cell waits for."""
    path = stage.server.root / "go-batches"
    path.unlink(missing_ok=True)
    yield path
    path.touch()


def batch(stage: Stage) -> Future[CallToolResult]:
    """Start three cells, the first of which waits, and return when the page shows it."""
    last = stage.write("print('three')")
    middle = stage.write("print('two')")
    first = stage.write(
        "from pathlib import Path\nimport time\nprint('one', flush=True)\n"
        "while not Path('go-batches').exists():\n    time.sleep(0.02)"
    )
    running = stage.agent.start("execute_cell", cells=[first, middle, last])
    expect(outputs(stage.page, 1)).to_have_text("one\n")
    assert_prompts(stage, WAITS, WAITS, WAITS)
    return running


def assert_prompts(stage: Stage, *wanted: str | re.Pattern[str]) -> None:
    """Check the prompts of the first cells."""
    for number, prompts in enumerate(wanted, 1):
        expect(prompt(stage.page, number)).to_have_text(prompts)


def test_waiting_cells_are_marked_until_their_turn(stage: Stage, go: Path) -> None:
    running = batch(stage)
    stage.agent.wait_for_progress('cell 1 of 3, last output: "one"')
    # A page that comes later sees the same.
    open_lab(stage.page, stage.server)
    open_notebook(stage.page, stage.notebook)
    assert_prompts(stage, WAITS, WAITS, WAITS)
    go.touch()
    assert not running.result(60).is_error
    assert_prompts(stage, RAN, RAN, RAN)


def test_waiting_cells_are_released_when_the_run_is_stopped(stage: Stage, go: Path) -> None:
    running = batch(stage)
    stage.agent.say("interrupt_notebook")
    assert "Not run: cell " in text_of(running.result(60))
    assert_prompts(stage, RAN, NOT_RUN, NOT_RUN)


def test_deleting_a_waiting_cell_stops_the_run_there(stage: Stage, go: Path) -> None:
    running = batch(stage)
    prompt(stage.page, 2).click()
    stage.page.keyboard.press("d")
    stage.page.keyboard.press("d")
    expect(outputs(stage.page, 1)).to_have_text("one\n")
    go.touch()
    assert "deleted before its turn" in text_of(running.result(60))
    assert_prompts(stage, RAN, NOT_RUN)


def test_waiting_cells_are_released_when_the_person_restarts(stage: Stage, go: Path) -> None:
    running = batch(stage)
    stage.page.evaluate(
        "() => window.jupyterapp.shell.currentWidget.sessionContext.restartKernel()"
        ".then(() => null)"
    )
    assert "The kernel was restarted" in text_of(running.result(60))
    assert_prompts(stage, NOT_RUN, NOT_RUN, NOT_RUN)
    # The new kernel takes code: one that is cut off at its start complains in the server's log.
    assert not stage.run("'again'").is_error
