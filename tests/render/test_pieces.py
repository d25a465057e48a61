"""Long texts and values are gone through in pieces: the result is that of going through at once."""

from __future__ import annotations

import json
import re
import threading
import time

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from jmcp_lab.render import text as texts
from jmcp_lab.render.blocks import Block
from jmcp_lab.render.sharing import Item
from jmcp_lab.render.text import compact_json, matches, without_data_urls
from jmcp_lab.text import sanitize as cleaning
from jmcp_lab.text.sanitize import clean

from ..support.figures import figure_in_html

TERMINAL = st.lists(
    st.sampled_from(
        [
            *("a", "b\n", "\r", "\r\n", "\b", "\x1b[31m", "\x1b[0K", "\x1b[2K", "\x9b1m", "\x0c"),
            *("\x1b]0;title\x07", "\x1b", "\x1b[", "\x11", "\u200b", "\ud800", "é", "\x85", "\t"),
        ]
    ),
    max_size=200,
).map("".join)

VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: (
        st.lists(inner, max_size=6)
        | st.dictionaries(st.text(max_size=3) | st.integers() | st.none(), inner, max_size=4)
    ),
)

ONE_FIXTURE = settings(suppress_health_check=[HealthCheck.function_scoped_fixture])


@ONE_FIXTURE
@given(TERMINAL)
def test_a_text_cleaned_in_pieces_is_the_text_cleaned_at_once(
    monkeypatch: pytest.MonkeyPatch, text: str
) -> None:
    whole = clean(text)
    with monkeypatch.context() as small:
        small.setattr(cleaning, "PIECE", 40)
        small.setattr(cleaning, "_LONGEST_SEQUENCE", 20)
        assert clean(text) == whole


@ONE_FIXTURE
@given(VALUES)
def test_json_in_parts_equals_the_encoders_output(
    monkeypatch: pytest.MonkeyPatch, value: object
) -> None:
    monkeypatch.setattr(texts, "_PART", 2)
    assert compact_json(value) == json.dumps(value, ensure_ascii=False, separators=(",", ":"))


DATA_URL = re.compile(r"data:([\w.+-]{1,40}/[\w.+-]{1,60})?;base64,([A-Za-z0-9+/=\s]{200,}+)")


@ONE_FIXTURE
@given(
    st.lists(
        st.sampled_from(
            [
                *("data:", "image/png", ";base64,", "A" * 199, "A" * 200, "=", "\n", "'", " x "),
                "data:image/png;base64,",
            ]
        ),
        max_size=30,
    ).map("".join)
)
def test_data_urls_found_in_pieces_are_those_found_at_once(
    monkeypatch: pytest.MonkeyPatch, text: str
) -> None:
    monkeypatch.setattr(texts, "_PIECE", 50)
    found = DATA_URL.sub(
        lambda match: f"data:{match[1] or ''};base64,(… {len(match[2]):,} characters)", text
    )
    assert without_data_urls(text) == found


@ONE_FIXTURE
@given(st.text("abx ", max_size=60))
def test_matches_found_in_pieces_are_those_found_at_once(
    monkeypatch: pytest.MonkeyPatch, text: str
) -> None:
    pattern = re.compile(r"a\s{0,3}b(?=x)")
    monkeypatch.setattr(texts, "_PIECE", 7)
    found = [match.span() for match in matches(pattern, text, 6)]
    assert found == [match.span() for match in pattern.finditer(text)]


def test_a_bracket_before_millions_of_spaces_is_examined_once() -> None:
    started = time.thread_time()
    item = Item(Block(1, "stdout", "[" + " " * 3_000_000))
    assert time.thread_time() - started < 5
    assert not item.word
    assert Item(Block(1, "stdout", "x" * 300_000 + "[ / OUTPUT 1]")).word


def test_a_figure_of_too_much_json_is_named_and_not_read() -> None:
    numbers = ",".join(["0.123456"] * 1_000_000)
    script = f"<script>Plotly.newPlot('a', [{{\"y\":[{numbers}]}}], {{}})</script>"
    assert figure_in_html(script) == ("plotly", "too large to be summed up")


@pytest.mark.parametrize(
    "work",
    [
        pytest.param(lambda: clean("\x1b[31mred\x1b[0m\u200b\r" * 300_000), id="one line"),
        pytest.param(lambda: clean("\x1b[31m" + "x" * 20_000_000), id="a text of 20 MB"),
        pytest.param(lambda: compact_json([0.123456] * 1_000_000), id="a million numbers"),
        pytest.param(lambda: compact_json([{"a": [n]} for n in range(100_000)]), id="many objects"),
        pytest.param(
            lambda: without_data_urls("<img src='data:image/png;base64," + "A" * 20_000_000),
            id="an image of 20 MB",
        ),
    ],
)
def test_other_threads_run_in_the_meantime(work: object) -> None:
    turns: list[float] = []
    over = threading.Event()

    def take_turns() -> None:
        while not over.is_set():
            time.sleep(0.001)
            turns.append(time.perf_counter())

    other = threading.Thread(target=take_turns)
    other.start()
    started, cpu = time.perf_counter(), time.thread_time()
    work()  # type: ignore[operator]
    took = time.perf_counter() - started
    cpu = time.thread_time() - cpu
    over.set()
    other.join()
    # At least one for each tenth of a second of work, however busy the machine is.
    assert len([turn for turn in turns if started < turn < started + took]) >= int(cpu / 0.1)
