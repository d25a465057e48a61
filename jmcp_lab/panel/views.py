"""JSON views of agents, calls and grants for the panel."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any

from ..agents.expiry import format_time, format_until
from ..calls.call import CallState, ToolClass
from ..calls.ledger import now
from ..files.names import shown
from ..server.pace import in_turns
from ..text.surrogates import dump_json

if TYPE_CHECKING:
    from collections.abc import Sequence

    from ..agents.agent import Agent
    from ..agents.offers import Offer
    from ..agents.registry import AgentRegistry
    from ..calls.call import Call, Decision, Preview, PreviewItem, Question
    from ..calls.ledger import Ledger
    from ..permissions.patience import Patience
    from ..permissions.policy import Grant


MAX_AT_ONCE = 500
"""Maximum number of calls that are serialised before the event loop runs other work."""

MANY_ITEMS = 100
"""Number of items above which a card is cached, because pages poll often."""

MAX_CACHED = 20
"""Maximum number of large cards in the cache."""

MAX_CELLS = 100
"""Maximum number of cells of an ended call; hundreds of calls with thousands are megabytes."""

MARKED = timedelta(minutes=1)
"""Time for which pages mark the cells of an ended call, with a margin."""

_previews: dict[str, tuple[Preview, dict[str, Any]]] = {}
"""Cached cards of waiting calls, valid while the preview is the same object."""


def agent_view(
    agent: Agent, registry: AgentRegistry, ledger: Ledger, patience: Patience, viewer: str
) -> dict[str, Any]:
    """Return an agent as `viewer` may see it, without any part of its token."""
    return {
        "id": agent.id,
        "label": agent.label,
        "mode": agent.mode.value,
        "usable": agent.mode.known,
        "color": agent.color,
        "owner": _other_owner(agent, viewer),
        "claims": agent.claims,
        "connected": registry.connected(agent),
        "last_seen": format_time(agent.last_seen),
        "first_call": format_time(agent.first_call),
        "paused": agent.paused,
        "paused_why": patience.why_paused(agent.id) if agent.paused else None,
        "created": format_time(agent.created),
        "expires": format_time(agent.expires),
        "notebooks": list(agent.notebooks),
        "until": format_until(agent.until),
        "current": agent.current,
        "doing": _doing(agent, ledger),
    }


def _other_owner(agent: Agent | None, viewer: str) -> str | None:
    """Return an agent's owner if that is somebody else, who alone decides then."""
    return agent.owner if agent is not None and agent.owner not in ("", viewer) else None


def offer_view(offer: Offer, viewer: str) -> dict[str, Any]:
    """Return a change that somebody wrote into the list of agents, without any part of a token."""
    changes = {
        name: ("", "") if name == "token_hash" else (_plain(before), _plain(after))
        for name, (before, after) in offer.changes.items()
    }
    return {
        "id": offer.id,
        "client": offer.agent.label,
        "created": format_time(offer.agent.created),
        "expires": None,
        "offer": {
            "agent": offer.present.label if offer.present is not None else None,
            "owner": _other_owner(offer.present, viewer),
            "changes": [
                {"field": name, "before": before, "after": after}
                for name, (before, after) in changes.items()
            ],
        },
    }


def _plain(value: object) -> str:
    return shown(", ".join(value) if isinstance(value, list) else str(value or ""))


def _doing(agent: Agent, ledger: Ledger) -> str | None:
    """Return what an agent is doing: its latest running call, or else its latest waiting one."""
    active = ledger.active(agent.id)
    running = [call for call in active if call.state is CallState.RUNNING]
    latest = (running or active)[-1:]
    return latest[0].summary if latest else None


def call_view(call: Call) -> dict[str, Any]:
    """Return a call as a card or a row of Activity needs it."""
    target = call.action.target if call.action is not None else None
    most = MAX_CELLS if _is_over(call) else None
    return {
        "id": call.id,
        "seq": call.seq,
        "agent": call.agent_id,
        "agent_label": call.agent_label,
        "tool": call.tool,
        "class": call.tool_class.value,
        "also": [each.value for each in call.also],
        "state": call.state.value,
        "summary": call.summary,
        "target": {
            "path": target.path if target else None,
            "cell_ids": list(target.cell_ids[:most]) if target else [],
            "positions": list(target.positions[:most]) if target else [],
            "kernel": target.kernel if target else None,
        },
        "preview": _preview(call),
        "reason": call.reason,
        "action_hash": call.action_hash,
        "changed": call.changed,
        "options": [
            {"kind": option.kind.value, "name": option.name}
            | ({"until": option.until} if option.until else {})
            for option in call.options
        ],
        "created": format_time(call.created),
        "started": format_time(call.started),
        "ended": format_time(call.ended),
        "expires": format_time(call.expires),
        "outcome": call.outcome,
        "decision": _decision(call.decision),
        "progress": call.progress,
        "question": _question(call.question),
        "error": call.error,
        "undoable": call.undoable,
        "repeats": call.repeats,
        "denied_until": format_time(call.denied_until),
    }


async def dump_calls(calls: Sequence[Call]) -> str:
    """Return calls as JSON, separated by commas; the event loop runs other work in between."""
    parts = [
        dump_json([call_view(call) for call in part])[1:-1]
        async for part in in_turns(calls, MAX_AT_ONCE)
    ]
    return ", ".join(parts)


def _is_over(call: Call) -> bool:
    """Return whether no page needs all cells of a call, because it ended and their marks are gone.

    Pages need all cells of an allowed run, because they trust the outputs of exactly those.
    """
    if call.ended is None or now() - call.ended < MARKED:
        return False
    return call.tool_class is not ToolClass.RUN or not (call.decision and call.decision.allowed)


def _preview(call: Call) -> dict[str, Any] | None:
    """Return what a card shows, or None without a card: a preview may be of any size."""
    preview = call.action.preview if call.action is not None else None
    if preview is None or call.state is not CallState.WAITING:
        _previews.pop(call.id, None)
        return None
    known = _previews.get(call.id)
    if known is not None and known[0] is preview:
        return known[1]
    view = {
        "kind": preview.kind,
        "language": preview.language,
        "items": [_item(item) for item in preview.items],
        "lines": preview.lines,
        "words": preview.words,
    }
    if len(preview.items) > MANY_ITEMS:
        _previews[call.id] = preview, view
        if len(_previews) > MAX_CACHED:
            del _previews[next(iter(_previews))]
    return view


def _item(item: PreviewItem) -> dict[str, Any]:
    texts = {"text": item.text, "old": item.old, "new": item.new}
    return {"title": item.title, "cell_id": item.cell_id} | {
        name: text for name, text in texts.items() if text is not None
    }


def _question(question: Question | None) -> dict[str, Any] | None:
    if question is None:
        return None
    return {"id": question.id, "prompt": question.prompt, "password": question.password}


def _decision(decision: Decision | None) -> dict[str, Any] | None:
    if decision is None:
        return None
    return {
        "allowed": decision.allowed,
        "option": decision.option.value if decision.option else None,
        "by": decision.by,
        "source": decision.source.value,
        "reason": decision.reason,
        "at": format_time(decision.at),
    }


def grant_view(grant: Grant) -> dict[str, Any]:
    """Return a grant."""
    return {
        "id": grant.id,
        "agent": grant.agent_id,
        "agent_label": grant.agent_label,
        "class": grant.tool_class.value,
        "path": shown(grant.path),
        "until": format_until(grant.until),
        "created": format_time(grant.created),
    }
