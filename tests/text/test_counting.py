from __future__ import annotations

import pytest

from jmcp_lab.text.counting import count


@pytest.mark.parametrize(
    ("said", "words"),
    [
        (count(0, "cell"), "0 cells"),
        (count(1, "cell"), "1 cell"),
        (count(2, "more cell"), "2 more cells"),
        (count(12_345, "line"), "12,345 lines"),
        (count(1, "entry", "entries"), "1 entry"),
        (count(0, "entry", "entries"), "0 entries"),
    ],
)
def test_one_thing_is_named_differently_from_any_other_number(said: str, words: str) -> None:
    assert said == words
