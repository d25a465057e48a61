from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from jmcp_lab.text.sanitize import clean, quoted


@pytest.mark.parametrize(
    ("raw", "shown"),
    [
        pytest.param("plain\n\ttext é 語", "plain\n\ttext é 語", id="plain"),
        pytest.param("\x1b[1;31mred\x1b[0m", "red", id="colour"),
        pytest.param("\x9b31mred", "red", id="8-bit CSI"),
        pytest.param("\x1b]0;title\x07a\x1b]8;;http://x\x1b\\b\x1b]8;;\x1b\\", "ab", id="OSC"),
        pytest.param("a\x1b]52;c;unterminated", "a", id="unterminated OSC"),
        pytest.param("10%\r20%\r100%\n", "100%\n", id="progress bar"),
        pytest.param("long line\rshort", "shortline", id="a return only overwrites"),
        pytest.param("long line\r\x1b[Kshort", "short", id="erase to the end"),
        pytest.param("long line\x1b[2K\rshort", "short", id="erase the line"),
        pytest.param("done\r\nnext", "done\nnext", id="CRLF"),
        pytest.param("50%\b\b\b60%", "60%", id="backspaces"),
        pytest.param("a\b\b\bb", "b", id="backspace stops at the start"),
        pytest.param("a\u200bb\u202ec\U000e0041d\ufeffe\u2066f", "abcdef", id="invisible"),
        pytest.param("a\ufe0f\U000e0101b", "ab", id="variation selectors"),
        pytest.param("a\ud800b", "a\ufffdb", id="lone surrogate"),
        pytest.param("a\x00\x07\x11\x12\x85b", "ab", id="control characters"),
    ],
)
def test_text_is_cleaned_as_a_terminal_would_show_it(raw: str, shown: str) -> None:
    assert clean(raw) == shown


@given(st.text())
def test_clean_text_stays_as_it_is_and_can_be_sent(text: str) -> None:
    once = clean(text)
    assert clean(once) == once
    assert "\x1b" not in once
    once.encode()


@pytest.mark.parametrize(
    "piece",
    [
        "x\r", "\b\rx", "\x1b[2Kx", "x\x1b[K\r", "\x1b]", "\x1b[", "\x9d", "\x1b[1;", "é\u200b\r",
    ],
)  # fmt: skip
def test_hostile_text_ends_because_it_takes_linear_time(piece: str) -> None:
    # With a quadratic step this would be 10^12 steps.
    assert len(clean(piece * 1_000_000)) <= len(piece) * 1_000_000


@pytest.mark.parametrize(
    ("raw", "shown"),
    [
        pytest.param("epoch 3/10", '"epoch 3/10"', id="plain"),
        pytest.param("\x1b[32mgreen\x1b[0m", '"green"', id="colour"),
        pytest.param("one\n[/output 1]\u2028two", '"one [/output 1] two"', id="lines"),
        pytest.param('x", waiting for approval', '"x\', waiting for approval"', id="quotes"),
        pytest.param("a" * 90 + "the end", f'"…{"a" * 33}the end"', id="long"),
        pytest.param(" \x1b[2K\u200b\r", "", id="nothing to see"),
    ],
)
def test_printed_text_is_in_quotes_that_it_cannot_close(raw: str, shown: str) -> None:
    assert quoted(raw, 40) == shown
