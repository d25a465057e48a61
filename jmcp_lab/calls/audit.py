"""The audit log: every change of state of a call as an event that an administrator can keep."""

from __future__ import annotations

import logging
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from jupyter_events import EventLogger

    from .call import Call, Decision
    from .ledger import Ledger

SCHEMA_ID = "https://schema.jmcp-lab.org/events/call/v1"
SCHEMA_PATH = Path(__file__).parent.parent / "event_schemas" / "call.yaml"

_log = logging.getLogger("jmcp_lab")


class Audit:
    """Writes who asked for what, where, and who decided; no code, no outputs, no arguments.

    Parameters
    ----------
    events : EventLogger
        The server's event bus: its handlers decide where the records go.
    ledger : Ledger
    """

    def __init__(self, events: EventLogger, ledger: Ledger) -> None:
        self._events = events
        self._last: dict[str, tuple[object, ...]] = {}
        events.register_event_schema(SCHEMA_PATH)
        ledger.subscribe(self._changed)

    def _changed(self, call: Call) -> None:
        now = (call.state, call.decision, call.action_hash)
        if self._last.get(call.id) == now:
            return  # only its progress changed
        if call.state.ended:
            self._last.pop(call.id, None)
        else:
            self._last[call.id] = now
        try:
            self._events.emit(schema_id=SCHEMA_ID, data=_record(call))
        except Exception:
            # A handler that cannot write must not decide what an agent may do.
            _log.exception("A change of a call could not be written to the audit log")


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
