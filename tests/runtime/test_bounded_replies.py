"""Replies are bounded, however many cells they are about."""

from __future__ import annotations

import time
from pathlib import Path

import nbformat
import pytest
from nbformat.v4 import new_code_cell, new_notebook, new_output

from jmcp_lab.calls.call import ImagePart, Reply, TextPart
from jmcp_lab.render.reply import is_heavy, weight
from jmcp_lab.runtime.services import EXTRA_CHARACTERS, bounded
from jmcp_lab.tools.read_cells import MAX_LOADED

from ..support.robots import Robot, write_notebook

CELLS = 1500


@pytest.mark.parametrize(
    ("tool", "arguments"),
    [
        ("delete_cell", {}),
        ("move_cell", {"index": 0}),
        ("clear_outputs", {}),
        ("read_cells", {}),
        ("read_cells", {"outputs": False}),
    ],
)
async def test_a_reply_about_thousands_of_cells_is_limited(
    robot: Robot, root: Path, tool: str, arguments: dict[str, object]
) -> None:
    ids = write_notebook(root, "a.ipynb", *[f"value_{n}" for n in range(CELLS)])
    said = await robot.say(tool, notebook="a.ipynb", cells=ids, **arguments)
    assert len(said) <= robot.app.services.limits.text + EXTRA_CHARACTERS


async def test_an_error_about_thousands_of_cells_is_limited(robot: Robot, root: Path) -> None:
    write_notebook(root, "a.ipynb", "1")
    said = await robot.fail("read_cell", notebook="a.ipynb", cell="x" * 1_000_000)
    assert len(said) <= robot.app.services.limits.text + EXTRA_CHARACTERS


def test_limiting_a_reply_keeps_short_parts_and_images_complete() -> None:
    image = ImagePart("AAAA", "image/png")
    reply = Reply((TextPart("short"), TextPart("long " * 10_000), image), is_error=True)
    kept = bounded(reply, 1000)
    assert kept.parts[0] == TextPart("short")
    assert kept.parts[2] is image
    assert kept.is_error
    assert len(kept.text) <= 1100
    assert "characters left out" in kept.text
    assert bounded(kept, 2000) is kept


async def test_only_the_outputs_that_a_reply_can_hold_are_read(robot: Robot, root: Path) -> None:
    outputs = [new_output("stream", text="x" * 6_000_000)]
    cells = [new_code_cell(f"{number}", outputs=outputs) for number in range(8)]
    nbformat.write(new_notebook(cells=cells), root / "large.ipynb")
    said = await robot.say("read_cells", notebook="large.ipynb")
    assert said.count(" · code · ") == 4
    assert "4 more cells" in said
    assert "start=5" in said
    said = await robot.say("read_cells", notebook="large.ipynb", start=5)
    assert said.count(" · code · ") == 4


@pytest.mark.parametrize(
    "value",
    [
        pytest.param([0.5] * 1_000_000, id="numbers"),
        pytest.param([[]] * 1_000_000, id="lists"),
        pytest.param([{"a": "b"}] * 300_000, id="objects"),
        pytest.param({str(number): [] for number in range(300_000)}, id="keys"),
    ],
)
def test_measuring_the_size_of_outputs_takes_little_time(value: object) -> None:
    outputs = [{"output_type": "display_data", "data": {"application/json": value}}]
    started = time.thread_time()
    assert weight(outputs, MAX_LOADED) > 1_000_000
    assert time.thread_time() - started < 0.2


@pytest.mark.parametrize(
    "data",
    [
        {"values": [{"a": n, "b": str(n)} for n in range(50_000)]},
        {"data": [{"type": "scatter", "x": [1], "y": [2], "name": f"t{n}"} for n in range(20_000)]},
        [[[n]] for n in range(15_000)],
    ],
)
def test_outputs_with_too_many_values_to_count_are_rendered_in_a_thread(data: object) -> None:
    assert is_heavy([[{"output_type": "display_data", "data": {"application/json": data}}]])
