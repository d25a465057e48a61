"""Two texts that may have part of what is new in them from each other."""

from __future__ import annotations

import pytest

from jmcp_lab.notebooks.merge import splice
from jmcp_lab.notebooks.text_reunion import reunited


@pytest.mark.parametrize(
    ("text", "mine", "present", "wanted"),
    [
        ("start", "start typed004 ", "start other003", "start other003 typed004 "),
        ("", "print(", "pri", "print("),
        ("a", "a one two", "a one", "a one two"),
        ("丁", "丁七", "丁七万", "丁七万"),
    ],
    ids=["other words", "the beginning of a word", "a word more", "a character less"],
)
def test_what_both_have_is_there_once_and_no_word_is_spoilt(
    text: str, mine: str, present: str, wanted: str
) -> None:
    assert splice(present, reunited(text, mine, present)) == wanted
