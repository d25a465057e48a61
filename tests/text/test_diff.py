"""What makes one text of another is found in bounded time, whatever the texts are."""

from __future__ import annotations

from difflib import SequenceMatcher
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from pycrdt import Doc, Text

from jmcp_lab.notebooks.shared_text import splice_shared
from jmcp_lab.text import diff as comparing
from jmcp_lab.text import overlapping_merge
from jmcp_lab.text.diff import MAX_LINE_PAIRS, MAX_PAIRS, common_ends, matching_runs, opcodes
from jmcp_lab.text.overlapping_merge import MAX_COMPARED, merge_overlapping
from jmcp_lab.text.rebase import rebase
from jmcp_lab.text.three_way_merge import Splice, splice

texts = st.lists(st.sampled_from(["a\n", "b\n", "ab\n", "\n", "c", "丁\n", "\u2028"])).map("".join)

LOG = "".join(f"2026-11-30 00:12:44 INFO worker 7: step {n} done\n" for n in range(20_000))


@given(st.text("ab", max_size=8), st.text("ab", max_size=8), st.none() | st.integers(0, 8))
@example("aa", "a", None)
def test_common_ends_are_as_long_as_they_can_be_and_never_overlap(
    old: str, new: str, most: int | None
) -> None:
    size = min(len(old), len(new), len(old) if most is None else most)
    head, tail = common_ends(old, new, None if most is None else size)
    assert head == max(n for n in range(size + 1) if old[:n] == new[:n])
    rest = range(size - head + 1)
    assert tail == max(n for n in rest if old[len(old) - n :] == new[len(new) - n :])


@given(texts, texts)
@example("", "")
def test_opcodes_turn_the_old_text_into_the_new_one(old: str, new: str) -> None:
    found = opcodes(old, new)
    made = ""
    for kind, start, end, first, last in found:
        assert (old[start:end] == new[first:last]) == (kind == "equal")
        made += old[start:end] if kind == "equal" else new[first:last]
    assert made == new
    assert all((a[0] == "equal") != (b[0] == "equal") for a, b in pairwise(found))
    assert all(a[2] == b[1] and a[4] == b[3] for a, b in pairwise(found))


@given(st.lists(st.sampled_from("abcdefgh")), st.lists(st.sampled_from("abcdefgh")))
def test_runs_in_common_are_in_order_and_equal(old: list[str], new: list[str]) -> None:
    runs = matching_runs(old, new)
    assert all(old[i : i + size] == new[k : k + size] for i, k, size in runs)
    assert all(a[0] + a[2] <= b[0] and a[1] + a[2] <= b[1] for a, b in pairwise(runs))


@pytest.fixture
def compared(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """Return how many pairs are compared one by one each time."""
    found: list[int] = []

    class Counting(SequenceMatcher[Any]):
        def __init__(self, junk: None, old: Any, new: Any, autojunk: bool = True) -> None:  # noqa: ANN401
            found.append(len(old) * len(new))
            super().__init__(junk, old, new, autojunk=autojunk)

    for module in (comparing, overlapping_merge):
        monkeypatch.setattr(module, "SequenceMatcher", Counting)
    return found


@pytest.mark.parametrize(
    ("text", "mine", "present"),
    [
        (LOG, LOG + "one more line\n", LOG),
        (LOG, LOG + "one more line\n", "typed\n" + LOG + "and typed\n"),
        (LOG, LOG.replace("INFO", "WARNING"), LOG.replace("done", "failed")),
        (LOG.replace("\n", ","), LOG.replace("\n", ";"), LOG.replace("\n", ",") + "typed"),
        ("", LOG.replace("\n", ","), LOG.replace("\n", ";")),
        ("a\nb\n" * 5_000, "b\na\na\n" * 5_000, "a\nc\nb\n" * 5_000),
        ("", "丁七" * 5_000, "七万丁" * 5_000),
    ],
    ids=[
        *("a line of a log", "a log in which somebody types", "each line on both sides"),
        *("one long line", "two long lines", "the same few lines", "ideographs"),
    ],
)
def test_only_differing_parts_of_long_texts_are_compared_in_detail(
    text: str, mine: str, present: str, compared: list[int]
) -> None:
    assert splice(present, merge_overlapping(text, mine, present))
    lines = max(each.count("\n") for each in (text, mine, present))
    # Each comparison of two texts, and what they have in common.
    assert sum(compared) <= 4 * MAX_PAIRS + 2 * MAX_COMPARED + lines * MAX_LINE_PAIRS // 500


def test_a_long_removed_passage_is_one_splice() -> None:
    present = LOG.replace("step 1 done", "step 1 failed")
    mine = LOG.replace("step 1 done", "step 1 is done")[:-500_000]
    found = rebase(LOG, mine, present)
    assert len(found) < 10
    assert splice(present, found).startswith(present[:40])


def test_splices_of_a_text_that_is_not_ascii_are_at_the_right_positions() -> None:
    document: Doc[Any] = Doc()
    text = document.get("source", type=Text)
    text.insert(0, "aé😀b\nc丁d")
    changes = [Splice(1, 2, "è"), Splice(3, 3, "😀"), Splice(3, 4, ""), Splice(6, 7, "万七")]
    wanted = splice(str(text), changes)
    with document.transaction():
        splice_shared(text, changes)
    assert str(text) == wanted == "aè😀😀\nc万七d"
