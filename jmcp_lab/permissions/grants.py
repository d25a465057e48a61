"""Grants: a person allows the runs of one agent in one notebook until a given time."""

from __future__ import annotations

import secrets
import time
from dataclasses import replace
from datetime import datetime
from typing import TYPE_CHECKING

from ..agents.expiry import parse_until
from ..calls.ledger import now
from ..errors import NotFoundError
from ..notebooks.identity import has_ended
from .policy import Grant, over

if TYPE_CHECKING:
    from ..agents.agent import Agent
    from ..agents.modes import Mode
    from ..calls.call import Call, Target


class Grants:
    """The grants of this server; they end with it at the latest."""

    def __init__(self) -> None:
        self._grants: dict[str, Grant] = {}
        self._deadlines: dict[str, float] = {}

    def add(self, call: Call, until: str, mode: Mode) -> Grant:
        """Grant what `call` wants to do until the given end, in this mode."""
        action = call.action
        assert action is not None
        assert action.target.path is not None
        assert action.target.file_id is not None
        grant = Grant(
            id="g_" + secrets.token_hex(8),
            agent_id=call.agent_id,
            agent_label=call.agent_label,
            tool_class=action.tool_class,
            path=action.target.path,
            file_id=action.target.file_id,
            until=parse_until(until, now()),
            created=now(),
            mode=mode,
        )
        self._grants[grant.id] = grant
        if isinstance(grant.until, datetime):
            # Use a monotonic clock, which nobody can set back.
            seconds = (grant.until - grant.created).total_seconds()
            self._deadlines[grant.id] = time.monotonic() + seconds
        return grant

    def valid(self) -> list[Grant]:
        """Return the grants that have not ended; a grant that has ended never returns."""
        moment, ticks = now(), time.monotonic()
        for grant in list(self._grants.values()):
            late = over(grant.until, moment) or self._deadlines.get(grant.id, ticks) < ticks
            if late or has_ended(grant.file_id):
                self._drop(grant.id)
        return list(self._grants.values())

    def follow(self, target: Target) -> None:
        """Update the shown path of a notebook's grants to its present one."""
        for grant in list(self._grants.values()):
            if grant.file_id == target.file_id and target.path not in (None, grant.path):
                self._grants[grant.id] = replace(grant, path=str(target.path))

    def revoke(self, grant_id: str) -> None:
        """Revoke a grant.

        Raises
        ------
        NotFoundError
        """
        if grant_id not in self._grants:
            raise NotFoundError("There is no such grant. It may have ended.")
        self._drop(grant_id)

    def end_below(self, agent: Agent) -> None:
        """Drop grants from when an agent's mode was looser than it is now.

        A person who makes the mode stricter wants to be asked, even after loosening it again.
        """
        for grant in list(self._grants.values()):
            if grant.agent_id == agent.id and agent.mode.stricter_than(grant.mode):
                self._drop(grant.id)

    def forget_agent(self, agent_id: str) -> None:
        """Drop the grants of a revoked agent."""
        for grant in list(self._grants.values()):
            if grant.agent_id == agent_id:
                self._drop(grant.id)

    def _drop(self, grant_id: str) -> None:
        self._grants.pop(grant_id, None)
        self._deadlines.pop(grant_id, None)
