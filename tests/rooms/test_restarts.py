"""Whatever dies, in whatever order people and agents write: nothing is lost, doubled or spoilt."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator
from itertools import count

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from ..support.files import Files
from ..support.restart_schedules import play, schedule
from ..support.restarts import Restarts

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
    max_examples=200,
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
# A history that is older than the file comes back; the page has what the file has from it.
@example(
    steps=schedule(
        *(("backs_up", 0, 0, 0), ("agent_inserts", 0, 0, 1), ("hears", 0, 0, 0)),
        *(("hears", 0, 0, 0), ("saves", 0, 0, 0), ("hears", 0, 0, 0), ("hears", 0, 0, 0)),
        ("restarts", 0, 0, 7),
    )
)
# Only one page heard that a cell was moved before the server died; the other is typed in there.
@example(
    steps=schedule(
        *(("agent_moves", 0, 0, 3), ("starts", 0, 0, 0), ("hears", 1, 0, 0)),
        *(("is_killed", 0, 0, 0), ("types", 0, 0, 3)),
    )
)
# A cell that no file had yet is moved, and typed in.
@example(
    steps=schedule(
        *(("person_inserts", 1, 0, 2), ("speaks", 1, 0, 0), ("agent_moves", 0, 2, 0)),
        *(("types", 1, 2, 0), ("ends", 0, 0, 0)),
    )
)
# An agent moves the cell between the page's connection and its first word.
@example(
    steps=schedule(
        *(("types", 1, 2, 1), ("restarts", 0, 0, 188), ("comes_back", 1, 0, 0)),
        ("agent_moves", 0, 2, 2),
    )
)
# What an agent wrote before it moved a cell is in the page's cell as well.
@example(
    steps=schedule(
        *(("agent_writes", 0, 0, 1), ("hears", 1, 0, 0), ("hears", 1, 0, 0)),
        *(("agent_moves", 0, 0, 3), ("types", 1, 0, 1), ("ends", 0, 0, 0)),
    )
)
# The cell was moved in the history that was restored already.
@example(
    steps=schedule(
        *(("types", 1, 2, 1), ("agent_writes", 0, 0, 0), ("agent_moves", 0, 2, 2)),
        *(("backs_up", 0, 0, 0), ("restarts", 0, 0, 210), ("restarts", 0, 0, 142)),
    )
)
# Nobody knows what the file said that the page met, but another page of its history was here.
@example(
    steps=schedule(
        *(("agent_deletes", 0, 2, 0), ("types", 1, 2, 1), ("hears", 0, 0, 0)),
        *(("ends", 0, 0, 0), ("loses_history", 0, 0, 0)),
    )
)
# The person types into a deleted cell after the page has said what it knows.
@example(
    steps=schedule(
        *(("agent_inserts", 0, 0, 1), ("agent_deletes", 0, 2, 0), ("saves", 0, 0, 0)),
        *(("restarts", 0, 0, 121), ("comes_back", 0, 0, 0), ("speaks", 0, 0, 0)),
        *(("hears", 0, 0, 0), ("hears", 0, 0, 0), ("types", 0, 1, 0)),
    )
)
def test_nothing_is_lost_or_duplicated_when_servers_die(played: Play, steps: bytes) -> None:
    played(steps)
