"""Edits of long texts: merged once, away from the event loop, and put in without copying it all."""

from __future__ import annotations

import asyncio
import threading
import time
from typing import TYPE_CHECKING, Any

from hypothesis import given, settings
from hypothesis import strategies as st
from pycrdt import Doc, Text

from jmcp_lab.notebooks.merges import Merges
from jmcp_lab.notebooks.shared_text import splice_shared
from jmcp_lab.text.three_way_merge import MergeConflict, Splice, merge, splice

if TYPE_CHECKING:
    from collections.abc import Callable

    import pytest

MOST_RATIO = 8.0
"""A text of four times the length, with four times as many changes, takes four times as long."""


PIECE = st.tuples(st.integers(0, 3), st.integers(0, 3), st.text("aé😀\n", max_size=3))
PIECES = st.lists(PIECE, max_size=12)


@settings(deadline=None)
@given(st.text("xyß😀\n", max_size=40), PIECES)
def test_splices_of_a_shared_text_match_those_of_a_string(
    present: str, pieces: list[tuple[int, int, str]]
) -> None:
    found, at = [], 0
    for gap, size, new in pieces:
        start = min(at + gap, len(present))
        at = min(start + size, len(present))
        found.append(Splice(start, at, new))
    doc: Doc[Any] = Doc()
    text = doc.get("text", type=Text)
    text.insert(0, present)
    with doc.transaction():
        splice_shared(text, found)
    assert str(text) == splice(present, found)


def test_a_long_text_is_not_copied_once_for_each_of_its_changes() -> None:
    def seconds(lines: int) -> float:
        present = "\n".join(f"value_{number} = compute({number})" for number in range(lines))
        places = range(0, len(present) - 100, len(present) // (lines // 10))
        found = [Splice(place, place + 1, "new") for place in places]
        doc: Doc[Any] = Doc()
        text = doc.get("text", type=Text)
        text.insert(0, present)
        start = time.thread_time()
        with doc.transaction():
            splice_shared(text, found)
        return time.thread_time() - start

    seconds(500)
    assert min(seconds(20_000) / min(seconds(5000), seconds(5000)) for _ in range(3)) < MOST_RATIO


TEXTS = st.lists(st.sampled_from(["a", "b", "c"]), max_size=5).map("\n".join)


@settings(deadline=None)
@given(TEXTS, TEXTS, TEXTS)
def test_a_cached_merge_equals_a_new_merge(base: str, mine: str, present: str) -> None:
    def outcome(merging: Callable[[str, str, str], list[Splice]]) -> object:
        try:
            return merging(base, mine, present)
        except MergeConflict as conflict:
            return conflict.line

    merges = Merges()
    assert [outcome(merges.merge) for _ in range(2)] == [outcome(merge)] * 2


def test_a_large_merge_is_computed_once_and_in_a_thread(monkeypatch: pytest.MonkeyPatch) -> None:
    base = "\n".join(f"line {number}" for number in range(20_000))
    mine = base.replace("line 7\n", "line seven\n")
    threads: list[int] = []

    def counted(*texts: str) -> list[Splice]:
        threads.append(threading.get_ident())
        return merge(*texts)

    monkeypatch.setattr("jmcp_lab.notebooks.merges.merge", counted)
    merges = Merges()
    asyncio.run(merges.ahead([(base, mine, base), (base, mine, base)]))
    assert splice(base, merges.merge(base, mine, base)) == mine
    assert len(threads) == 1
    assert threads[0] != threading.get_ident()
