"""Whatever people and agents do to a notebook, in whatever order it arrives: nothing is lost."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator
from itertools import count

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from ...support.files import Files
from ...support.world import World

Play = Callable[[bytes], World]

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
    *(["rewrites"] * 3),
    *(["looks", "looks", "renames", "starts_saving", "starts_saving"]),
)
"""What can happen, the frequent things several times."""

LATER_STEPS = ("reconnects", "reconnects", "moves_often")
"""What was thought of later; `what` says one of these from `FIRST_LATER` on."""

FIRST_LATER = 5 * len(STEPS)

NUMBERS = count()

STEP_SECONDS = 110.0
"""A schedule lasts almost an hour."""

PEOPLE = {"types", "erases", "inserts_cell", "deletes_cell", "moves_cell"}


async def act(world: World, name: str, actor: int, cell: int, where: int) -> None:
    world.seconds += STEP_SECONDS
    if name in ("to_server", "to_page", "reconnects"):
        getattr(world, name)(world.pages[actor])
    elif name in ("saves", "reopens", "looks"):
        await getattr(world, name)()
    elif name == "renames":
        await world.renames(cell, where)
    elif name in ("rewrites", "starts_saving"):
        getattr(world, name)(cell, where)
    elif name in PEOPLE:
        getattr(world, name)(world.pages[actor], cell, where)
    else:
        getattr(world, name)(AGENTS[actor], cell, where)


async def play(files: Files, schedule: bytes) -> World:
    """Play a schedule: three bytes a step say what happens, by whom and in which cell, and where.

    See `test_schedules_are_written_by_name` for how to write one.
    """
    world = World(files, f"world{next(NUMBERS)}")
    await world.start()
    for at in range(0, len(schedule) - 2, 3):
        what, who, where = schedule[at : at + 3]
        later = what >= FIRST_LATER
        name = (LATER_STEPS if later else STEPS)[what % len(LATER_STEPS if later else STEPS)]
        await act(world, name, who % 2, who // 2, where)
        # A save that is under way comes one step further.
        await asyncio.sleep(0)
        world.check_ids()
    await world.check()
    await world.end()
    return world


def schedule(*steps: tuple[str, int, int, int]) -> bytes:
    """Return the bytes of a schedule that is written by name: step, actor, cell, place."""
    whats = {name: at for at, name in reversed(list(enumerate(STEPS)))} | {
        LATER_STEPS[what % len(LATER_STEPS)]: what for what in range(FIRST_LATER, 256)
    }
    return b"".join(
        bytes((whats[name], actor + 2 * cell, where)) for name, actor, cell, where in steps
    )


@pytest.fixture(scope="module")
def played(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Play]:
    """Return what plays a schedule, where no file has to survive a power cut."""
    with pytest.MonkeyPatch.context() as patch, asyncio.Runner() as runner:
        patch.setattr("os.fsync", lambda _file: None)
        files = Files(tmp_path_factory.mktemp("schedules"))
        yield lambda steps: runner.run(play(files, steps))


# A minute where nothing else is going on.
@pytest.mark.timeout(900)
@given(steps=st.binary(max_size=90))
@settings(
    max_examples=500,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
)
# A page types into a cell that an agent moves at that moment: Yjs drops what arrives.
@example(steps=schedule(("types", 0, 0, 1), ("agent_moves", 0, 0, 3)))
# The same with a cell that an agent deletes: it comes back.
@example(steps=schedule(("types", 0, 0, 1), ("agent_deletes", 0, 0, 0)))
# Person and agent move one cell at once: each makes it anew, so it was there twice.
@example(steps=schedule(("moves_cell", 0, 0, 2), ("agent_moves", 0, 0, 3)))
# Moved and then deleted while the keystroke is on its way: it belongs to the first of three texts.
@example(
    steps=schedule(("types", 0, 0, 0), ("agent_moves", 0, 0, 0), ("agent_deletes", 0, 0, 0)),
)
# Both pages and an agent take one cell out; it came back with what was typed, and then as it was
# made anew by the page that had typed that, so that the character was there twice.
@example(
    steps=schedule(
        *(("types", 0, 2, 1), ("agent_moves", 0, 2, 0), ("agent_deletes", 0, 0, 0)),
        *(("deletes_cell", 1, 2, 0), ("types", 0, 2, 2), ("moves_cell", 0, 2, 0)),
    )
)
# Another program writes the file while the room says something that is not saved: it was lost,
# whether the server looked or a save found it.
@example(
    steps=schedule(
        *(("types", 0, 0, 0), ("to_server", 0, 0, 0), ("rewrites", 0, 1, 0), ("looks", 0, 0, 0)),
    )
)
@example(
    steps=schedule(
        *(("types", 0, 0, 0), ("to_server", 0, 0, 0), ("rewrites", 0, 1, 0), ("saves", 0, 0, 0)),
    )
)
# The same while the keystroke is on its way to a cell that the other program takes out.
@example(steps=schedule(("types", 0, 0, 0), ("rewrites", 0, 0, 2), ("looks", 0, 0, 0)))
# The file is written, or moves, at the last step of a save: that wrote over it, or made the old
# name again.
@example(
    steps=schedule(
        *(("types", 0, 0, 0), ("agent_moves", 0, 0, 0), ("starts_saving", 0, 0, 0)),
        *([("reads", 0, 0, 0)] * 5),
        *(("rewrites", 0, 0, 0), ("rewrites", 0, 0, 1), ("looks", 0, 0, 0)),
    )
)
@example(
    steps=schedule(
        *(("types", 0, 0, 0), ("to_server", 0, 0, 0), ("starts_saving", 0, 0, 0)),
        *([("reads", 0, 0, 0)] * 5),
        ("renames", 0, 0, 0),
    )
)
# A cell comes above another while a save goes through them by their places: the save met that
# one twice, and gave it a new id, under which what was typed did not find it.
@example(
    steps=schedule(
        *(("types", 0, 0, 0), ("agent_moves", 0, 0, 0), ("starts_saving", 0, 0, 0)),
        *(("rewrites", 0, 0, 0), ("rewrites", 0, 0, 1), ("looks", 0, 0, 0)),
    )
)
# An agent deletes a cell that another program writes in: it comes back as the file has it, and
# taking the deletion back then did nothing, and was done with.
@example(
    steps=schedule(
        *(("types", 0, 2, 0), ("to_server", 0, 0, 0), ("agent_deletes", 0, 2, 0)),
        *(("rewrites", 0, 2, 0), ("looks", 0, 0, 0), ("undoes", 0, 0, 0)),
    )
)
# Another program makes text of a code cell, and code of it again: it had no execution count.
@example(
    steps=schedule(
        *(("agent_inserts", 0, 0, 3), ("saves", 0, 0, 0), ("rewrites", 0, 3, 5)),
        *(("looks", 0, 0, 0), ("rewrites", 0, 3, 13), ("looks", 0, 0, 0)),
    )
)
# 71 moves while the keystroke is on its way.
@example(steps=schedule(("types", 0, 0, 0), ("moves_often", 0, 0, 1)))
# The page comes back after the move, with what it typed before; and once it knows of the move.
@example(steps=schedule(("types", 0, 0, 0), ("agent_moves", 0, 0, 3), ("reconnects", 0, 0, 0)))
@example(
    steps=schedule(
        *(("types", 0, 0, 0), ("agent_moves", 0, 0, 3), ("to_page", 1, 0, 0)),
        *(("reconnects", 1, 0, 0), ("to_server", 0, 0, 0)),
    )
)
# The page hears of a deletion while its keystroke is on its way, and the connection breaks.
@example(
    steps=schedule(
        *(("agent_deletes", 0, 1, 0), ("types", 1, 1, 0), ("to_page", 1, 0, 0)),
        ("reconnects", 1, 0, 0),
    )
)
# The same, and of what it had typed there one keystroke was here already.
@example(
    steps=schedule(
        *([("types", 0, 0, 0)] * 3),
        *(("agent_deletes", 0, 0, 0), ("types", 0, 0, 0), ("to_server", 0, 0, 0)),
        *(("to_page", 0, 0, 0), ("reconnects", 0, 0, 0)),
    )
)
# The rest as they were found. What a person typed into a cell that the page itself had made anew
# was taken for late keystrokes, and came twice.
@example(steps=b"\x19\x81\xd4\x1b\xdb\xb0\x0e\xaf\xda\x1c\xa7B\x08\xbbt\x025.\x02\xfa\xed")
# Moved by both with keystrokes on their way: joined by comparing with the wrong earlier text.
@example(steps=b"\x07\x19\xc6\x1ck\x96\x19n\x80\x1a\xc3J\x00\xa6m\x04\xef\x12\x08\xa3\x04")
@example(steps=b"\x03\x0b|\x08\xb9\t\x1b\xbe\x95\x14\xecZ")
# One person erases while another and an agent move the cell: the erased character came back.
@example(steps=b"\x06\x1d@\x18B\xdf\x17\xf1\xba\"\xccA\x05\xa07\x19}'\x08\xc1\x1f\x1aZ\xa6\x16EG")
# Two people and an agent move one cell: nobody knows the text that all of them began with.
@example(
    steps=b'\x06\xba\xeb"\xfa*\x19c\xbc\x07\xa41\x06c3\x08\x9c,\x08mO\x17:\x8f\t\xd6\xcc\x1aE<\x14\xeb\x9a\x08\xfeg'
)
# More moves within one delivery than copies of the document were kept.
@example(
    steps=b"\x19\x8b\x88\x1b\t\x0c\x1b\x92\xaf\x07Gi 4\xb6\x1a\x9a\x0c\x1aP#\x1b\x05\xbd"
    b"\x1a\xa0\xea u\x91\x02\x81b"
)
def test_nothing_that_a_person_typed_is_lost(played: Play, steps: bytes) -> None:
    played(steps)


def test_schedules_are_written_by_name(played: Play) -> None:
    world = played(schedule(("types", 0, 0, 1), ("to_server", 0, 0, 0), ("reads", 1, 0, 0)))
    assert len(world.typed) == 1
