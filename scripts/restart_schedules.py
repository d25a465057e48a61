"""Play random schedules of the deaths of servers on a room, and count what goes wrong.

With ``--upstream`` the room is the one of jupyter-server-ydoc alone. The schedules are the same.
"""

from __future__ import annotations

import argparse
import asyncio
import logging
import os
import random
import sys
import tempfile
import warnings
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING

sys.path.insert(0, str(Path(__file__).parent.parent))

from tests.support.files import Files
from tests.support.restart_schedules import play
from tests.support.restarts import Restarts
from tests.support.upstream_restarts import UpstreamRestarts

if TYPE_CHECKING:
    from collections.abc import Iterable

MAX_STEPS = 40
"""Maximum number of steps of a schedule."""

SECONDS = 60.0
"""Maximum number of seconds for a schedule; a longer one counts as an error."""

COPY = "(the page's version is kept in a file beside it)"


async def outcome(world: Restarts, steps: bytes) -> set[str]:
    """Return the kinds of faults after a schedule."""
    try:
        async with asyncio.timeout(SECONDS):
            found = set(await play(world, steps))
            if world.in_copies():
                found.add(COPY)
            await world.end()
    except Exception as error:
        return {f"an error: {type(error).__name__}"}
    return found


def table(outcomes: list[set[str]]) -> Iterable[str]:
    """Yield the lines of a table in Markdown."""
    wrong = sum(bool(found - {COPY}) for found in outcomes)
    yield "| What is wrong in the end | Schedules |"
    yield "|---|---|"
    yield f"| anything | {wrong} of {len(outcomes)} |"
    for kind, times in Counter(kind for found in outcomes for kind in found).most_common():
        yield f"| {kind} | {times} |"


def main() -> None:
    """Play the schedules, and print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--upstream", action="store_true", help="without jmcp_lab")
    parser.add_argument("--number", type=int, default=200)
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    warnings.simplefilter("ignore")
    logging.disable(logging.CRITICAL)
    # No file has to survive a power failure here.
    os.fsync = lambda _file: None
    kind = UpstreamRestarts if options.upstream else Restarts
    outcomes = []
    with tempfile.TemporaryDirectory() as folder:
        files = Files(Path(folder))
        for seed in range(options.seed, options.seed + options.number):
            generator = random.Random(seed)
            steps = generator.randbytes(3 * generator.randint(5, MAX_STEPS))
            with asyncio.Runner() as runner:
                found = runner.run(outcome(kind(files, f"world{seed}"), steps))
            if found - {COPY}:
                print(f"seed {seed}: {', '.join(sorted(found))}", file=sys.stderr)
            outcomes.append(found)
    print("\n".join(table(outcomes)))


if __name__ == "__main__":
    main()
