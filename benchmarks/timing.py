"""Times actions in turns, so that the figures of one ratio are comparable.

If the machine slows down for a while, it slows down both actions. So ratios can be compared between
machines, but milliseconds cannot.
"""

from __future__ import annotations

import asyncio
import math
import time
from collections.abc import Awaitable, Callable, Mapping
from statistics import median
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from setting import Agent

Figures = dict[str, Any]
Action = Callable[[], Awaitable[object]]

WARM_UP = 5
SETTLE_SECONDS = 0.4
"""Seconds after a call until the panel, the history and the page have finished their work.

An agent's model thinks for longer than that.
"""

NO_OP = "no_op"
"""Name of the figure for a call that does nothing, which is the cost of every call."""


def summary(milliseconds: list[float]) -> Figures:
    """Return the median, the 95th percentile and the minimum of some times."""
    ordered = sorted(milliseconds)
    return {
        "n": len(ordered),
        "median_ms": round(median(ordered), 2),
        "p95_ms": round(ordered[math.ceil(len(ordered) * 0.95) - 1], 2),
        "min_ms": round(ordered[0], 2),
    }


async def no_op(agent: Agent) -> None:
    """Make a call that does nothing: stop using a notebook that nobody uses."""
    await agent.say("unuse_notebook", notebook="nothing.ipynb")


async def in_turns(
    actions: Mapping[str, Action], rounds: int, *, settle: float = 0.0
) -> dict[str, Figures]:
    """Time each action `rounds` times, one after the other in each round.

    Parameters
    ----------
    actions : mapping of str to Action
    rounds : int
    settle : float, optional
        Seconds to wait before each action, because the work that an action leaves behind would
        count for the next one.
    """
    times: dict[str, list[float]] = {name: [] for name in actions}
    for turn in range(WARM_UP + rounds):
        for name, action in actions.items():
            await asyncio.sleep(settle)
            start = time.perf_counter()
            await action()
            spent = (time.perf_counter() - start) * 1000
            if turn >= WARM_UP:
                times[name].append(spent)
    return {name: summary(spent) for name, spent in times.items()}


def ratio(value: float, base: float) -> float:
    """Return a ratio, rounded to two decimal places."""
    return round(value / base, 2) if base else math.inf
