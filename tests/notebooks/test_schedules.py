"""Whatever people and agents do to a notebook, in whatever order it arrives: nothing is lost."""

from __future__ import annotations

from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from .world import World

AGENTS = ("a_1", "a_2")

STEPS = (
    *(["types"] * 5),
    *(["erases", "inserts_cell", "deletes_cell", "moves_cell"]),
    *(["to_server"] * 4),
    *(["to_page"] * 4),
    *(["reads"] * 2),
    *(["overwrites"] * 4),
    *(["agent_inserts", "agent_deletes", "agent_deletes"]),
    *(["agent_moves", "agent_moves", "retypes", "clears"]),
    *(["undoes"] * 3),
    *(["saves", "reopens"]),
)
"""What can happen, the frequent things several times."""

PEOPLE = {"types", "erases", "inserts_cell", "deletes_cell", "moves_cell"}


def play(schedule: bytes) -> World:
    """Play a schedule: three bytes a step say what happens, by whom and in which cell, and where.

    See `test_schedules_are_written_by_name` for how to write one.
    """
    world = World()
    for at in range(0, len(schedule) - 2, 3):
        what, who, where = schedule[at : at + 3]
        name, actor, cell = STEPS[what % len(STEPS)], who % 2, who // 2
        if name in ("to_server", "to_page"):
            getattr(world, name)(world.pages[actor])
        elif name in ("saves", "reopens"):
            getattr(world, name)()
        elif name in PEOPLE:
            getattr(world, name)(world.pages[actor], cell, where)
        else:
            getattr(world, name)(AGENTS[actor], cell, where)
        world.check_ids()
    world.check()
    return world


def schedule(*steps: tuple[str, int, int, int]) -> bytes:
    """Return the bytes of a schedule that is written by name: step, actor, cell, place."""
    return b"".join(
        bytes((STEPS.index(name), actor + 2 * cell, where)) for name, actor, cell, where in steps
    )


@given(st.binary(max_size=90))
@settings(
    max_examples=5000,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
)
# A page types into a cell that an agent moves at that moment: Yjs drops what arrives.
@example(schedule(("types", 0, 0, 1), ("agent_moves", 0, 0, 3)))
# The same with a cell that an agent deletes: it comes back.
@example(schedule(("types", 0, 0, 1), ("agent_deletes", 0, 0, 0)))
# Person and agent move one cell at once: each makes it anew, so it was there twice.
@example(schedule(("moves_cell", 0, 0, 2), ("agent_moves", 0, 0, 3)))
# Moved and then deleted while the keystroke is on its way: it belongs to the first of three texts.
@example(
    schedule(("types", 0, 0, 0), ("agent_moves", 0, 0, 0), ("agent_deletes", 0, 0, 0)),
)
# The rest as they were found. What a person typed into a cell that the page itself had made anew
# was taken for late keystrokes, and came twice.
@example(b"\x19\x81\xd4\xca\xdb\xb0\xe0\xaf\xda\xee\xa7B\x94\xbbt\xb15.\x02\xfa\xed")
# Moved by both with keystrokes on their way: joined by comparing with the wrong earlier text.
@example(b"M\x19\xc6\x1ck\x96\xebn\x80`\xc3J\xf5\xa6m'\xef\x12q\xa3\x04")
@example(b"\x03\x0b|+\xb9\t\xa7\xbe\x95\xe6\xecZ")
# One person erases while another and an agent move the cell: the erased character came back.
@example(
    b"\x06\x1d@\xa4B\xdf\xe9\xf1\xbaE\xccA\x91\xa07_}'\xda\xc1\x1f\x83Z\xa6\\EG",
)
# Two people and an agent move one cell: nobody knows the text that all of them began with.
@example(
    b")\xba\xeb\xae\xfa*<c\xbc\x93\xa41oc3N\x9c,qmO]:\x8f\t\xd6\xcc\xa6E<7\xeb\x9a\x94\xfeg",
)
# More moves within one delivery than copies of the document were kept.
@example(
    b"\x82\x8b\x88a\t\x0c\xa7\x92\xafMGi 4\xb6\xc9\x9a\x0c\xc9P#\x1b\x05\xbd`\xa0\xeaCu"
    b"\x91\xf7\x81b",
)
def test_nothing_that_a_person_typed_is_lost(steps: bytes) -> None:
    play(steps)


def test_schedules_are_written_by_name() -> None:
    world = play(schedule(("types", 0, 0, 1), ("to_server", 0, 0, 0), ("reads", 1, 0, 0)))
    assert len(world.typed) == 1
