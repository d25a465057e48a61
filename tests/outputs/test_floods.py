"""Of too much output the beginning and the end are kept, with words about what is missing."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from jmcp_lab.outputs.buffer import MAX_OUTPUTS

from .test_cell_writer import Cell, Message, display, stream

if TYPE_CHECKING:
    from collections.abc import Callable


def test_a_flood_keeps_its_start_and_end_and_says_what_is_missing() -> None:
    cell = Cell(limit=10_000)
    for number in range(20_000):
        cell.message(*stream(f"{number}\n"))
        if number % 1000 == 0:
            cell.flush(live=True)
    first, notice, last = cell.flush()
    assert first["text"].startswith("0\n1\n2\n")
    assert last["text"].endswith("19998\n19999\n")
    kept = len(first["text"]) + len(last["text"])
    assert 7_000 < kept < 11_000
    whole = sum(len(f"{number}\n") for number in range(20_000))
    words = f"[{whole - kept:,} characters of text left out here: too much output for one cell]"
    assert notice["data"]["text/plain"] == words


@pytest.mark.parametrize("kind", [display, stream])
def test_a_flood_of_short_outputs_is_cut_by_their_number(kind: Callable[..., Message]) -> None:
    cell = Cell(limit=10_000_000)
    for number in range(5 * MAX_OUTPUTS):
        # Streams that take turns are outputs of their own.
        more = ["stdout" if number % 2 else "stderr"] if kind is stream else []
        cell.message(*kind(f"{number}\n", *more))
        if number % 1000 == 0:
            assert len(cell.flush(live=True)) <= MAX_OUTPUTS
    outputs = cell.flush()
    assert MAX_OUTPUTS // 2 < len(outputs) <= MAX_OUTPUTS + 1
    [notice] = [output for output in outputs if "left out" in str(output)]
    assert len(outputs[: outputs.index(notice)]) == MAX_OUTPUTS // 2
    assert str(5 * MAX_OUTPUTS - 1) in str(outputs[-1])
    gone = 5 * MAX_OUTPUTS + 1 - len(outputs)
    if kind is display:
        assert f"{gone:,} other outputs left out" in str(notice)


def test_a_flood_without_newlines_is_cut_too() -> None:
    cell = Cell(limit=1_000)
    for _ in range(100):
        cell.message(*stream("." * 99))
    first, notice, last = cell.flush()
    assert set(first["text"]) == set(last["text"]) == {"."}
    assert "left out" in notice["data"]["text/plain"]
    assert len(first["text"]) + len(last["text"]) < 1_200
