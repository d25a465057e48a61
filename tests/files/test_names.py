"""Names: which look the same, which nobody could read, and how they stand in a line."""

from __future__ import annotations

import unicodedata

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from jmcp_lab.errors import InvalidArgumentError
from jmcp_lab.files.names import check_new, is_notebook, normal_form, shown, spelled_as_on_disk

names = st.text("aeé\u0301ü한ｶﾞÅ.", min_size=1, max_size=8)

INVISIBLE = {
    "zero width space": "\u200b",
    "zero width joiner": "\u200d",
    "right to left override": "\u202e",
    "right to left mark": "\u200f",
    "right to left isolate": "\u2067",
    "byte order mark": "\ufeff",
    "soft hyphen": "\u00ad",
    "line break": "\n",
    "escape": "\x1b",
    "next line": "\x85",
    "line separator": "\u2028",
    "no-break space": "\u00a0",
    "ideographic space": "\u3000",
    "hangul filler": "\u3164",
    "empty braille": "\u2800",
    "grapheme joiner": "\u034f",
    "variation selector": "\ufe01",
    "tag": "\U000e0041",
    "half a pair": "\ud83d",
    "private": "\ue000",
    "unassigned": "\u0378",
}


@pytest.mark.parametrize("character", INVISIBLE.values(), ids=INVISIBLE.keys())
def test_a_new_name_with_an_invisible_character_is_refused_with_the_reason(
    character: str,
) -> None:
    with pytest.raises(InvalidArgumentError) as refused:
        check_new(["folder", f"ab{character}c.ipynb"])
    assert f"U+{ord(character):04X}" in refused.value.message
    assert character not in refused.value.message


@pytest.mark.parametrize(
    "name",
    [
        *("sales 2024.ipynb", "Übung.ipynb", "U\u0308bung.ipynb", "分析.ipynb", "تحليل.ipynb"),
        *("हिन्दी.ipynb", "✅ done.md", "❤\ufe0f.md", "a'b\"c.txt", "Привет (1).ipynb"),
    ],
)
def test_names_in_all_scripts_are_accepted(name: str) -> None:
    check_new([name])
    assert shown(name) == name


def test_a_new_name_that_starts_with_a_space_is_refused() -> None:
    with pytest.raises(InvalidArgumentError, match="starts with a space"):
        check_new([" a.ipynb"])


@given(name=names)
def test_a_name_is_found_in_each_unicode_normal_form(name: str) -> None:
    for form in ("NFC", "NFD"):
        there = unicodedata.normalize(form, name)
        assert spelled_as_on_disk(name, ["other", there]) == there


@given(name=names)
def test_an_exact_name_wins_over_one_that_looks_the_same(name: str) -> None:
    assume(unicodedata.normalize("NFC", name) != unicodedata.normalize("NFD", name))
    both = [unicodedata.normalize(form, name) for form in ("NFC", "NFD")]
    for given_name in both:
        assert spelled_as_on_disk(given_name, both) == given_name
        assert spelled_as_on_disk(given_name, both[::-1]) == given_name


@given(name=names, others=st.lists(names))
def test_no_other_name_is_mistaken_for_it(name: str, others: list[str]) -> None:
    found = spelled_as_on_disk(name, others)
    assert (found is None) == (normal_form(name) not in map(normal_form, others))


@given(text=st.text())
def test_any_file_name_is_shown_on_one_line_and_reverses_no_text(text: str) -> None:
    line = shown(text)
    assert len(f"- {line}.".splitlines()) == 1
    assert not {"Cc", "Cs", "Zl", "Zp"} & {unicodedata.category(c) for c in line}
    assert not {c for c in line if unicodedata.bidirectional(c) in {"RLO", "LRO", "RLE", "RLI"}}
    line.encode()


@pytest.mark.parametrize("path", ["a.ipynb", "A.IPYNB", "x/y.Ipynb"])
def test_a_notebook_is_recognized_by_its_suffix_in_any_case(path: str) -> None:
    assert is_notebook(path)
    assert not is_notebook(f"{path}.txt")
