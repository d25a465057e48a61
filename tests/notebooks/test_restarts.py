"""Whatever dies, in whatever order people and agents write: nothing is lost, doubled or spoilt."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator
from itertools import count

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from .files import Files
from .restart_schedules import play, schedule
from .restarts import Restarts

Play = Callable[[bytes], None]

NUMBERS = count()


async def check(files: Files, steps: bytes) -> None:
    world = Restarts(files, f"world{next(NUMBERS)}")
    assert await play(world, steps) == {}
    await world.end()


@pytest.fixture(scope="module")
def played(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Play]:
    """Return what plays a schedule, where no file has to survive a power cut."""
    with pytest.MonkeyPatch.context() as patch, asyncio.Runner() as runner:
        patch.setattr("os.fsync", lambda _file: None)
        files = Files(tmp_path_factory.mktemp("restarts"))
        yield lambda steps: runner.run(check(files, steps))


@pytest.mark.timeout(900)
@given(steps=st.binary(max_size=90))
@settings(
    max_examples=400,
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
