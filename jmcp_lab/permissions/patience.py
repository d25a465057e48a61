"""How much people are asked: what they said no to is not asked again, and nobody buries them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ..calls.call import DecisionSource
from ..calls.ledger import now
from ..errors import ConflictError
from .denials import REPEAT, Denials

if TYPE_CHECKING:
    from ..calls.call import Call
    from ..calls.ledger import Ledger

PENDING_PER_AGENT = 20

Refusal = tuple[DecisionSource, str]
"""Who says no instead of a person, and what the agent is told."""


class Patience:
    """What each agent may still ask.

    Parameters
    ----------
    ledger : Ledger
    """

    def __init__(self, ledger: Ledger) -> None:
        self._ledger = ledger
        self._denials = Denials()

    def refusal(self, call: Call, waiting: int) -> Refusal | None:
        """Return why nobody is asked about a call, or None.

        Parameters
        ----------
        call : Call
        waiting : int
            How many requests of its agent wait.
        """
        first = self._denials.repeated(call)
        if first is not None:
            self._ledger.update(first, repeats=first.repeats + 1)
            return (
                DecisionSource.DUPLICATE_DENIED,
                "The user already said no to exactly this, so they were not asked. Do something "
                "else, or ask them what they want. If they changed their mind, they press 'Ask me "
                "again' beside it under Activity in JupyterLab's Agents panel; then call again.",
            )
        if waiting >= PENDING_PER_AGENT:
            return (
                DecisionSource.FLOOD,
                f"{waiting} of your requests already wait for the user. Use `wait` on those "
                "before you ask for more.",
            )
        return None

    def denied(self, call: Call) -> None:
        """Remember that a person denied a request that waits."""
        self._denials.add(call)
        self._ledger.update(call, denied_until=now() + REPEAT)

    def ask_again(self, call_id: str) -> Call:
        """Let a person be asked again for what they said no to, when the agent wants it again.

        Raises
        ------
        NotFoundError
        ConflictError
            They would be asked in any case.
        """
        call = self._ledger.get(call_id)
        if not self._denials.forget(call):
            raise ConflictError("You are asked in any case when the agent wants this again.")
        self._ledger.update(call, denied_until=None)
        return call
