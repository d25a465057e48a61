"""Timing: what belongs to one ratio is measured in turns.

A machine that slows down for a while then slows down both, so ratios can be compared between
machines, and milliseconds cannot.
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
"""What the panel, the history and the page still do after a call is over by then. An agent's model
thinks for longer than that."""

NO_OP = "no_op"
"""Name of the figure for a call that does nothing: what every call costs."""


def summary(milliseconds: list[float]) -> Figures:
    """Return the median, the 95th percentile and the smallest of some times."""
    ordered = sorted(milliseconds)
    return {
        "n": len(ordered),
        "median_ms": round(median(ordered), 2),
        "p95_ms": round(ordered[math.ceil(len(ordered) * 0.95) - 1], 2),
        "min_ms": round(ordered[0], 2),
    }


async def no_op(agent: Agent) -> None:
    """Make a call that does nothing: let go of a notebook that nobody uses."""
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
        Seconds before each: for actions that have after-effects, which would be counted to the
        next one.
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
    """Return a ratio with two digits."""
    return round(value / base, 2) if base else math.inf
