"""The registry: which agents are connected by which token, and which are active now."""

from __future__ import annotations

import logging
import secrets
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from datetime import datetime
from pathlib import Path

from ..errors import NotFoundError, UnavailableError
from ..server.containment import tell_all
from . import agent_file as storage
from . import validation as fields
from .agent import Agent, clean_claims, next_color
from .connections import Activity
from .deadlines import Deadlines
from .expiry import Until, utc_now
from .modes import DEFAULT, Mode
from .offers import Offer, Offers
from .shared_list import SharedList, shared_fields
from .tokens import hash_token, is_well_formed, mint_token

MAX_AGENTS = 200


class AgentRegistry:
    """The agents of one server root.

    Parameters
    ----------
    path : Path
        The file that stores them; see `agent_file.store_path`.
    clock : callable, optional
        Returns the current time, with time zone.
    log : logging.Logger, optional
    """

    def __init__(
        self,
        path: Path,
        *,
        clock: Callable[[], datetime] = utc_now,
        log: logging.Logger | None = None,
    ) -> None:
        self._clock = clock
        self._log = log or logging.getLogger(__name__)
        self._list = SharedList(path, self._log)
        self._unsaved_ends: set[str] = set()
        self._agents: dict[str, Agent] = {}
        self._offers = Offers(self._log)
        self._stopped: bool | None = None
        self._listeners: list[Callable[[], None]] = []
        self._revoke_listeners: list[Callable[[str], None]] = []
        self._activity = Activity(clock)
        self._has_work: Callable[[str], bool] = lambda agent_id: False
        self._deadlines = Deadlines()
        self._sync()

    # -- listeners -----------------------------------------------------------------------------

    def subscribe(self, listener: Callable[[], None]) -> None:
        """Call `listener` after every change that a person can see."""
        self._listeners.append(listener)

    def on_revoke(self, listener: Callable[[str], None]) -> None:
        """Call `listener` with the id of an agent whose token has just ended."""
        self._revoke_listeners.append(listener)

    def watch_sessions(self, has_session: Callable[[str], bool]) -> None:
        """Use `has_session` to find out whether an agent has an open MCP session."""
        self._activity.has_session = has_session

    def watch_work(self, has_work: Callable[[str], bool]) -> None:
        """Use `has_work` to find out whether an agent has unfinished work to wait for."""
        self._has_work = has_work

    def over(self, agent: Agent) -> bool:
        """Return whether an agent's token has ended, so that it may only wait for its own work."""
        return agent.token_ended(self._clock())

    def changed(self) -> None:
        """Notify the listeners of a visible change."""
        tell_all(self._listeners)

    # -- adding, looking, changing -------------------------------------------------------------

    def add(
        self,
        label: str,
        mode: Mode | str = DEFAULT,
        *,
        notebooks: Iterable[str] = (),
        until: Until | str | None = None,
        expires_in: float | None = None,
        owner: str = "",
    ) -> tuple[Agent, str]:
        """Connect an agent.

        Parameters
        ----------
        label : str
            The name that the person gives it.
        mode : Mode
        notebooks : iterable of str, optional
            Glob patterns. Mode `auto` needs some, and they must not match all notebooks.
        until : Until or str, optional
            When the mode ends, if it is one that ends.
        expires_in : float, optional
            The token's life in seconds; the default is 30 days.
        owner : str, optional
            The person who connects it; anybody if it is empty.

        Returns
        -------
        tuple of Agent and str
            The agent and its token, which is returned only this once.

        Raises
        ------
        InvalidArgumentError
        UnavailableError
            The list of agents cannot be written.
        """
        token = mint_token()
        agent = fields.new_agent(
            label, mode, notebooks, until, expires_in, owner, hash_token(token), self._clock
        )
        with self._alone():
            if len(self._agents) >= MAX_AGENTS:
                words = f"There are already {MAX_AGENTS} agents. Revoke some first."
                raise UnavailableError(words)
            agent.color = next_color(self._agents.values())
            self._agents[agent.id] = agent
            self._deadlines.set(agent, self._clock())
            try:
                self._save()
            except UnavailableError:
                del self._agents[agent.id]
                raise
        self.changed()
        return agent, token

    def get(self, agent_id: str) -> Agent:
        """Return an agent.

        Raises
        ------
        NotFoundError
        """
        agent = self._agents.get(agent_id)
        if agent is None:
            raise NotFoundError("There is no such agent. It may have been revoked.")
        return agent

    def all(self) -> list[Agent]:
        """Return the agents in the order in which they were connected."""
        self._sync()
        self._lapse()
        return list(self._agents.values())

    def update(self, agent_id: str, **changes: object) -> Agent:
        """Change `label`, `mode`, `notebooks`, `until` or `paused` of an agent, all or nothing.

        Raises
        ------
        NotFoundError
        InvalidArgumentError
        UnavailableError
            The list of agents cannot be written.
        """
        with self._alone():
            agent = self.get(agent_id)
            new = fields.read_changes(agent, changes, self._clock)
            # This change also answers what others wrote about the agent.
            self._offers.drop(agent_id)
            old = {name: getattr(agent, name) for name in new}
            self._assign(agent, new)
            try:
                self._save()
            except UnavailableError:
                self._assign(agent, old)
                raise
        self.changed()
        return agent

    @property
    def stopped(self) -> bool:
        """Whether a person has paused all agents and not resumed them."""
        return self._stopped is True

    def hold(self, stopped: bool) -> None:
        """Pause or resume all agents; the setting survives a restart of the server."""
        self._change_quietly(lambda: setattr(self, "_stopped", stopped))
        self.changed()

    def set_current(self, agent_id: str, path: str | None) -> None:
        """Set the current notebook of an agent; it survives a restart of the server."""
        agent = self.get(agent_id)
        if agent.current != path:
            self._change_quietly(lambda: setattr(agent, "current", path))
            self.changed()

    def revoke(self, agent_id: str) -> None:
        """Revoke an agent: its token is no longer accepted, and its open streams end.

        Raises
        ------
        NotFoundError
        """
        self._sync()
        self.get(agent_id)
        self._unsaved_ends.add(agent_id)
        try:
            with self._alone():
                self._save()
        finally:
            # The revocation counts here even if writing it fails; the next change writes it.
            if agent_id in self._agents:
                self._drop(self._agents[agent_id])
            self._ended(agent_id)

    # -- the endpoint --------------------------------------------------------------------------

    def verify(self, token: str) -> Agent | None:
        """Return the agent of a token, or None if the token is not valid."""
        if not is_well_formed(token):
            return None
        self._sync()
        self._lapse()
        wanted = hash_token(token)
        found = None
        for agent in self._agents.values():  # no early exit: the time must reveal nothing
            if secrets.compare_digest(agent.token_hash, wanted):
                found = agent
        return found

    def seen(self, agent: Agent, claims: Mapping[str, object] | None = None) -> None:
        """Record an HTTP exchange of an agent, and what its client claims to be."""
        if agent.id not in self._agents:
            return
        visible = self._activity.heard(agent)
        if agent.first_call is None:
            agent.first_call = agent.last_seen
            visible = True
        cleaned = clean_claims(claims)
        if cleaned is not None and cleaned != agent.claims:
            agent.claims = cleaned
            visible = True
        if visible:
            self._change_quietly(lambda: None)
            self.changed()

    def request(self, agent: Agent) -> AbstractContextManager[None]:
        """Count an HTTP exchange as open during the block."""
        return self._activity.request(agent)

    def connected(self, agent: Agent) -> bool:
        """Return whether an agent has an open session or exchange, or was active recently."""
        return self._activity.connected(agent)

    # -- changes by others ---------------------------------------------------------------------

    def offers(self) -> list[Offer]:
        """Return the changes in the list that are looser than what is in force, and still wait."""
        self._sync()
        return self._offers.all(self._agents)

    def answer_offer(self, offer_id: str, *, accept: bool, owner: str = "") -> None:
        """Put others' change of an agent into force, or discard it.

        For an agent that nobody has connected, `owner` is the person who answers.

        Raises
        ------
        ConflictError
        InvalidArgumentError
        UnavailableError
        """
        with self._alone():
            offer = self._offers.find(offer_id, self._agents)
            if accept:
                offer.check(self._clock())
                offer.agent.owner = offer.present.owner if offer.present else owner
                self._take_over(offer.agent)
            self._offers.drop(offer.agent.id)
            self._save()
        self.changed()

    # -- internals -----------------------------------------------------------------------------

    def _assign(self, agent: Agent, values: Mapping[str, object]) -> None:
        for name, value in values.items():
            setattr(agent, name, value)
        if "until" in values:
            self._deadlines.set(agent, self._clock())

    def _lapse(self) -> None:
        """End what has expired, for good: setting back the clock does not restore it."""
        now = self._clock()
        agents = list(self._agents.values())
        over = self._deadlines.passed(agents, now)
        ended = [a for a in agents if a.token_ended(now) and not self._has_work(a.id)]

        def lapse() -> None:
            for agent in over:
                agent.end_mode()
                self._deadlines.forget(agent.id)
            for agent in ended:
                agent.token_hash = ""

        if over or ended:
            self._change_quietly(lapse)
            for agent in ended:
                self._ended(agent.id)
            self.changed()

    @contextmanager
    def _alone(self) -> Iterator[None]:
        """Keep other servers of the same root from writing, after reading what they wrote.

        Raises
        ------
        UnavailableError
            One of them writes for too long.
        """
        with self._list.alone():
            self._sync(certain=True)
            yield

    def _sync(self, *, certain: bool = False) -> None:
        """Apply what another server of the same root wrote, above all its revocations."""
        stored = self._list.news(certain=certain)
        if stored is None:
            return
        was = self._visible()
        # Only a server may resume the agents.
        held = bool(stored.agents) if self._stopped is None else self._stopped
        self._stopped = stored.stopped or (held and not stored.stopped_sealed)
        kept = stored.agents.keys() - self._unsaved_ends
        gone = [agent for agent in self._agents.values() if agent.id not in kept]
        for agent in gone:
            self._drop(agent)
        for agent in stored.agents.values():
            mine = self._agents.get(agent.id)
            if agent.id in kept and (
                counts := self._offers.settle(agent, stored.sealed.get(agent.id), mine)
            ):
                self._take_over(counts)
        self._offers.keep(kept)
        for agent in gone:
            self._ended(agent.id)
        if was != self._visible():
            self.changed()

    def _visible(self) -> tuple[object, ...]:
        waiting = shared_fields(self._offers.waiting.values())
        return shared_fields(self._agents.values()), waiting, self.stopped

    def _take_over(self, agent: Agent) -> None:
        mine = self._agents.get(agent.id)
        storage.end_with_its_server(agent, mine)
        if mine is None:
            self._agents[agent.id] = agent
            self._deadlines.set(agent, self._clock())
            return
        shared = {name: getattr(agent, name) for name in storage.SHARED}
        # Do not reassign unchanged values: the end of `auto` counts from when it was set.
        self._assign(mine, {n: v for n, v in shared.items() if getattr(mine, n) != v})
        mine.claims = mine.claims or agent.claims
        mine.first_call = mine.first_call or agent.first_call

    def _drop(self, agent: Agent) -> None:
        del self._agents[agent.id]
        self._deadlines.forget(agent.id)
        self._activity.forget(agent)
        agent.token_hash = ""

    def _ended(self, agent_id: str) -> None:
        tell_all(self._revoke_listeners, agent_id)
        self.changed()

    def _save(self) -> None:
        self._list.save(self._agents.values(), self._offers.waiting, stopped=self.stopped)
        self._unsaved_ends.clear()

    def _change_quietly(self, change: Callable[[], None]) -> None:
        """Make a change that counts here even if writing it fails; the log has the reason."""
        try:
            with self._alone():
                change()
                self._save()
        except UnavailableError:
            change()
