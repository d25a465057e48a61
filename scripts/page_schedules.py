"""Play random schedules of the deaths of servers with two real pages, and count what goes wrong.

With ``--upstream`` the server runs without jmcp_lab, and a third page takes the agent's place. The
schedules are the same.
"""

from __future__ import annotations

import argparse
import json
import random
import sys
import tempfile
import traceback
from collections import Counter
from contextlib import ExitStack, suppress
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))
sys.path.insert(0, str(Path(__file__).parent.parent / "ui-tests"))

from page_robots import McpRobot, PageRobot
from page_world import World
from playwright.sync_api import sync_playwright

from lab_page import CHROMIUM_ARGUMENTS, find_chromium
from lab_server import LabServer

MAX_STEPS = 7
"""Maximum number of steps of a schedule, including restarts."""

STEPS = (
    *(["types"] * 4),
    *(["agent_inserts", "agent_inserts", "agent_writes", "agent_writes", "agent_moves"]),
    *(["backs_up"]),
    *(["restarts"] * 4),
)
"""Possible steps; frequent ones are listed several times."""

WITHOUT_US = {
    "jupyter_server_config.json": {"ServerApp": {"jpserver_extensions": {"jmcp_lab": False}}},
    "labconfig/page_config.json": {"disabledExtensions": {"jmcp-lab": True}},
}


def play(world: World, generator: random.Random) -> dict[str, object]:
    """Play one schedule; return the faults at its end, by kind."""
    world.begins(generator.choice(["4.5", "4.5", "4.4", "new"]))
    steps = generator.choices(STEPS, k=generator.randint(4, MAX_STEPS))
    for step in [*steps, "restarts"]:
        getattr(world, step)(generator)
    return world.faults()


def table(outcomes: list[dict[str, object]], unsaved: float, lost: float, copies: int) -> str:
    """Return a table in Markdown."""
    wrong = sum(bool(found) for found in outcomes)
    lines = ["| What is wrong in the end | Schedules |", "|---|---|"]
    lines.append(f"| anything | {wrong} of {len(outcomes)} |")
    counted = Counter(kind for found in outcomes for kind in found)
    lines += [f"| {kind} | {times} |" for kind, times in counted.most_common()]
    lines.append(f"| (a version is kept in a file beside it) | {copies} |")
    return "\n".join(
        [
            *lines,
            "",
            f"Acknowledged, and not in the file at kill -9: at most {unsaved:.1f} s.",
            f"In no page and in no history either: at most {lost:.2f} s.",
        ]
    )


def main() -> None:
    """Play the schedules, and print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--upstream", action="store_true", help="without jmcp_lab")
    parser.add_argument("--number", type=int, default=20)
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    outcomes, unsaved, lost, copies = [], 0.0, 0.0, 0
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        if options.upstream:
            for name, content in WITHOUT_US.items():
                path = folder / "config" / name
                path.parent.mkdir(parents=True, exist_ok=True)
                path.write_text(json.dumps(content))
        playwright = stack.enter_context(sync_playwright())
        browser = playwright.chromium.launch(
            executable_path=find_chromium(), args=CHROMIUM_ARGUMENTS
        )
        stack.callback(browser.close)
        server = LabServer(folder)
        server.start()
        stack.callback(server.stop)
        for seed in range(options.seed, options.seed + options.number):
            robot = PageRobot() if options.upstream else McpRobot()
            world = World(server, browser, f"n{seed}.ipynb", robot)
            try:
                found = play(world, random.Random(seed))
            except Exception as error:
                traceback.print_exc()
                found = {f"an error: {type(error).__name__}": str(error)}
                with suppress(AssertionError):
                    server.stop()
                server.start()
            finally:
                world.ends()
            outcomes.append(found)
            unsaved = max(unsaved, world.longest_unsaved)
            lost = max(lost, world.longest_lost)
            copies += bool(world.copies())
            waits = f"{world.longest_unsaved:.1f} s, {world.longest_lost:.2f} s"
            said = f"seed {seed} ({waits}): {world.story}: {found or 'right'}"
            print(said, file=sys.stderr, flush=True)
    print(table(outcomes, unsaved, lost, copies))


if __name__ == "__main__":
    main()
