"""The ledger: all calls of this server, with a sequence number for every change.

The panel asks "what changed after N", and listeners (the doorbell, the audit log) are notified of
each change.
"""

from __future__ import annotations

import asyncio
import secrets
from dataclasses import fields
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

from ..errors import NotFoundError
from ..server.containment import tell_all
from .call import Call, CallState
from .interning import Alike
from .kept_replies import KeptReplies

if TYPE_CHECKING:
    from collections.abc import Callable

    from .call import Decision, ToolClass

KEPT = 2000
"""Maximum number of ended calls kept for the panel, besides those that can be undone."""

LAST_WORDS = timedelta(minutes=5)
"""Time after its end for which an agent whose token has ended can fetch a call's reply."""

_NO_ARGUMENTS: dict[str, Any] = {}
"""Arguments of every call that has ended; nothing may modify them."""

_FIELDS = {field.name for field in fields(Call)}

_NEXT = {
    CallState.RECEIVED: {
        CallState.WAITING,
        CallState.RUNNING,
        CallState.DENIED,
        CallState.FAILED,
        CallState.CANCELLED,
    },
    CallState.WAITING: {
        CallState.RUNNING,
        CallState.DENIED,
        CallState.CANCELLED,
        CallState.FAILED,
    },
    CallState.RUNNING: {
        CallState.DONE,
        CallState.FAILED,
        CallState.CANCELLED,
        CallState.DENIED,
        CallState.WAITING,
    },
}


def _may_go(call: Call) -> bool:
    held = call.denied_until is not None and call.denied_until > now()
    return call.state.ended and not call.undoable and not held


def now() -> datetime:
    """Return the current time, UTC."""
    return datetime.now(UTC)


