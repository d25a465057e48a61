from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from jmcp_lab.text.three_way_merge import MergeConflict, Splice, merge, splice

lines = st.lists(st.sampled_from(["a", "b", "c = 1", "é😀", "", "    return x"]), max_size=7).map(
    "\n".join
)


def merged(base: str, mine: str, present: str) -> str:
    return splice(present, merge(base, mine, present))


@pytest.mark.parametrize(
    ("base", "mine", "present", "result"),
    [
        pytest.param("a", "b", "a", "b", id="nobody else wrote"),
        pytest.param("", "x\ny", "", "x\ny", id="into an empty cell"),
        pytest.param("a\nb", "", "a\nb", "", id="everything goes"),
        pytest.param("a\nb\nc", "a\nB\nc", "a\nb\nc\nd", "a\nB\nc\nd", id="person appended"),
        pytest.param("a", "a\nn", "a  # note", "a  # note\nn", id="agent appended below"),
        pytest.param("x", "y", "x\nz", "y\nz", id="person appended to a changed line"),
        pytest.param("x", "y", "z\nx", "z\ny", id="person added above a changed line"),
        pytest.param("a\nb", "a", "a\nb\nc", "a\nc", id="agent deleted above a new line"),
        pytest.param("a\nb", "A\nb", "a\nB", "A\nB", id="neighbouring lines"),
    ],
)
def test_both_sides_are_kept(base: str, mine: str, present: str, result: str) -> None:
    assert merged(base, mine, present) == result


def test_lines_that_all_change_are_changed_one_by_one() -> None:
    spaced = merge("a\nb\nc", "a \nb \nc ", "a\nb\nc")
    assert spaced == [Splice(1, 1, " "), Splice(3, 3, " "), Splice(5, 5, " ")]
    many = "\n".join("abc" * 1000)
    assert len(merge(many, many.upper(), many)) == 1
    blocks = "\n".join("\n".join(["abc"] * 900) + f"\nstays {number}" for number in range(3))
    assert len(merge(blocks, blocks.replace("abc", "ABC"), blocks)) == 3


def test_the_agents_new_line_goes_before_the_line_that_a_person_is_typing() -> None:
    base = "print('hello')"
    present = f"{base}\n# human is typing a long comment here"
    changes = merge(base, f"{base}\nprint('agent added')", present)
    assert splice(present, changes) == (
        "print('hello')\nprint('agent added')\n# human is typing a long comment here"
    )
    # The line break belongs to the agent's line: the person's own undo then joins nothing.
    assert [(change.start, change.end, change.text) for change in changes] == [
        (14, 14, "\nprint('agent added')")
    ]


@pytest.mark.parametrize(
    ("base", "mine", "present"),
    [
        pytest.param("x = 1", "x = 2", "x = 1  # mine", id="same line"),
        pytest.param("", "x", "c", id="both began an empty cell"),
        pytest.param("a\nb\nc", "a\nc", "a\nB\nc", id="agent deletes what a person changed"),
    ],
)
def test_a_line_changed_on_both_sides_is_a_conflict(base: str, mine: str, present: str) -> None:
    with pytest.raises(MergeConflict):
        merge(base, mine, present)


@given(lines, lines)
def test_without_another_writer_the_result_is_what_the_agent_wrote(base: str, mine: str) -> None:
    assert merged(base, mine, base) == mine


@given(lines, lines)
def test_an_agent_that_changes_nothing_changes_nothing(base: str, present: str) -> None:
    assert merge(base, base, present) == []


@given(lines, lines, st.integers(0, 7), st.text("xyz", min_size=1, max_size=5))
@example("a\na\nb", "a\nb", 1, "x")
def test_a_line_that_a_person_inserts_is_never_lost(
    base: str, mine: str, where: int, typed: str
) -> None:
    theirs = base.split("\n")
    typed = f"typed {typed}"
    theirs.insert(min(where, len(theirs)), typed)
    present = "\n".join(theirs)
    try:
        result = merged(base, mine, present)
    except MergeConflict:
        return
    assert result.split("\n").count(typed) == 1


@given(lines, lines, lines)
def test_splices_do_not_overlap_and_touch_only_what_changes(
    base: str, mine: str, present: str
) -> None:
    try:
        changes = merge(base, mine, present)
    except MergeConflict:
        return
    assert all(change.start <= change.end <= len(present) for change in changes)
    assert all(before.end <= after.start for before, after in pairwise(changes))
    for change in changes:
        old = present[change.start : change.end]
        assert old != change.text
        assert not (old and change.text and old[0] == change.text[0])
