"""The ledger: every call of this server, with a sequence number for every change.

The panel asks "what changed after N"; listeners (the doorbell, the audit log) hear of each change.
"""

from __future__ import annotations

import asyncio
import secrets
from collections import OrderedDict
from dataclasses import fields, replace
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

from ..containment import tell_all
from ..errors import NotFoundError
from .call import Call, CallState, Reply, TextPart

if TYPE_CHECKING:
    from collections.abc import Callable

    from .call import ToolClass

KEPT = 2000
"""How many ended calls are kept for the panel, besides those that can be taken back."""

KEPT_CHARACTERS = 20_000_000
"""How many characters of replies are kept, so that `wait` can give them again."""

LAST_WORDS = timedelta(minutes=5)
"""For so long after its end the reply to a call can be fetched by an agent whose time is over."""

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
    """Return the present time, UTC."""
    return datetime.now(UTC)


class Ledger:
    """The calls of this server, oldest change first.

    Parameters
    ----------
    kept : int, optional
        How many calls are kept once they have ended. One that can be taken back is kept until it
        cannot: reading never pushes it out, and who remembers what calls changed bounds them.
    """

    def __init__(self, kept: int = KEPT) -> None:
        self._calls: OrderedDict[str, Call] = OrderedDict()
        self._kept = kept
        self._seq = 0
        self._listeners: list[Callable[[Call], None]] = []
        self._waiters: dict[str, list[asyncio.Event]] = {}
        self._undoable: set[str] = set()
        self._weights: dict[str, int] = {}
        self._weight = 0

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
    ) -> Call:
        """Enter a new call."""
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
        )
        self._calls[call.id] = call
        self._changed(call)
        return call

    def update(self, call: Call, **changes: Any) -> None:
        """Change fields of a call; a change of state must be a step of the state machine.

        Raises
        ------
        ValueError
            The step does not exist: a call that has ended stays as it is.
        """
        state: CallState | None = changes.get("state")
        if state is not None and state is not call.state:
            if state not in _NEXT.get(call.state, ()):
                raise ValueError(f"{call.state} → {state}")
            if state is CallState.RUNNING and call.started is None:
                changes.setdefault("started", now())
            if state.ended:
                changes.setdefault("ended", now())
        for name, value in changes.items():
            if name not in _FIELDS:
                raise AttributeError(name)
            setattr(call, name, value)
        if call.undoable:
            self._undoable.add(call.id)
        else:
            self._undoable.discard(call.id)
        if call.state.ended:
            self._lighten(call, changes)
        self._changed(call)
        if call.state.ended:
            self._trim()

    def _changed(self, call: Call) -> None:
        self._seq += 1
        call.seq = self._seq
        self._calls.move_to_end(call.id)
        for event in self._waiters.get(call.id, ()):
            event.set()
        tell_all(self._listeners, call)

    def _lighten(self, call: Call, changes: dict[str, Any]) -> None:
        """Drop what nobody looks at once a call has ended; keep its reply for a while."""
        call.arguments = {}
        # A task that is done still holds its coroutine and its context.
        call.task = None
        if call.action is not None and call.action.preview is not None:
            call.action = replace(call.action, preview=None)
        if changes.get("reply") is None or call.reply is None:
            return
        weight = sum(
            len(part.text if isinstance(part, TextPart) else part.data) for part in call.reply.parts
        )
        self._weight += weight - self._weights.pop(call.id, 0)
        self._weights[call.id] = weight
        while self._weight > KEPT_CHARACTERS and len(self._weights) > 1:
            old = self._calls[next(iter(self._weights))]
            self._weight -= self._weights.pop(old.id)
            old.reply = Reply.of(
                "The reply to this call is no longer kept. read_cells shows what is there now.",
                is_error=old.reply.is_error if old.reply is not None else False,
            )

    def _trim(self) -> None:
        while len(self._calls) - len(self._undoable) > self._kept:
            oldest = next((call for call in self._calls.values() if _may_go(call)), None)
            if oldest is None:
                return
            del self._calls[oldest.id]
            self._weight -= self._weights.pop(oldest.id, 0)

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
        """Return a call, or None when it never was or is forgotten."""
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
        found = [
            call
            for call in self._calls.values()
            if not call.state.ended and agent_id in (None, call.agent_id)
        ]
        return sorted(found, key=lambda call: call.created)

    def at_work(self, agent_id: str) -> bool:
        """Return whether something that an agent began goes on, or ended a short while ago."""
        since = now() - LAST_WORDS
        return any(
            call.agent_id == agent_id
            and call.tool != "wait"
            and call.started is not None
            and (call.ended is None or call.ended > since)
            for call in self._calls.values()
        )

    async def changed(self, call: Call, seq: int) -> None:
        """Return as soon as the call has changed after `seq`."""
        event = asyncio.Event()
        waiters = self._waiters.setdefault(call.id, [])
        waiters.append(event)
        try:
            while call.seq <= seq:
                event.clear()
                await event.wait()
        finally:
            waiters.remove(event)
            if not waiters:
                self._waiters.pop(call.id, None)
