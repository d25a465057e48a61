"""The registry: who was let in, with which token, and who is connected now."""

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

MOST_AGENTS = 200


class AgentRegistry:
    """The agents of one server root.

    Parameters
    ----------
    path : Path
        The file that holds them; see `store.store_path`.
    clock : callable, optional
        Returns the present time, aware.
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
        """Ask `has_session` whether an agent has an MCP session open."""
        self._activity.has_session = has_session

    def watch_work(self, has_work: Callable[[str], bool]) -> None:
        """Ask `has_work` whether an agent has begun what it may still wait for."""
        self._has_work = has_work

    def over(self, agent: Agent) -> bool:
        """Return whether an agent's time is over: it may only wait for what it has begun."""
        return agent.token_ended(self._clock())

    def changed(self) -> None:
        """Tell the listeners that something visible changed."""
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
        """Let an agent in.

        Parameters
        ----------
        label : str
            What the person calls it.
        mode : Mode
        notebooks : iterable of str, optional
            Glob patterns; mode `auto` needs some, and not all notebooks.
        until : Until or str, optional
            When the mode ends, if it is one that ends.
        expires_in : float, optional
            The token's life in seconds, 30 days when not given.
        owner : str, optional
            Who lets it in; anybody when empty.

        Returns
        -------
        tuple of Agent and str
            The agent and its token, which cannot be had a second time.

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
            if len(self._agents) >= MOST_AGENTS:
                words = f"There are {MOST_AGENTS} agents already: revoke some first."
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
            raise NotFoundError("There is no such agent: it may have been revoked.")
        return agent

    def all(self) -> list[Agent]:
        """Return the agents in the order in which they were let in."""
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
            # What others wrote about it is answered by this.
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
        """Whether a person has stopped all agents and has not let them go on."""
        return self._stopped is True

    def hold(self, stopped: bool) -> None:
        """Stop all agents, or let them go on; a restart of the server changes nothing about it."""
        self._change_quietly(lambda: setattr(self, "_stopped", stopped))
        self.changed()

    def set_current(self, agent_id: str, path: str | None) -> None:
        """Set the current notebook of an agent; it is not kept over a restart."""
        agent = self.get(agent_id)
        if agent.current != path:
            agent.current = path
            self.changed()

    def revoke(self, agent_id: str) -> None:
        """End an agent: its token opens nothing any more, and its open streams end.

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
            # It counts here also when it cannot be written, which the next change does.
            if agent_id in self._agents:
                self._drop(self._agents[agent_id])
            self._ended(agent_id)

    # -- the door ------------------------------------------------------------------------------

    def verify(self, token: str) -> Agent | None:
        """Return the agent of a token, or None when the token opens nothing."""
        if not is_well_formed(token):
            return None
        self._sync()
        self._lapse()
        wanted = hash_token(token)
        found = None
        for agent in self._agents.values():  # no early end: the time says nothing about the list
            if secrets.compare_digest(agent.token_hash, wanted):
                found = agent
        return found

    def seen(self, agent: Agent, claims: Mapping[str, object] | None = None) -> None:
        """Note a request of an agent, and what its client says it is."""
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
        """Count a request as open while the context is entered."""
        return self._activity.request(agent)

    def connected(self, agent: Agent) -> bool:
        """Return whether an agent has a session or a request open, or was here just now."""
        return self._activity.connected(agent)

    # -- what others wrote ---------------------------------------------------------------------

    def offers(self) -> list[Offer]:
        """Return what stands in the list, is looser than what is known, and waits for a person."""
        self._sync()
        return self._offers.all(self._agents)

    def answer_offer(self, offer_id: str, *, accept: bool, owner: str = "") -> None:
        """Put in force what others wrote about an agent, or throw it away.

        Of an agent that nobody let in, `owner` is who answers.

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

    # -- inside --------------------------------------------------------------------------------

    def _assign(self, agent: Agent, values: Mapping[str, object]) -> None:
        for name, value in values.items():
            setattr(agent, name, value)
        if "until" in values:
            self._deadlines.set(agent, self._clock())

    def _lapse(self) -> None:
        """End what has run out, for good: a clock that is set back does not bring it back."""
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
        """Keep other servers of the same root from writing, and know what they wrote before.

        Raises
        ------
        UnavailableError
            One of them writes for too long.
        """
        with self._list.alone():
            self._sync(certain=True)
            yield

    def _sync(self, *, certain: bool = False) -> None:
        """Take over what another server of the same root wrote, above all what it revoked."""
        stored = self._list.news(certain=certain)
        if stored is None:
            return
        was = self._visible()
        # Nobody but a server lets them go on.
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
        # What is the same stays as it is: the end of `auto` is measured from when it was set.
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
        """Make a change that counts here whether it can be written or not; the log says why not."""
        try:
            with self._alone():
                change()
                self._save()
        except UnavailableError:
            change()
