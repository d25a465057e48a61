"""Changes to the list of agents that were not made by any of the user's servers.

Code in a kernel can write that file. A change that makes an agent stricter counts at once. Changes
that make it looser, and new agents, wait until a person has reviewed them.
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from ..errors import ConflictError, InvalidArgumentError
from . import agent_file as storage
from .expiry import LONGEST
from .tokens import is_hash
from .validation import LONGEST_LIFE, check_bounds

if TYPE_CHECKING:
    import logging
    from collections.abc import Collection, Mapping

    from .agent import Agent


OFFER = "o_"
"""Prefix of an offer's id."""


@dataclass(frozen=True, slots=True)
class Offer:
    """A change in the list that is not in force.

    Parameters
    ----------
    agent : Agent
        The agent with the change.
    present : Agent or None
        The agent in force; None if nobody has connected it.
    """

    agent: Agent
    present: Agent | None

    @property
    def id(self) -> str:
        """``o_…``; it differs if the offered change differs."""
        offered = {"id": self.agent.id} | storage.shared_record(self.agent)
        text = json.dumps(offered, sort_keys=True)
        return OFFER + hashlib.sha256(text.encode()).hexdigest()[:32]

    @property
    def changes(self) -> dict[str, tuple[object, object]]:
        """The present and the offered value of each field that would change, by name."""
        new = storage.shared_record(self.agent)
        old = storage.shared_record(self.present) if self.present is not None else {}
        return {
            name: (old.get(name), new[name])
            for name in storage.SHARED
            if old.get(name) != new[name]
        }

    def check(self, now: datetime) -> None:
        """Check that a person could have made this change in the panel.

        Raises
        ------
        InvalidArgumentError
        """
        agent = self.agent
        mode = agent.mode
        if not mode.known:
            raise InvalidArgumentError(
                f"This version does not know the mode '{mode.value}'. Discard it and choose the "
                "mode here."
            )
        check_bounds(mode, agent.notebooks, agent.until)
        timed = mode.ends and isinstance(agent.until, datetime)
        if timed and agent.until > now + LONGEST:  # type: ignore[operator]
            raise InvalidArgumentError(
                f"Mode {mode.value} lasts at most 8 hours, and this would last longer. Discard it "
                "and choose the mode here."
            )
        if agent.expires is None or agent.expires > now + LONGEST_LIFE + timedelta(days=1):
            raise InvalidArgumentError(
                "A connection lasts at most a year, and this would last longer. Discard it and "
                "connect the agent here."
            )
        if not is_hash(agent.token_hash):
            raise InvalidArgumentError("This agent has no valid token. Discard it.")


class Offers:
    """Changes that wait for a person.

    Parameters
    ----------
    log : logging.Logger

    Attributes
    ----------
    waiting : dict of str to Agent
        By id.
    """

    def __init__(self, log: logging.Logger) -> None:
        self.waiting: dict[str, Agent] = {}
        self._log = log

    def settle(self, stored: Agent, sealed: Agent | None, mine: Agent | None) -> Agent | None:
        """Return the agent that is in force, or None; looser changes wait.

        Parameters
        ----------
        stored : Agent
            The agent in the list.
        sealed : Agent or None
            The agent as one of the user's servers has sealed it.
        mine : Agent or None
            The agent as this server knows it.
        """
        known = sealed or mine
        counts = None
        if known is not None:
            # Accepting another change must not change the owner.
            stored.owner = known.owner
            for each in (stored, known):
                storage.end_with_its_server(each, mine)
            counts = in_force(known, stored)
        if counts is not None and same(counts, stored):
            self.drop(stored.id)
            return counts
        if stored.id not in self.waiting:
            self._log.warning(
                "Something other than a Jupyter server changed the list of agents. Stricter "
                "changes apply at once; looser ones wait for approval in the Agents panel."
            )
        self.waiting[stored.id] = stored
        return counts

    def keep(self, ids: Collection[str]) -> None:
        """Drop everything about agents that are no longer in the list."""
        self.waiting = {key: agent for key, agent in self.waiting.items() if key in ids}

    def drop(self, agent_id: str) -> None:
        """Drop the waiting change of an agent."""
        self.waiting.pop(agent_id, None)

    def all(self, agents: Mapping[str, Agent]) -> list[Offer]:
        """Return all waiting changes with the agents in force."""
        return [Offer(agent, agents.get(key)) for key, agent in self.waiting.items()]

    def find(self, offer_id: str, agents: Mapping[str, Agent]) -> Offer:
        """Return a waiting change.

        Raises
        ------
        ConflictError
            It no longer exists: the offer has changed, or was answered.
        """
        for offer in self.all(agents):
            if offer.id == offer_id:
                return offer
        raise ConflictError("This has changed since you looked.", code="changed")


def in_force(known: Agent, stored: Agent) -> Agent:
    """Return the agent in force: the stored values where they are stricter than the known ones.

    Parameters
    ----------
    known : Agent
        The agent as one of the user's servers knows it.
    stored : Agent
        The agent as somebody wrote it.
    """
    # A mode that this version does not know allows nothing here, but much in another version,
    # which would believe this one's seal: it never counts as stricter.
    stricter = stored.mode.known and stored.mode.stricter_than(known.mode)
    mode = stored.mode if stricter else known.mode
    narrower = stored.notebooks and (
        not known.notebooks or set(stored.notebooks) <= set(known.notebooks)
    )
    until = stored.until if _sooner(stored.until, known.until) else known.until
    return replace(
        stored,
        label=known.label,
        mode=mode,
        notebooks=stored.notebooks if narrower else known.notebooks,
        until=until if mode.keeps_end else None,
        expires=stored.expires if _sooner(stored.expires, known.expires) else known.expires,
        token_hash=known.token_hash if stored.token_hash else "",
        paused=known.paused or stored.paused,
        owner=known.owner,
    )


def same(one: Agent, other: Agent) -> bool:
    """Return whether two agents have the same permissions and the same token."""
    return storage.shared_record(one) == storage.shared_record(other)


def _sooner(one: object, other: object) -> bool:
    if not isinstance(one, datetime):
        return False
    return other is None or (isinstance(other, datetime) and one < other)
