from __future__ import annotations

from jmcp_lab.notebooks.snapshots import AgentSnapshots


def test_long_texts_seen_long_ago_are_dropped() -> None:
    seen = AgentSnapshots(characters=1000)
    for number in range(10):
        seen.note("agent", "file", f"cell {number}", str(number) * 300)
        seen.note("other", "file", f"cell {number}", "x")
    kept = [number for number in range(10) if seen.text("agent", "file", f"cell {number}")]
    assert kept == [7, 8, 9]
    assert seen.text("other", "file", "cell 0") == "x"
    seen.note("agent", "file", "cell 9", "short")
    seen.note("agent", "file", "cell 10", "1" * 300)
    assert seen.text("agent", "file", "cell 7") is not None


def test_the_last_seen_text_is_kept_whatever_its_length() -> None:
    seen = AgentSnapshots(characters=1000)
    seen.note("agent", "file", "a", "x" * 5000)
    assert seen.text("agent", "file", "a") == "x" * 5000
    seen.note("agent", "file", "b", "y")
    assert seen.text("agent", "file", "a") is None
