"""The registry: who was let in, with which token, and who is connected now."""

from __future__ import annotations

import logging
import math
import secrets
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path

from ..errors import InvalidArgumentError, NotFoundError, UnavailableError
from . import store as storage
from .agent import COLORS, LABEL_LENGTH, Agent, Mode, clean_claims, plain_text
from .tokens import hash_token, is_well_formed, mint_token
from .until import Until, parse_until

TOKEN_LIFE = timedelta(days=30)
LONGEST_LIFE = timedelta(days=366)
RECENT = timedelta(minutes=2)
"""A client without a session counts as connected for this long after its last request."""

MOST_AGENTS = 200


def _utc_now() -> datetime:
    return datetime.now(UTC)


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
        clock: Callable[[], datetime] = _utc_now,
        log: logging.Logger | None = None,
    ) -> None:
        self._path = path
        self._clock = clock
        self._log = log or logging.getLogger(__name__)
        self._agents = {agent.id: agent for agent in storage.load(path, self._log)}
        self._listeners: list[Callable[[], None]] = []
        self._revoke_listeners: list[Callable[[str], None]] = []
        self._has_session: Callable[[str], bool] = lambda agent_id: False
        self._open_requests: dict[str, int] = {}
        self._deadlines: dict[str, float] = {}
        self._was_connected: dict[str, bool] = {}
        for agent in self._agents.values():
            self._set_deadline(agent)

    # -- listeners -----------------------------------------------------------------------------

    def subscribe(self, listener: Callable[[], None]) -> None:
        """Call `listener` after every change that a person can see."""
        self._listeners.append(listener)

    def on_revoke(self, listener: Callable[[str], None]) -> None:
        """Call `listener` with the id of an agent whose token has just ended."""
        self._revoke_listeners.append(listener)

    def watch_sessions(self, has_session: Callable[[str], bool]) -> None:
        """Ask `has_session` whether an agent has an MCP session open."""
        self._has_session = has_session

    def changed(self) -> None:
        """Tell the listeners that something visible changed."""
        for listener in self._listeners:
            listener()

    # -- adding, looking, changing -------------------------------------------------------------

    def add(
        self,
        label: str,
        mode: Mode | str = Mode.EDIT,
        *,
        notebooks: Iterable[str] = (),
        until: Until | str | None = None,
        expires_in: float | None = None,
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
            When `auto` ends.
        expires_in : float, optional
            The token's life in seconds, 30 days when not given.

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
        if len(self._agents) >= MOST_AGENTS:
            raise UnavailableError(f"There are {MOST_AGENTS} agents already: revoke some first.")
        now = self._clock()
        life = _life(expires_in)
        mode = _mode(mode)
        token = mint_token()
        agent = Agent(
            id="a_" + secrets.token_hex(8),
            label=_label(label),
            mode=mode,
            color=self._next_color(),
            created=now,
            token_hash=hash_token(token),
            notebooks=_patterns(notebooks),
            until=self._until(until) if mode is Mode.AUTO else None,
            expires=now + life,
        )
        _check_auto(agent.mode, agent.notebooks, agent.until)
        self._agents[agent.id] = agent
        self._set_deadline(agent)
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
        agent = self.get(agent_id)
        new = self._read_changes(agent, changes)
        old = {name: getattr(agent, name) for name in new}
        self._assign(agent, new)
        try:
            self._save()
        except UnavailableError:
            self._assign(agent, old)
            raise
        self.changed()
        return agent

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
        agent = self.get(agent_id)
        del self._agents[agent_id]
        self._deadlines.pop(agent_id, None)
        self._was_connected.pop(agent_id, None)
        agent.token_hash = ""
        try:
            self._save()
        finally:
            self._ended(agent_id)

    # -- the door ------------------------------------------------------------------------------

    def verify(self, token: str) -> Agent | None:
        """Return the agent of a token, or None when the token opens nothing."""
        if not is_well_formed(token):
            return None
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
        agent.last_seen = self._clock()
        visible = not self._was_connected.get(agent.id, False)
        self._was_connected[agent.id] = True
        if agent.first_call is None:
            agent.first_call = agent.last_seen
            visible = True
        cleaned = clean_claims(claims)
        if cleaned is not None and cleaned != agent.claims:
            agent.claims = cleaned
            visible = True
        if visible:
            self._save_quietly()
            self.changed()

    @contextmanager
    def request(self, agent: Agent) -> Iterator[None]:
        """Count a request as open while the context is entered."""
        self._open_requests[agent.id] = self._open_requests.get(agent.id, 0) + 1
        try:
            yield
        finally:
            self._open_requests[agent.id] -= 1
            if not self._open_requests[agent.id]:
                del self._open_requests[agent.id]
            if agent.id in self._agents:
                agent.last_seen = self._clock()

    def connected(self, agent: Agent) -> bool:
        """Return whether an agent has a session or a request open, or was here just now."""
        recent = agent.last_seen is not None and self._clock() - agent.last_seen <= RECENT
        connected = recent or agent.id in self._open_requests or self._has_session(agent.id)
        self._was_connected[agent.id] = connected
        return connected

    # -- inside --------------------------------------------------------------------------------

    def _read_changes(self, agent: Agent, changes: Mapping[str, object]) -> dict[str, object]:
        unknown = changes.keys() - {"label", "mode", "notebooks", "until", "paused"}
        if unknown:
            raise InvalidArgumentError(f"An agent has no '{min(unknown)}' that can be changed.")
        new: dict[str, object] = {}
        if "label" in changes:
            new["label"] = _label(changes["label"])
        if "mode" in changes:
            new["mode"] = _mode(changes["mode"])
        if "notebooks" in changes:
            new["notebooks"] = _patterns(changes["notebooks"])
        if "until" in changes:
            new["until"] = self._until(changes["until"])
        if "paused" in changes:
            if not isinstance(changes["paused"], bool):
                raise InvalidArgumentError("'paused' is true or false.")
            new["paused"] = changes["paused"]
        mode = new.get("mode", agent.mode)
        if mode is Mode.AUTO:
            # A new `auto` needs a new end: the one of the last time does not count.
            until = new.get("until", agent.until if agent.mode is Mode.AUTO else None)
            _check_auto(mode, new.get("notebooks", agent.notebooks), until)
        elif agent.until is not None or "until" in new:
            new["until"] = None
        return new

    def _assign(self, agent: Agent, values: Mapping[str, object]) -> None:
        for name, value in values.items():
            setattr(agent, name, value)
        if "until" in values:
            self._set_deadline(agent)

    def _until(self, until: object) -> Until | None:
        if until is None or isinstance(until, datetime):
            return until
        if not isinstance(until, str):
            raise InvalidArgumentError("'until' is a text such as '30m', '2h' or 'stop'.")
        return parse_until(until, self._clock())

    def _set_deadline(self, agent: Agent) -> None:
        """Remember the end on a clock that nobody can set back."""
        self._deadlines.pop(agent.id, None)
        if isinstance(agent.until, datetime):
            left = (agent.until - self._clock()).total_seconds()
            self._deadlines[agent.id] = time.monotonic() + left

    def _lapse(self) -> None:
        """End what has run out, for good: a clock that is set back does not bring it back."""
        now, ticks = self._clock(), time.monotonic()
        ended: list[Agent] = []
        lapsed = False
        for agent in self._agents.values():
            if isinstance(agent.until, datetime) and (
                agent.until <= now or self._deadlines.get(agent.id, math.inf) <= ticks
            ):
                agent.mode, agent.until = Mode.EDIT, None
                self._deadlines.pop(agent.id, None)
                lapsed = True
            if agent.token_hash and agent.expires is not None and agent.expires <= now:
                agent.token_hash = ""
                ended.append(agent)
        if lapsed or ended:
            self._save_quietly()
            for agent in ended:
                self._ended(agent.id)
            if not ended:
                self.changed()

    def _ended(self, agent_id: str) -> None:
        for listener in self._revoke_listeners:
            listener(agent_id)
        self.changed()

    def _next_color(self) -> str:
        used = [agent.color for agent in self._agents.values()]
        return min(COLORS, key=used.count)

    def _save(self) -> None:
        try:
            storage.save(self._path, self._agents.values())
        except OSError as error:
            self._log.error("The list of agents cannot be written: %s", error.strerror)
            raise UnavailableError(
                "The list of agents cannot be written. Is the disk full, or the folder read-only? "
                "The server log has the details."
            ) from error

    def _save_quietly(self) -> None:
        try:
            self._save()
        except UnavailableError:
            pass  # it is in the log; what changed counts until the server stops


def _label(value: object) -> str:
    label = plain_text(value[:1000], LABEL_LENGTH) if isinstance(value, str) else ""
    if not label:
        raise InvalidArgumentError("An agent needs a name, such as 'Claude Code on my laptop'.")
    return label


def _mode(value: object) -> Mode:
    try:
        return Mode(value)  # type: ignore[arg-type]
    except ValueError:
        known = ", ".join(mode.value for mode in Mode)
        raise InvalidArgumentError(f"The mode is one of {known}.") from None


def _life(expires_in: object) -> timedelta:
    if expires_in is None:
        return TOKEN_LIFE
    number = isinstance(expires_in, int | float) and not isinstance(expires_in, bool)
    if not number or not 0 < expires_in <= LONGEST_LIFE.total_seconds():  # type: ignore[operator]
        raise InvalidArgumentError("'expires_in' is a number of seconds, a year at most.")
    return timedelta(seconds=expires_in)  # type: ignore[arg-type]


def _patterns(value: object) -> tuple[str, ...]:
    if isinstance(value, str) or not isinstance(value, Iterable):
        raise InvalidArgumentError("'notebooks' is a list of patterns such as 'reports/*.ipynb'.")
    patterns = tuple(value)
    if len(patterns) > 50:
        raise InvalidArgumentError("'notebooks' has at most 50 patterns.")
    for pattern in patterns:
        if not isinstance(pattern, str) or not 0 < len(pattern) <= 300 or "\0" in pattern:
            raise InvalidArgumentError("Each of 'notebooks' is a pattern such as 'sales.ipynb'.")
        if pattern.startswith("/") or ".." in pattern.split("/") or "\\" in pattern:
            raise InvalidArgumentError(
                f"'{plain_text(pattern, 80)}' is not relative to the server's root folder."
            )
    return patterns


def _check_auto(mode: object, notebooks: object, until: object) -> None:
    """Mode `auto` is for chosen notebooks and has an end."""
    if mode is not Mode.AUTO:
        return
    patterns = notebooks if isinstance(notebooks, tuple) else ()
    if not patterns or any(_matches_everything(pattern) for pattern in patterns):
        raise InvalidArgumentError(
            "Mode auto is for chosen notebooks, not for all: give patterns such as "
            "'sales.ipynb' or 'reports/*.ipynb' in 'notebooks'."
        )
    if until is None:
        raise InvalidArgumentError("Mode auto needs an end: give 'until', such as '2h' or 'stop'.")


def _matches_everything(pattern: str) -> bool:
    return not pattern.removesuffix(".ipynb").strip("*?/.") and pattern != "*.ipynb"
