"""Two texts that may have part of what is new in them from each other."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from jmcp_lab.text.overlapping_merge import merge_overlapping
from jmcp_lab.text.rebase import rebase
from jmcp_lab.text.three_way_merge import Splice, splice

LINES = (
    *("print(x)", "print(y)", "import os", "import sys", "import re", "x = f(1)", "y = f(1)"),
    *("for a in range(10):", "    print(a)", "for b in range(20):", "    plot(b)"),
    *("df = pd.read_csv('a.csv')", "df = pd.read_csv('b.csv')", "3,4", "3,7", "5,6", "8,6"),
    *("- buy milk", "- buy bread", "total += 1", "return total", ""),
)
"""Ordinary lines, which share words and letters."""

Bring = Callable[[str, str, str], list[Splice]]

Inserted = list[tuple[int, list[str]]]

inserted = st.lists(
    st.tuples(st.integers(0, 9), st.lists(st.sampled_from(LINES), min_size=1, max_size=3)),
    max_size=2,
)


def with_lines(base: list[str], new: Inserted) -> list[str]:
    lines = list(base)
    for at, more in new:
        at %= len(lines) + 1
        lines[at:at] = more
    return lines


@pytest.mark.parametrize(
    ("text", "mine", "present", "wanted"),
    [
        ("start", "start typed004 ", "start other003", "start other003 typed004 "),
        ("", "print(", "pri", "print("),
        ("a", "a one two", "a one", "a one two"),
        ("丁", "丁七", "丁七万", "丁七万"),
        ("a\nb", "ay\nprint(x)\nb", "a\nprint(x)\nb", "ay\nprint(x)\nb"),
        ("", "df.plot('loss')", "df.plot('acc')", "df.plot('acc')\ndf.plot('loss')"),
        ("a ", "a one two ", "a one three ", "a one three two "),
        ("a\nb\nc", "a\nb丂\nc", "a\nb\n㐁丂\nc", "a\nb\n㐁丂\nc"),
        ("a\nb", "a # n\nb", "a # n\nmore\nb", "a # n\nmore\nb"),
        ("f(data)\n", "f(data, n=10)\n", "f(data, n=20)\n", "f(data, n=20, n=10)\n"),
    ],
    ids=[
        *("other words", "the beginning of a word", "a word more", "a character less"),
        *("a line below which more was typed", "an empty cell", "words after words"),
        *("behind a line that came before the break", "a line above which one came"),
        "two arguments",
    ],
)
def test_text_that_both_have_appears_once_and_no_word_is_broken(
    text: str, mine: str, present: str, wanted: str
) -> None:
    assert splice(present, merge_overlapping(text, mine, present)) == wanted


@pytest.mark.parametrize("bring", [rebase, merge_overlapping])
@pytest.mark.parametrize("end", ["", "\n"], ids=["a cell", "a file"])
@given(base=st.lists(st.sampled_from(LINES), max_size=5), mine=inserted, theirs=inserted)
@example(["x = 1"], [(1, ["print(x)"])], [(1, ["print(y)"])])
@example([], [(0, ["import os", "import sys"])], [(0, ["import os", "import re"])])
@example(["a,b"], [(1, ["3,4", "5,6"])], [(1, ["3,7", "8,6"])])
def test_each_line_written_by_one_side_survives_complete(
    bring: Bring, end: str, base: list[str], mine: Inserted, theirs: Inserted
) -> None:
    one, other = with_lines(base, mine), with_lines(base, theirs)
    text, typed, present = (end + "\n".join(["top", *lines]) + end for lines in (base, one, other))
    found = splice(present, bring(text, typed, present)).split("\n")
    for line in {*one, *other} - {""}:
        assert found.count(line) >= max(one.count(line), other.count(line))
    assert {*found} <= {"", "top", *one, *other}


@given(
    base=st.lists(st.sampled_from(LINES), max_size=5),
    shared=st.lists(st.sampled_from(LINES), min_size=1, max_size=3),
    more=st.lists(st.sampled_from(LINES), max_size=2),
)
def test_text_continued_by_a_page_is_not_duplicated(
    base: list[str], shared: list[str], more: list[str]
) -> None:
    text = "".join(f"{line}\n" for line in base)
    present = text + "".join(f"{line}\n" for line in shared)
    mine = present + "".join(f"{line}\n" for line in more)
    assert splice(present, merge_overlapping(text, mine, present)) == mine
    assert splice(mine, merge_overlapping(text, present, mine)) == mine
