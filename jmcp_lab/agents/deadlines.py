"""The ends of agents' modes, on a monotonic clock that nobody can set back."""

from __future__ import annotations

import math
import time
from datetime import datetime
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

    from .agent import Agent


class Deadlines:
    """The ends that were set since this server started."""

    def __init__(self) -> None:
        self._ticks: dict[str, float] = {}

    def set(self, agent: Agent, now: datetime) -> None:
        """Record the end of an agent's mode, if it has one."""
        self.forget(agent.id)
        if isinstance(agent.until, datetime):
            self._ticks[agent.id] = time.monotonic() + (agent.until - now).total_seconds()

    def forget(self, agent_id: str) -> None:
        """Drop the end of an agent's mode."""
        self._ticks.pop(agent_id, None)

    def passed(self, agents: Iterable[Agent], now: datetime) -> list[Agent]:
        """Return the agents whose mode has ended, by either clock."""
        ticks = time.monotonic()
        return [a for a in agents if a.mode_ended(now, self._ticks.get(a.id, math.inf) - ticks)]
