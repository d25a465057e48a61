from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from jmcp_lab.render.text import MIN_CLIP, as_text, clip, page, size_words


@pytest.mark.parametrize(
    ("value", "text"),
    [("a", "a"), (["a\n", "b"], "a\nb"), (None, ""), (7, "7"), ({"a": [1]}, '{"a":[1]}'),
     (["a", 1], "a1"), (b"x", "(a bytes that is not JSON)")],
)  # fmt: skip
def test_text_of_damaged_notebooks_is_text(value: object, text: str) -> None:
    assert as_text(value) == text


@given(
    text=st.text(alphabet="ab \n", max_size=3000),
    limit=st.integers(-5, 1500),
    hint=st.sampled_from(["", "more()", "h" * 300]),
    share=st.sampled_from([1 / 3, 2 / 3]),
)
def test_a_cut_text_fits_and_its_count_is_exact(
    text: str, limit: int, hint: str, share: float
) -> None:
    cut = clip(text, limit, hint, head_share=share)
    assert len(cut) <= max(0, limit)
    if len(text) <= limit:
        assert cut == text
    elif limit >= MIN_CLIP:
        head, words, tail = _pieces(cut)
        count = int(words.split()[1].replace(",", ""))
        if not text.startswith(head + "\n"):
            assert text.startswith(head)
        # The newline that ends the head is either the text's own or the one before our words.
        assert len(head) + count + len(tail) in (len(text), len(text) - 1)
        assert text.endswith(tail)


def _pieces(cut: str) -> tuple[str, str, str]:
    start = cut.index("… ")
    end = cut.index(" …", start)
    return cut[: start - 1], cut[start : end + 2], cut[end + 3 :]


def test_a_cut_is_at_line_ends_and_says_where_to_continue() -> None:
    text = "".join(f"line {number}\n" for number in range(1000))
    cut = clip(text, 600, lambda offset: f"read(offset={offset})")
    head, words, tail = _pieces(cut)
    offset = int(words.split("offset=")[1].split(")")[0])
    count = int(words.split()[1].replace(",", ""))
    assert text[:offset] == head + "\n"
    assert text[offset + count :] == tail
    assert tail.startswith("line ")


@given(text=st.text(alphabet="ab\n", max_size=2000), limit=st.integers(1, 700))
def test_pages_follow_each_other_and_lose_nothing(text: str, limit: int) -> None:
    collected, offset = "", 0
    while True:
        piece = page(text, offset, limit)
        assert len(piece.text) <= limit
        assert piece.total == len(text)
        collected += piece.text
        if piece.next_offset is None:
            break
        assert piece.next_offset > offset
        offset = piece.next_offset
    assert collected == text


@pytest.mark.parametrize(
    ("offset", "start", "words"),
    [
        (0, 0, "characters 0 to 10 of 26; next: offset=10"),
        (20, 20, "characters 20 to 26 of 26; this is the end"),
        (-6, 20, "characters 20 to 26 of 26; this is the end"),
        (99, 26, "characters 26 to 26 of 26; this is the end"),
    ],
)
def test_a_page_says_which_part_it_is(offset: int, start: int, words: str) -> None:
    text = "abcdefghijklmnopqrstuvwxyz"
    piece = page(text, offset, 10)
    assert piece.text == text[start : start + 10]
    assert piece.words() == words


@pytest.mark.parametrize(
    ("count", "words"),
    [(7, "7 bytes"), (1234, "1.2 kB"), (23_456, "23 kB"), (12_200_000, "12.2 MB")],
)
def test_sizes_are_short(count: int, words: str) -> None:
    assert size_words(count) == words
