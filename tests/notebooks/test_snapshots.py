from __future__ import annotations

from jmcp_lab.notebooks.snapshots import AgentSnapshots


def test_long_texts_that_an_agent_saw_long_ago_are_not_kept() -> None:
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


def test_the_text_that_was_seen_last_is_kept_however_long_it_is() -> None:
    seen = AgentSnapshots(characters=1000)
    seen.note("agent", "file", "a", "x" * 5000)
    assert seen.text("agent", "file", "a") == "x" * 5000
    seen.note("agent", "file", "b", "y")
    assert seen.text("agent", "file", "a") is None
