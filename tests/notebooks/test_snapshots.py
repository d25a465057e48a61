from __future__ import annotations

import pickle

from jmcp_lab.notebooks.snapshots import AgentSnapshots


def kept(seen: AgentSnapshots, agent: str) -> list[int]:
    return [n for n in range(10) if seen.text(agent, "file", f"cell {n}") is not None]


def test_texts_seen_long_ago_are_dropped_for_all_agents_together() -> None:
    seen = AgentSnapshots(max_bytes=1500)
    for number in range(10):
        seen.note(f"agent {number % 2}", "file", f"cell {number}", str(number) * 300)
    assert [*kept(seen, "agent 0"), *kept(seen, "agent 1")] == [6, 8, 7, 9]
    seen.note("agent 1", "file", "cell 9", "short")
    seen.note("agent 1", "file", "cell 0", "1" * 300)
    assert seen.text("agent 0", "file", "cell 6") is not None


def test_agents_that_know_the_same_text_share_it() -> None:
    seen = AgentSnapshots(max_bytes=1500)
    for number in range(10):
        seen.note(f"agent {number}", "file", "cell 0", "".join(["x"] * 1000))
    assert len({id(seen.text(f"agent {n}", "file", "cell 0")) for n in range(10)}) == 1
    seen.forget_agent("agent 3")
    assert seen.text("agent 3", "file", "cell 0") is None
    assert seen.text("agent 4", "file", "cell 0") == "x" * 1000
    for number in range(10):
        seen.note(f"agent {number}", "file", "cell 0", "y")
    seen.note("agent", "file", "cell 1", "z" * 1000)
    assert kept(seen, "agent 0") == [0]


def test_the_last_seen_text_is_kept_whatever_its_length() -> None:
    seen = AgentSnapshots(max_bytes=1000)
    seen.note("agent", "file", "a", "x" * 5000)
    assert seen.text("agent", "file", "a") == "x" * 5000
    seen.note("agent", "file", "b", "y")
    assert seen.text("agent", "file", "a") is None


def test_a_change_of_a_text_that_was_dropped_is_noticed() -> None:
    seen = AgentSnapshots(max_bytes=1000)
    seen.note("agent", "file", "a", "x" * 5000)
    seen.note("agent", "file", "b", "y" * 5000)
    assert seen.text("agent", "file", "a") is None
    assert not seen.is_outdated("agent", "file", "a", "x" * 5000)
    assert seen.is_outdated("agent", "file", "a", "changed")
    assert not seen.is_outdated("agent", "file", "never seen", "changed")
    # What an agent wrote since does not hide the change.
    seen.note_written("agent", "file", "a", "changed", "changed more")
    assert seen.is_outdated("agent", "file", "a", "changed")
    seen.note_written("agent", "file", "a", "x" * 5000, "its own")
    assert seen.text("agent", "file", "a") == "its own"


def test_an_agent_that_reads_again_is_up_to_date_even_if_it_sees_a_part_only() -> None:
    seen = AgentSnapshots(max_bytes=1000)
    seen.note("agent", "file", "a", "x" * 5000)
    seen.note_part("agent", "file", "a", "changed")
    assert seen.text("agent", "file", "a") == "x" * 5000
    seen.note("agent", "file", "b", "y" * 5000)
    seen.note_part("agent", "file", "a", "changed")
    assert not seen.is_outdated("agent", "file", "a", "changed")


def test_texts_are_limited_however_they_are_used_later() -> None:
    seen = AgentSnapshots(max_bytes=100_000)
    for number in range(200):
        seen.note("agent", "file", f"cell {number}", "é€" * 5000 + str(number))
        held = seen.text("agent", "file", f"cell {number}")
        pickle.dumps(held)
    assert sum(seen.text("agent", "file", f"cell {n}") is not None for n in range(200)) < 10


def test_an_agent_that_reads_much_does_not_make_the_others_forget() -> None:
    seen = AgentSnapshots(most=10, most_of_all=25)
    seen.note("first", "file", "a", "x")
    for number in range(100):
        seen.note("second", "file", f"cell {number}", "y")
    assert seen.is_outdated("first", "file", "a", "changed")
    assert [n for n in range(100) if seen.is_outdated("second", "file", f"cell {n}", "")] == [
        *range(90, 100)
    ]
    for agent in ("third", "fourth"):
        for number in range(10):
            seen.note(agent, "file", f"cell {number}", "y")
    # The agent that was idle for longest forgets first.
    assert not seen.is_outdated("first", "file", "a", "changed")


def test_shown_outputs_are_known_until_they_are_shown_in_part_or_forgotten() -> None:
    seen = AgentSnapshots()
    seen.note_outputs("agent", "file", "a", "outputs")
    assert seen.saw_outputs("agent", "file", "a", "outputs")
    assert not seen.saw_outputs("agent", "file", "a", "others")
    seen.note_outputs("agent", "file", "a", None)
    assert not seen.saw_outputs("agent", "file", "a", "outputs")
    seen.note_outputs("agent", "file", "a", "outputs")
    seen.forget_outputs("agent")
    assert not seen.saw_outputs("agent", "file", "a", "outputs")
