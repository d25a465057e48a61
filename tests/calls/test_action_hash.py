"""What a decision covers is in the hash of an action, to the last character."""

from __future__ import annotations

import json
import time

from hypothesis import given
from hypothesis import strategies as st

from jmcp_lab.calls.call import Action, Preview, PreviewItem, Target, ToolClass

TEXTS = st.none() | st.text(st.sampled_from("a0:;n\ud83dé"), max_size=3)
ITEMS = st.lists(st.builds(PreviewItem, st.just("Cell"), TEXTS, TEXTS, TEXTS, TEXTS), max_size=3)


def action(items: list[PreviewItem]) -> Action:
    preview = Preview("text", tuple(items))
    return Action("edit_cell", ToolClass.EDIT, "Edit", Target(path="a.ipynb"), preview=preview)


def shown(items: list[PreviewItem]) -> list[tuple[str | None, ...]]:
    return [(item.cell_id, item.text, item.old, item.new) for item in items]


@given(ITEMS, ITEMS)
def test_actions_that_show_different_content_have_different_hashes(
    one: list[PreviewItem], other: list[PreviewItem]
) -> None:
    same = action(one).action_hash("a_1") == action(other).action_hash("a_1")
    assert same == (shown(one) == shown(other))


def test_hashing_megabytes_takes_less_time_than_writing_them_as_json() -> None:
    items = [PreviewItem("Cell", "c", None, "\x00" * 3_500_000, "é" * 1_700_000)]
    started = time.thread_time()
    shown_at_once = action(items).action_hash("a_1")
    took = time.thread_time() - started
    started = time.thread_time()
    json.dumps([item.text or item.old for item in items] + [item.new for item in items])
    assert shown_at_once
    assert took < time.thread_time() - started
