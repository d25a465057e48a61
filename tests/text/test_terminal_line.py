r"""Long lines with many ``\r`` and ``\b``: a loop in a notebook may print megabytes of them."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from jmcp_lab.outputs.items import Stream
from jmcp_lab.text.diff import common_prefix
from jmcp_lab.text.terminal_line import TerminalLine

from ..support.page import process_text

LONG = "x" * 5_000_000
MANY = 200_000


@given(
    line=st.integers(0, 400).map(lambda size: "".join(chr(97 + n % 26) for n in range(size))),
    changes=st.lists(
        st.tuples(st.sampled_from(["\r", "\b", "\b\b\b", "\b" * 90, ""]), st.text("AB", max_size=9))
    ),
    read_between=st.booleans(),
)
def test_pieces_of_any_length_give_the_same_result_as_in_jupyterlab(
    line: str, changes: list[tuple[str, str]], read_between: bool
) -> None:
    held, text, index = TerminalLine(), "", 0
    for part in [line, *(control + letters for control, letters in changes)]:
        held.feed(part)
        text, index = process_text(index, part, text)
        assert (len(held), held.cursor) == (len(text), index)
        if read_between:
            assert held.line == text
    assert held.line == text


# Were a change to cost the length of the line, each of these would take hours.
@pytest.mark.timeout(60)
@pytest.mark.parametrize("change", ["\rab", "\b|", "\b\b|", "a\b\rb\b", "."])
@pytest.mark.parametrize("at_once", [True, False], ids=["at once", "one by one"])
def test_the_cost_of_many_changes_does_not_depend_on_the_line_length(
    change: str, at_once: bool
) -> None:
    stream = Stream("stdout", LONG)
    for text in [change * MANY] if at_once else [change] * MANY:
        stream.write(text)
    assert stream.weight == len(stream.text)
    assert stream.text.endswith("x" if "\r" in change else change[-1])


@given(st.text("ab", max_size=20), st.text("ab", max_size=20), st.text("ab", max_size=20))
def test_the_longest_common_prefix_is_found(both: str, left: str, right: str) -> None:
    old, new = both + left, both + right
    same = common_prefix(old, new)
    assert old[:same] == new[:same]
    assert old[same : same + 1] != new[same : same + 1] or same == min(len(old), len(new))
