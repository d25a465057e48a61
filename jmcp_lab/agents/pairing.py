"""Pairing: a program asks to be connected, a person answers, and the program takes its token.

So no client configuration contains a secret. The program identifies its request by a secret that
nobody else sees; the panel identifies it by another id.
"""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from ..errors import (
    ConflictError,
    DeniedError,
    InvalidArgumentError,
    NotFoundError,
    UnavailableError,
)
from .agent import LABEL_LENGTH, plain_text
from .expiry import Until
from .modes import DEFAULT, Mode
from .validation import check_bounds, read_label, read_mode, read_patterns, read_until

if TYPE_CHECKING:
    from .registry import AgentRegistry

LIFE = timedelta(minutes=15)
"""Time that a request waits for a person, and then for its program. Clients give up on a program
that does not answer at once, and start it again when they are asked to.
"""

SILENCE = timedelta(minutes=10)
"""Time for which a rejected client cannot ask again."""

MAX_WAITING = 5
"""Maximum number of waiting requests of one source."""

PATIENCE = timedelta(minutes=1)
"""Time after which an unanswered request gives way to a new one if there are too many. Otherwise
five requests would keep all others out.
"""


@dataclass(slots=True, eq=False)
class Pairing:
    """One program that asks to be connected.

    Parameters
    ----------
    id : str
        ``p_…``, for the panel.
    secret : str
        The program's proof of identity; whoever has it gets the token.
    client : str
        The program's own claim about its client.
    source : str
        Who asks, as far as the server can tell. Sources do not affect each other's limits.
    allowed : bool or None
        None until a person has answered.
    """

    id: str
    secret: str
    client: str
    source: str
    created: datetime
    expires: datetime
    allowed: bool | None = None
    label: str = ""
    mode: Mode = DEFAULT
    notebooks: tuple[str, ...] = ()
    until: Until | None = None
    owner: str = ""
    answered: asyncio.Event = field(default_factory=asyncio.Event)


class Pairings:
    """The pairing requests, from the question until the program has its token.

    Parameters
    ----------
    registry : AgentRegistry
        The registry to which the programs are added as agents.
    clock : callable, optional
        Returns the current time, with time zone.
    """

    def __init__(
        self,
        registry: AgentRegistry,
        *,
        clock: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        self._registry = registry
        self._clock = clock
        self._pairings: dict[str, Pairing] = {}
        self._turned_away: dict[tuple[str, str], datetime] = {}

    def waiting(self) -> list[Pairing]:
        """Return the unanswered requests, the oldest first."""
        self._lapse()
        return [each for each in self._pairings.values() if each.allowed is None]

    # -- the program's side --------------------------------------------------------------------

    def ask(self, client: object, source: str = "") -> Pairing:
        """Ask a person to connect a program.

        Parameters
        ----------
        client : object
            The program's name for itself.
        source : str, optional

        Raises
        ------
        InvalidArgumentError
        DeniedError
            A person has just rejected this client.
        UnavailableError
            Too many programs wait already.
        """
        name = plain_text(client[:1000], LABEL_LENGTH) if isinstance(client, str) else ""
        if not name:
            raise InvalidArgumentError("'client' is the name of the client, such as 'Claude Code'.")
        waiting = [each for each in self.waiting() if each.source == source]
        if (source, name) in self._turned_away:
            raise DeniedError(
                f"The user did not let {name} in. It can ask again in a few minutes, or the user "
                "can choose 'Connect an agent' in JupyterLab's Agents panel."
            )
        now = self._clock()
        if len(waiting) >= MAX_WAITING and waiting[0].created + PATIENCE <= now:
            self._give_way(waiting.pop(0))
        if len(waiting) >= MAX_WAITING:
            raise UnavailableError(
                f"{MAX_WAITING} programs are already waiting for the user's answer. Ask the user "
                "to look at the Agents panel in JupyterLab, or try again in a minute."
            )
        pairing = Pairing(
            id="p_" + secrets.token_hex(8),
            secret=secrets.token_urlsafe(32),
            client=name,
            source=source,
            created=now,
            expires=now + LIFE,
        )
        self._pairings[pairing.id] = pairing
        self._registry.changed()
        return pairing

    def _give_way(self, pairing: Pairing) -> None:
        del self._pairings[pairing.id]
        pairing.answered.set()

    async def answered(self, secret: str, seconds: float) -> None:
        """Wait until the person has answered a request, or until the time is up.

        Raises
        ------
        NotFoundError
            There is no such request, or it has ended.
        """
        pairing = self._find(secret)
        with suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                await pairing.answered.wait()

    def take(self, secret: str) -> str | bool:
        """Return the result of a request.

        Returns
        -------
        str or bool
            The agent's token, which can be taken only once; True while the request waits; False if
            the person rejected it.

        Raises
        ------
        NotFoundError
            There is no such request, or it has ended.
        UnavailableError
            The list of agents cannot be written; the request is kept.
        """
        pairing = self._find(secret)
        if pairing.allowed is None:
            return True
        if not pairing.allowed:
            del self._pairings[pairing.id]
            return False
        _, token = self._registry.add(
            pairing.label,
            pairing.mode,
            notebooks=pairing.notebooks,
            until=pairing.until,
            owner=pairing.owner,
        )
        del self._pairings[pairing.id]
        return token

    def _find(self, secret: str) -> Pairing:
        self._lapse()
        found = None
        for each in self._pairings.values():
            if secrets.compare_digest(each.secret.encode(), secret.encode()):
                found = each
        if found is None:
            raise NotFoundError("This request has ended or never existed. Ask again.")
        return found

    # -- the person's side ---------------------------------------------------------------------

    def allow(
        self,
        pairing_id: str,
        *,
        label: object = None,
        mode: object = DEFAULT,
        notebooks: object = (),
        until: object = None,
        owner: str = "",
    ) -> None:
        """Accept a program; it becomes an agent when it takes its token.

        Raises
        ------
        NotFoundError
        ConflictError
            It was answered already.
        InvalidArgumentError
        """
        pairing = self._open(pairing_id)
        chosen = read_mode(mode)
        patterns = read_patterns(notebooks)
        end = read_until(until, self._clock) if chosen.ends else None
        check_bounds(chosen, patterns, end)
        pairing.label = read_label(label or pairing.client)
        pairing.mode, pairing.notebooks, pairing.until = chosen, patterns, end
        pairing.owner = owner
        self._answer(pairing, allowed=True)

    def turn_away(self, pairing_id: str) -> None:
        """Reject a program, and the same client for a while.

        Raises
        ------
        NotFoundError
        ConflictError
            It was answered already.
        """
        pairing = self._open(pairing_id)
        self._turned_away[pairing.source, pairing.client] = self._clock() + SILENCE
        self._answer(pairing, allowed=False)

    def _open(self, pairing_id: str) -> Pairing:
        self._lapse()
        pairing = self._pairings.get(pairing_id)
        if pairing is None:
            raise NotFoundError("This program is no longer asking.")
        if pairing.allowed is not None:
            raise ConflictError("This was already answered, perhaps in another window.")
        return pairing

    def _answer(self, pairing: Pairing, *, allowed: bool) -> None:
        pairing.allowed = allowed
        # The client may have ended the program. It has this long to return.
        pairing.expires = self._clock() + LIFE
        pairing.answered.set()
        self._registry.changed()

    def _lapse(self) -> None:
        now = self._clock()
        self._pairings = {i: each for i, each in self._pairings.items() if each.expires > now}
        self._turned_away = {who: end for who, end in self._turned_away.items() if end > now}
