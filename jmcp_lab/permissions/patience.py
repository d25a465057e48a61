"""Limit how often people are asked: do not repeat denied requests, and prevent floods.

An agent that is denied again and again, or that asks without a break, is paused. A person who has
to answer too often says yes in the end.
"""

from __future__ import annotations

import time
from collections import deque
from contextlib import suppress
from enum import StrEnum
from typing import TYPE_CHECKING

from ..calls.call import DecisionSource
from ..calls.ledger import now
from ..errors import ConflictError, ToolError
from .recent_denials import REPEAT, Denials

if TYPE_CHECKING:
    from ..agents.registry import AgentRegistry
    from ..calls.call import Call
    from ..calls.ledger import Ledger

PENDING_PER_AGENT = 20

MAX_DENIALS = 3
"""Number of denied requests in a row that pause an agent."""

MAX_REQUESTS = 20
REQUESTS_SECONDS = 60.0
"""Seconds within which more than `MAX_REQUESTS` requests pause an agent."""


class Pause(StrEnum):
    """Why an agent was paused automatically."""

    DENIALS = "denials"
    FLOOD = "flood"


PAUSE_WORDS = {
    Pause.DENIALS: (
        f"You are paused: the user said no to {MAX_DENIALS} of your requests in a row. They can "
        "resume you in JupyterLab's Agents panel. Ask them what they want you to do."
    ),
    Pause.FLOOD: (
        f"You are paused: you asked more than {MAX_REQUESTS} times in a minute. The user can "
        "resume you in JupyterLab's Agents panel. Ask for fewer things at a time."
    ),
}

Refusal = tuple[DecisionSource, str]
"""The source of an automatic denial, and the message for the agent."""


class Patience:
    """What each agent may still ask.

    Parameters
    ----------
    ledger : Ledger
    agents : AgentRegistry
    """

    def __init__(self, ledger: Ledger, agents: AgentRegistry) -> None:
        self._ledger = ledger
        self._agents = agents
        self._denials = Denials()
        self._in_a_row: dict[str, int] = {}
        self._asked: dict[str, deque[float]] = {}
        self._paused: dict[str, Pause] = {}

    def refusal(self, call: Call, waiting: int) -> Refusal | None:
        """Return why a call is denied without asking anybody, or None.

        Parameters
        ----------
        call : Call
        waiting : int
            The number of its agent's waiting requests.
        """
        first = self._denials.repeated(call)
        if first is not None:
            self._ledger.update(first, repeats=first.repeats + 1)
            return (
                DecisionSource.DUPLICATE_DENIED,
                "The user has already denied exactly this request, so they were not asked again. "
                "Do something else, or ask them what they want. If they change their mind, they "
                "can press 'Ask me again' beside it under Activity in JupyterLab's Agents panel; "
                "then call again.",
            )
        if waiting >= PENDING_PER_AGENT:
            return (
                DecisionSource.FLOOD,
                f"{waiting} of your requests are already waiting for the user. Use `wait` for "
                "those before you ask for more.",
            )
        if self._asks_too_often(call.agent_id):
            self._pause(call.agent_id, Pause.FLOOD)
            return DecisionSource.FLOOD, PAUSE_WORDS[Pause.FLOOD]
        return None

    def _asks_too_often(self, agent_id: str) -> bool:
        asked = self._asked.setdefault(agent_id, deque(maxlen=MAX_REQUESTS))
        ticks = time.monotonic()
        if len(asked) == MAX_REQUESTS and ticks - asked[0] < REQUESTS_SECONDS:
            return True
        asked.append(ticks)
        return False

    def denied(self, call: Call) -> None:
        """Record that a person denied a waiting request."""
        self._denials.add(call)
        self._ledger.update(call, denied_until=now() + REPEAT)
        self._in_a_row[call.agent_id] = self._in_a_row.get(call.agent_id, 0) + 1

    def allowed(self, call: Call) -> None:
        """Record that a person allowed a request."""
        self._in_a_row.pop(call.agent_id, None)

    def end_a_run_of_denials(self, agent_id: str) -> None:
        """Pause an agent that was denied too often in a row."""
        if self._in_a_row.get(agent_id, 0) >= MAX_DENIALS:
            self._pause(agent_id, Pause.DENIALS)

    # -- pauses --------------------------------------------------------------------------------

    def why_paused(self, agent_id: str) -> Pause | None:
        """Return why an agent was paused automatically, or None if it was not."""
        return self._paused.get(agent_id)

    def agents_changed(self) -> None:
        """Reset the counts of agents that were resumed or are gone."""
        paused = {agent.id for agent in self._agents.all() if agent.paused}
        for agent_id in self._paused.keys() - paused:
            self.forget_agent(agent_id)

    def forget_agent(self, agent_id: str) -> None:
        """Reset the counts of an agent."""
        self._paused.pop(agent_id, None)
        self._in_a_row.pop(agent_id, None)
        self._asked.pop(agent_id, None)

    def _pause(self, agent_id: str, why: Pause) -> None:
        self._paused[agent_id] = why
        # A revoked agent no longer exists. If the list cannot be written, the next time tries
        # again.
        with suppress(ToolError):
            self._agents.update(agent_id, paused=True)

    def ask_again(self, call_id: str) -> Call:
        """Let the agent ask a person again for what they have denied.

        Raises
        ------
        NotFoundError
        ConflictError
            They would be asked in any case.
        """
        call = self._ledger.get(call_id)
        if not self._denials.forget(call):
            raise ConflictError("The agent will ask you anyway if it wants this again.")
        self._ledger.update(call, denied_until=None)
        return call
