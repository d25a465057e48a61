"""Line ends: taken off what people and agents edit, and back where they were in the file."""

from __future__ import annotations

import re

from hypothesis import example, given
from hypothesis import strategies as st

from jmcp_lab.text.line_ends import as_before, line_end, plain

ENDS = ("\n", "\r\n", "\r")

words = st.text("abé😀 \u2028\x85", max_size=3)

files = st.lists(st.tuples(words, st.sampled_from(ENDS)), max_size=12).flatmap(
    lambda lines: st.builds(
        lambda mark, last: mark + "".join(a + b for a, b in lines) + last,
        st.sampled_from(["", "\ufeff"]),
        words,
    )
)
"""Files with line ends of all kinds, with and without a mark, and an end of the last line."""

texts = st.lists(words, max_size=12).map("\n".join)


def ends(text: str) -> list[str]:
    return re.findall(r"\r\n|\r|\n", text)


@given(file=files)
def test_a_file_that_nobody_changed_is_written_as_it_was(file: str) -> None:
    assert as_before(plain(file), file) == file


@given(text=texts, file=files)
# An empty line below one that ends with a return made one line end of the two.
@example(text="a\n\nb", file="a\rx\nb\n")
def test_any_edited_file_is_read_back_as_written(text: str, file: str) -> None:
    assert plain(as_before(text, file)) == text


@given(file=files, at=st.integers(0, 12), new=words)
def test_a_new_line_leaves_other_line_endings_alone(file: str, at: int, new: str) -> None:
    lines = plain(file).split("\n")
    at = min(at, len(lines) - 1)
    written = as_before("\n".join([*lines[:at], f"new{new}", *lines[at:]]), file)
    kept = ends(written)
    # One line end has come, and it is next to where the line was put.
    before = ends(file)
    assert any(kept[:n] + kept[n + 1 :] == before for n in range(len(kept)))


@given(lines=st.lists(words, min_size=1, max_size=9), end=st.sampled_from(ENDS), text=texts)
def test_a_file_with_one_kind_of_line_endings_keeps_it(
    lines: list[str], end: str, text: str
) -> None:
    file = end.join([*lines, ""])
    assert set(ends(as_before(text, file))) <= {end}


@given(file=files)
def test_a_changed_line_keeps_its_line_ending(file: str) -> None:
    lines = plain(file).split("\n")
    for at in range(len(lines)):
        text = "\n".join([*lines[:at], lines[at] + "X", *lines[at + 1 :]])
        assert ends(as_before(text, file)) == ends(file)


@given(file=files)
def test_the_byte_order_mark_of_a_file_stays(file: str) -> None:
    assert as_before("new\n", file).startswith("\ufeff") == file.startswith("\ufeff")
    assert not plain(file).startswith("\ufeff")


def test_the_most_common_line_ending_is_used_for_new_lines() -> None:
    assert line_end("a\r\nb\r\nc\n") == "\r\n"
    assert line_end("a") == "\n"


def test_a_big_file_with_mixed_line_endings_keeps_them_when_all_lines_change() -> None:
    file = "".join(f"line {n}{ENDS[n % 2]}" for n in range(40_000))
    text = plain(file).replace("line", "row")
    written = as_before(text, file)
    assert plain(written) == text
    assert ends(written) == ends(file)
