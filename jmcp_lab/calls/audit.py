"""The audit log: each change of a call's state as an event that an administrator can record."""

from __future__ import annotations

import asyncio
import logging
from collections import deque
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..server.containment import contained
from ..text.surrogates import without_halves
from .call import CallState

if TYPE_CHECKING:
    from jupyter_events import EventLogger

    from .call import Call, Decision
    from .ledger import Ledger

SCHEMA_ID = "https://schema.jmcp-lab.org/events/call/v1"
SCHEMA_PATH = Path(__file__).parent.parent / "event_schemas" / "call.yaml"

LISTENERS_SECONDS = 0.25
"""Seconds that events may wait if only listeners receive them. Each event is validated against its
schema and sent to each open page. This cost must delay neither a call after its decision nor a
page's messages from its kernel.
"""

SLICE_SECONDS = 0.005
"""Maximum seconds of emitting events before other tasks run."""

_log = logging.getLogger("jmcp_lab")


class Audit:
    """Records who asked for what, where, and who decided; no code, no outputs, no arguments.

    Parameters
    ----------
    events : EventLogger
        The server's event bus, whose handlers decide where the records go.
    ledger : Ledger

    Notes
    -----
    If an administrator has configured a handler, each record is written before the recorded step
    happens. So code that ends the server cannot prevent its own record.
    """

    def __init__(self, events: EventLogger, ledger: Ledger) -> None:
        self._events = events
        self._last: dict[str, tuple[object, ...]] = {}
        self._waiting: deque[dict[str, Any]] = deque()
        self._draining: asyncio.Handle | None = None
        self._emitting = False
        events.register_event_schema(SCHEMA_PATH)
        # Jupyter's events endpoint accepts events of every schema from anyone with the server's
        # token, including code in a kernel. A modifier runs before any handler gets the event.
        events.add_modifier(schema_id=SCHEMA_ID, modifier=self._only_ours)
        ledger.subscribe(self._changed)

    def flush(self) -> None:
        """Emit all waiting events at once."""
        while self._waiting:
            self._emit(self._waiting.popleft())

    def _drain(self) -> None:
        loop = asyncio.get_running_loop()
        end = loop.time() + SLICE_SECONDS
        while self._waiting:
            self._emit(self._waiting.popleft())
            if self._waiting and loop.time() >= end:
                self._draining = loop.call_soon(self._drain)
                return
        self._draining = None

    def _changed(self, call: Call) -> None:
        now = (call.state, call.decision, call.action_hash)
        last = self._last.get(call.id)
        if last == now or (last is not None and call.state is CallState.RECEIVED):
            return  # only progress or details changed; the next step has its own event
        if call.state.ended:
            self._last.pop(call.id, None)
        else:
            self._last[call.id] = now
        if self._events.handlers or (loop := _running_loop()) is None:
            self._emit(_record(call))
            return
        if self._draining is None:
            self._draining = loop.call_later(LISTENERS_SECONDS, self._drain)
        self._waiting.append(_record(call))

    def _emit(self, record: dict[str, Any]) -> None:
        self._emitting = True
        try:
            with contained():
                self._events.emit(schema_id=SCHEMA_ID, data=without_halves(record))
        except Exception:
            # A handler that cannot write must not affect what an agent may do.
            _log.exception("A state change of a call could not be written to the audit log")
        finally:
            self._emitting = False

    def _only_ours(self, schema_id: str, data: dict[str, Any]) -> dict[str, Any]:
        """Reject events that are not emitted here; emitting is synchronous, so a flag is enough."""
        if not self._emitting:
            raise PermissionError("Only jmcp_lab itself may write its audit records.")
        return data


def _running_loop() -> asyncio.AbstractEventLoop | None:
    try:
        return asyncio.get_running_loop()
    except RuntimeError:
        return None


def _record(call: Call) -> dict[str, Any]:
    target = call.action.target if call.action is not None else None
    return {
        "call": call.id,
        "agent": call.agent_id,
        "agent_label": call.agent_label,
        "tool": call.tool,
        "class": call.tool_class.value,
        "state": call.state.value,
        "seq": call.seq,
        "path": target.path if target else None,
        "cells": list(target.cell_ids) if target else [],
        "action_hash": call.action_hash,
        "decision": _decision(call.decision),
    }


def _decision(decision: Decision | None) -> dict[str, Any] | None:
    if decision is None:
        return None
    return {
        "allowed": decision.allowed,
        "source": decision.source.value,
        "option": decision.option.value if decision.option else None,
        "by": decision.by,
    }
