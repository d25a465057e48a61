"""Whatever dies, in whatever order people and agents write: nothing is lost, doubled or spoilt."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator
from itertools import count

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from .files import Files
from .restarts import Page, Restarts

Play = Callable[[bytes], None]

STEPS = (
    *(["types"] * 5),
    *(["person_inserts", "person_deletes"]),
    *(["speaks"] * 4),
    *(["hears"] * 4),
    *(["agent_writes"] * 4),
    *(["agent_inserts", "agent_inserts", "agent_moves", "agent_deletes"]),
    *(["saves"] * 3),
    *(["flushes"] * 3),
    *(["is_cut", "comes_back", "comes_back"]),
    *(["is_killed", "ends", "loses_history", "restores_history", "backs_up", "rewrites"]),
    *(["starts"] * 2),
    *(["restarts"] * 4),
)
"""What can happen, the frequent things several times."""

NUMBERS = count()


async def act(world: Restarts, name: str, page: Page, cell: int, at: int) -> None:
    match name:
        case "types":
            world.types(page, cell, at)
        case "person_inserts":
            world.person_inserts(page, at)
        case "person_deletes":
            world.person_deletes(page, cell)
        case "speaks":
            await page.speak()
        case "hears":
            page.hear()
        case "agent_writes":
            world.agent_writes(cell, at)
        case "agent_inserts":
            world.agent_inserts(at)
        case "agent_moves":
            world.agent_moves(cell, at)
        case "agent_deletes":
            world.agent_deletes(cell)
        case "is_cut":
            await page.cut()
        case "comes_back":
            if world.up and page.wire is None:
                page.connect(world.room)
        case "rewrites":
            world.rewrites(cell, at)
        case "restarts":
            await world.restarts(at)
        case _:
            done = getattr(world, name)()
            if done is not None:
                await done


async def play(files: Files, schedule: bytes) -> None:
    """Play a schedule: three bytes a step say what happens, to which page and cell, and where."""
    world = Restarts(files, f"world{next(NUMBERS)}")
    await world.begin()
    for at in range(0, len(schedule) - 2, 3):
        what, who, where = schedule[at : at + 3]
        await act(world, STEPS[what % len(STEPS)], world.pages[who % 2], who // 2, where)
        await asyncio.sleep(0)
    await world.check()
    await world.end()


def schedule(*steps: tuple[str, int, int, int]) -> bytes:
    """Return the bytes of a schedule that is written by name: step, page, cell, place."""
    return b"".join(
        bytes((STEPS.index(name), page + 2 * cell, where)) for name, page, cell, where in steps
    )


@pytest.fixture(scope="module")
def played(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Play]:
    """Return what plays a schedule, where no file has to survive a power cut."""
    with pytest.MonkeyPatch.context() as patch, asyncio.Runner() as runner:
        patch.setattr("os.fsync", lambda _file: None)
        files = Files(tmp_path_factory.mktemp("restarts"))
        yield lambda steps: runner.run(play(files, steps))


@pytest.mark.timeout(900)
@given(steps=st.binary(max_size=150))
@settings(
    max_examples=2500,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
)
# The server is killed: what it had not saved is in its history, and in the pages.
@example(steps=schedule(("agent_inserts", 0, 0, 1), ("flushes", 0, 0, 0), ("restarts", 0, 0, 4)))
# The history is lost as well: what a page knows comes from there.
@example(
    steps=schedule(
        *(("agent_inserts", 0, 0, 1), ("hears", 0, 0, 0), ("types", 0, 1, 0), ("speaks", 0, 0, 0)),
        ("restarts", 0, 0, 1),
    )
)
def test_nothing_is_lost_or_doubled_over_the_deaths_of_servers(played: Play, steps: bytes) -> None:
    played(steps)