class Ledger:
    """The calls of this server, oldest change first.

    Parameters
    ----------
    kept : int, optional
        Maximum number of ended calls. A call that can be undone is kept as long as that is
        possible: reading calls never push it out, and the limits of the change sets bound their
        number.
    """

    def __init__(self, kept: int = KEPT) -> None:
        self._calls: dict[str, Call] = {}
        self._active: dict[str, Call] = {}
        self._kept = kept
        self._seq = 0
        self._listeners: list[Callable[[Call], None]] = []
        self._waiters: dict[str, list[asyncio.Event]] = {}
        self._undoable: set[str] = set()
        self._replies = KeptReplies()
        self._alike = Alike()

    @property
    def seq(self) -> int:
        """The number of the last change."""
        return self._seq

    def subscribe(self, listener: Callable[[Call], None]) -> None:
        """Call `listener` after every change of a call."""
        self._listeners.append(listener)

    def bump(self) -> int:
        """Return a new sequence number for a change that is not a call's."""
        self._seq += 1
        return self._seq

    def open(
        self,
        agent_id: str,
        agent_label: str,
        tool: str,
        tool_class: ToolClass,
        arguments: dict[str, Any],
        *,
        reason: str | None = None,
        summary: str = "",
        attaches: bool = False,
        also: tuple[ToolClass, ...] = (),
    ) -> Call:
        """Add a new call."""
        call = Call(
            id="c_" + secrets.token_hex(8),
            agent_id=agent_id,
            agent_label=agent_label,
            tool=tool,
            tool_class=tool_class,
            arguments=arguments,
            created=now(),
            reason=reason,
            summary=summary or tool,
            attaches=attaches,
            also=also,
        )
        self._calls[call.id] = self._active[call.id] = call
        self._changed(call)
        return call

    def update(self, call: Call, **changes: Any) -> None:
        """Change fields of a call; a change of state must be a step of the state machine.

        Raises
        ------
        ValueError
            The step does not exist; for example, a call that has ended cannot change its state.
        """
        state: CallState | None = changes.get("state")
        if state is not None and state is not call.state:
            if state not in _NEXT.get(call.state, ()):
                raise ValueError(f"{call.state} → {state}")
            if state is CallState.RUNNING and call.started is None:
                decision: Decision | None = changes.get("decision")
                # The call has been running since the decision.
                changes.setdefault("started", (decision and decision.at) or now())
            if state.ended:
                changes.setdefault("ended", now())
        self._set(call, changes)
        if call.state.ended:
            self._lighten(call)
            if "reply" in changes and call.reply is not None:
                self._replies.keep(call)
        self._changed(call)
        if call.state.ended:
            self._trim()

    def prepare(self, call: Call, **changes: Any) -> None:
        """Change fields of a call; its next step, which comes soon, tells listeners of them.

        A change costs each listener and each page some work. Of a call that has ended no step
        comes, so listeners hear of the change at once.
        """
        if call.state.ended:
            self.update(call, **changes)
        else:
            self._set(call, changes)

    def _set(self, call: Call, changes: dict[str, Any]) -> None:
        for name, value in changes.items():
            if name not in _FIELDS:
                raise AttributeError(name)
            setattr(call, name, value)
        if call.undoable:
            self._undoable.add(call.id)
        else:
            self._undoable.discard(call.id)

    def _changed(self, call: Call) -> None:
        self._seq += 1
        call.seq = self._seq
        # Move it to the end, because the calls are ordered by their last change.
        self._calls[call.id] = self._calls.pop(call.id)
        for event in self._waiters.get(call.id, ()):
            event.set()
        tell_all(self._listeners, call)

    def _lighten(self, call: Call) -> None:
        """Release what is not needed once a call has ended, and share equal values."""
        self._active.pop(call.id, None)
        call.arguments = _NO_ARGUMENTS
        # A finished task still references its coroutine and its context.
        call.task = None
        call.summary = self._alike(call.summary)
        call.action_hash = self._alike(call.action_hash)
        if call.action is not None:
            call.action = self._alike.action(call.action)

    def _trim(self) -> None:
        while len(self._calls) - len(self._undoable) > self._kept:
            oldest = next((call for call in self._calls.values() if _may_go(call)), None)
            if oldest is None:
                return
            del self._calls[oldest.id]
            self._replies.forget(oldest)

    # -- looking -------------------------------------------------------------------------------

    def get(self, call_id: str) -> Call:
        """Return a call.

        Raises
        ------
        NotFoundError
        """
        call = self._calls.get(call_id)
        if call is None:
            raise NotFoundError(f"There is no call '{call_id}'.", code="unknown_call")
        return call

    def find(self, call_id: str) -> Call | None:
        """Return a call, or None if it never existed or is forgotten."""
        return self._calls.get(call_id)

    def since(self, seq: int) -> list[Call]:
        """Return the calls that changed after `seq`, oldest change first."""
        found = []
        for call in reversed(self._calls.values()):
            if call.seq <= seq:
                break
            found.append(call)
        return found[::-1]

    def active(self, agent_id: str | None = None) -> list[Call]:
        """Return the calls that have not ended, of one agent or of all, oldest first."""
        found = [call for call in self._active.values() if agent_id in (None, call.agent_id)]
        return sorted(found, key=lambda call: call.created)

    def at_work(self, agent_id: str) -> bool:
        """Return whether any work of an agent is in progress, or ended a short while ago."""
        since = now() - LAST_WORDS
        return any(
            call.agent_id == agent_id
            and not call.attaches
            and call.started is not None
            and (call.ended is None or call.ended > since)
            for call in self._calls.values()
        )

    async def changed(self, call: Call, seq: int, seconds: float | None = None) -> None:
        """Return as soon as the call has changed after `seq`, or after some seconds."""
        if call.seq > seq:
            return
        event = asyncio.Event()
        waiters = self._waiters.setdefault(call.id, [])
        waiters.append(event)
        timer = None
        if seconds is not None:
            # Every call is waited for: `asyncio.timeout` costs several times as much.
            timer = asyncio.get_running_loop().call_later(seconds, event.set)
        try:
            await event.wait()
        finally:
            if timer is not None:
                timer.cancel()
            waiters.remove(event)
            if not waiters:
                self._waiters.pop(call.id, None)
