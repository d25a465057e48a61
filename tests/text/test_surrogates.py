"""What leaves this server holds no half of a surrogate pair, and emoji cost nothing."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from jmcp_lab.text import surrogates
from jmcp_lab.text.surrogates import dump_json, without_halves

PARTS = ("\ud83d", "\ude00", "\U0001f600", "\\", "\\ud83d", "ud83d", "a", "\n", '"', "\ue000")
TEXTS = st.lists(st.sampled_from(PARTS), max_size=8).map("".join)


@given(TEXTS, TEXTS)
def test_json_contains_no_half_surrogates(one: str, other: str) -> None:
    value = {one: [other, {"a": one + other}]}
    found = json.loads(dump_json(value))
    assert found == json.loads(json.dumps(without_halves(value)))
    json.dumps(found, ensure_ascii=False).encode()


def test_text_with_emoji_is_not_processed_piece_by_piece(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(surrogates, "without_halves", None)
    assert json.loads(dump_json(["\U0001f600" * 3, "é"])) == ["\U0001f600" * 3, "é"]
