"""The tools as an agent calls them, on a real server."""

from __future__ import annotations

from pathlib import Path

import pytest

from jmcp_lab.testing.fixtures import MakeRobot
from jmcp_lab.testing.robots import Robot, write_markdown, write_notebook


def test_the_server_offers_both_tools_after_its_own(jmcp_robot: Robot) -> None:
    assert jmcp_robot.tools[-2:] == ["count_words", "write_word_counts"]


async def test_words_are_counted_in_markdown_cells_only(jmcp_robot: Robot, jmcp_root: Path) -> None:
    one, two = write_markdown(jmcp_root, "a.ipynb", "three words here", "two words")
    said = await jmcp_robot.say("count_words", notebook="a.ipynb")
    assert said.splitlines() == [
        "a.ipynb: 5 words in Markdown",
        f"- cell 1 (id {one}): 3",
        f"- cell 2 (id {two}): 2",
    ]
    write_notebook(jmcp_root, "code.ipynb", "x = 1")
    assert "0 words" in await jmcp_robot.say("count_words", notebook="code.ipynb")


async def test_repeated_calls_write_the_counts_once(jmcp_robot: Robot, jmcp_root: Path) -> None:
    (cell,) = write_markdown(jmcp_root, "a.ipynb", "three words here")
    for expected in ("1 of 1", "0 of 1"):
        said = await jmcp_robot.say("write_word_counts", notebook="a.ipynb", cells=[cell])
        assert expected in said
    assert await jmcp_robot.sources("a.ipynb") == ["three words here\n\n*3 words*"]


async def test_a_person_is_asked_and_can_say_no(
    make_jmcp_robot: MakeRobot, jmcp_root: Path
) -> None:
    robot = make_jmcp_robot("ask")
    (cell,) = write_markdown(jmcp_root, "a.ipynb", "one")
    task = robot.start("write_word_counts", notebook="a.ipynb", cells=[cell])
    request = await robot.deny("leave it")
    assert request.summary == "Edit cell 1 in a.ipynb: Write word counts (jmcp-lab-word-count)"
    assert (await task).is_error
    assert await robot.sources("a.ipynb") == ["one"]


@pytest.mark.parametrize("kind", ["code", "unknown"])
async def test_a_cell_that_is_not_markdown_is_left_alone(
    jmcp_robot: Robot, jmcp_root: Path, kind: str
) -> None:
    (cell,) = write_notebook(jmcp_root, "a.ipynb", "x = 1")
    wanted = cell if kind == "code" else "nothing"
    await jmcp_robot.fail("write_word_counts", notebook="a.ipynb", cells=[wanted])
    assert await jmcp_robot.sources("a.ipynb") == ["x = 1"]
