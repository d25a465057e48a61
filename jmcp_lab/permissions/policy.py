"""The policy: decide whether an action may happen now. It is pure: no clock, no I/O, no await.

The first rule that applies decides: hard denials, paused, the mode's "never", what always asks,
grants, then the mode's own verdict. Outside the notebooks chosen for an agent, that verdict is the
one of mode `ask`, and reading is free. Anything unknown asks or is denied, and is never allowed.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING

from ..agents.modes import ELSEWHERE, ActionKind, Mode, Verdict
from ..agents.notebook_patterns import matches
from ..calls.call import Action, DecisionSource, ToolClass

if TYPE_CHECKING:
    from collections.abc import Iterable

    from ..agents.expiry import Until


@dataclass(frozen=True, slots=True)
class Ruling:
    """A verdict, its source, and a message with the reason for a denial."""

    verdict: Verdict
    source: DecisionSource
    reason: str = ""


@dataclass(frozen=True, slots=True)
class Grant:
    """An approval for more than one call: runs of one agent in one notebook, until a time.

    It is bound to the document, not to its path. So it follows a rename, and does not cover another
    file that takes the old name in any way. `mode` is the agent's mode at that time; a stricter one
    ends the grant.
    """

    id: str
    agent_id: str
    agent_label: str
    tool_class: ToolClass
    path: str
    file_id: str
    until: Until
    created: datetime
    mode: Mode


@dataclass(frozen=True, slots=True)
class Subject:
    """What the policy needs to know about an agent; outside its `notebooks`, if any, it asks."""

    id: str
    mode: Mode
    paused: bool = False
    notebooks: tuple[str, ...] = ()
    until: Until | None = None


_A, _Q, _N = Verdict.ALLOW, Verdict.ASK, Verdict.DENY

PAUSED = (
    "The user has paused you, so nothing was done. Tell them what you still want to do. Call again "
    "when they have pressed Resume in JupyterLab's Agents panel."
)


def kind_of(action: Action) -> ActionKind:
    """Return the kind of an action, as the rules of a mode tell them apart."""
    match action.tool_class:
        case ToolClass.KERNEL:
            return "interrupt" if action.interrupt else "kernel"
        case ToolClass.FILE:
            return "create" if action.creates else "overwrite"
        case ToolClass.INFO:
            return "info"
        case ToolClass.READ:
            return "read"
        case ToolClass.INSPECT:
            return "inspect_used" if action.used_kernel else "inspect"
        case ToolClass.EDIT:
            return "edit"
        case ToolClass.RUN:
            return "run"


def unknown_mode(mode: Mode) -> str:
    """Return why an agent whose mode another version wrote can do nothing."""
    return (
        f"This version of jmcp_lab does not know this agent's mode '{mode.value}', so nothing was "
        "done. The user can choose another mode in JupyterLab's Agents panel, or install the "
        "version of jmcp_lab that wrote it."
    )


def over(until: Until | None, now: datetime) -> bool:
    """Return whether a time has passed; ``stop`` lasts as long as this server."""
    return isinstance(until, datetime) and until <= now


def chosen(path: str | None, notebooks: Iterable[str]) -> bool:
    """Return whether a path matches the globs of chosen notebooks."""
    return path is not None and any(matches(path, pattern) for pattern in notebooks)


def decide(subject: Subject, action: Action, grants: Iterable[Grant], now: datetime) -> Ruling:
    """Rule on an action.

    Parameters
    ----------
    subject : Subject
    action : Action
    grants : iterable of Grant
        The grants of all agents.
    now : datetime
        With time zone.
    """
    if subject.paused:
        return Ruling(_N, DecisionSource.PAUSED, PAUSED)
    if not subject.mode.known:
        return Ruling(_N, DecisionSource.MODE, unknown_mode(subject.mode))
    said = subject.mode.rules[kind_of(action)]
    if said is _N:
        return Ruling(
            _N,
            DecisionSource.MODE,
            f"This agent's mode is '{subject.mode.label}', which does not allow "
            f"{_words(action)}. The user can change it in JupyterLab's Agents panel.",
        )
    if _outside(subject, action):
        said = ELSEWHERE.rules[kind_of(action)]
    elif subject.mode.ends and action.tool_class in (ToolClass.RUN, ToolClass.KERNEL):
        ended = subject.until is None or over(subject.until, now)
        said = _Q if ended and not action.interrupt else said
    if said is _Q or action.guarded:
        if action.guarded is None and _covered(subject, action, grants, now):
            return Ruling(_A, DecisionSource.GRANT)
        return Ruling(_Q, DecisionSource.MODE)
    return Ruling(_A, DecisionSource.MODE)


def _outside(subject: Subject, action: Action) -> bool:
    """Return whether an action affects other notebooks than those chosen for the agent.

    Without a choice all are meant, except in a mode that is for chosen ones only. What is
    done to a kernel is done to all notebooks whose kernel it is.
    """
    limited = bool(subject.notebooks) or subject.mode.only_chosen
    paths = (action.target.path, *action.others)
    return limited and not all(chosen(path, subject.notebooks) for path in paths)


def _covered(subject: Subject, action: Action, grants: Iterable[Grant], now: datetime) -> bool:
    return action.target.file_id is not None and any(
        grant.agent_id == subject.id
        and grant.tool_class is action.tool_class
        and grant.file_id == action.target.file_id
        and not over(grant.until, now)
        for grant in grants
    )


def _words(action: Action) -> str:
    return {
        "inspect": "inspecting variables",
        "inspect_used": "inspecting variables",
        "edit": "editing",
        "run": "running code",
        "interrupt": "interrupting kernels",
        "kernel": "starting or restarting kernels",
        "create": "creating files",
        "overwrite": "changing files",
    }.get(kind_of(action), "doing this")
