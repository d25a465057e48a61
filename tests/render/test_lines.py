from __future__ import annotations

import time
from itertools import islice
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from jmcp_lab.render.lines import LineBudget, line_count, lines_from

from ..support.robots import Robot


@given(st.text("ab\n\r", max_size=50), st.integers(1, 60))
def test_lines_of_a_text_match_splitlines(text: str, first: int) -> None:
    lines = text.removesuffix("\n").split("\n") if text else []
    assert line_count(text) == len(lines)
    assert list(lines_from(text, first)) == lines[first - 1 :]


@pytest.mark.parametrize("text", ["\n" * 19_000_000, "x" * 19_000_000, "ab\n" * 6_000_000])
def test_a_few_lines_of_a_long_text_take_little_time_and_memory(text: str) -> None:
    started = time.thread_time()
    assert len(list(islice(lines_from(text, line_count(text) - 9), 5000))) == min(
        10, line_count(text)
    )
    assert time.thread_time() - started < 1


async def test_a_file_of_millions_of_line_breaks_is_read_in_part(
    robot: Robot, jp_root_dir: Path
) -> None:
    (jp_root_dir / "breaks.txt").write_text("\n" * 19_000_000)
    said = await robot.say("read_file", path="breaks.txt", offset=10_000_000, limit=3)
    assert said.startswith("breaks.txt · lines 10000000 to 10000002 of 19000000\n")


def test_lines_are_added_up_to_the_first_that_does_not_fit() -> None:
    budget = LineBudget(6)
    assert budget.fill(iter(["ab", "cd", "", "e"])) == 2
    assert budget.lines == ["ab", "cd"]


def test_a_first_line_that_is_too_long_is_kept_if_one_is_required() -> None:
    assert not LineBudget(2).add("long")
    budget = LineBudget(2, always_one=True)
    assert budget.fill(["long", ""]) == 1
