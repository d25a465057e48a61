"""The policy: decide whether an action may happen now. It is pure: no clock, no I/O, no await.

The first rule that applies decides: hard denials, paused, the mode's "never", what always asks,
grants, then the mode's own verdict. Outside the notebooks chosen for an agent, that verdict is the
one of mode `ask`, and reading is free. Anything unknown asks or is denied, and is never allowed.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import TYPE_CHECKING, Literal

from ..agents.agent import Mode
from ..agents.notebook_patterns import matches
from ..calls.call import Action, DecisionSource, ToolClass

if TYPE_CHECKING:
    from collections.abc import Iterable

    from ..agents.expiry import Until


class Verdict(StrEnum):
    """The result of the policy."""

    ALLOW = "allow"
    ASK = "ask"
    DENY = "deny"


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


A, Q, N = Verdict.ALLOW, Verdict.ASK, Verdict.DENY

Row = Literal[
    "info",
    "read",
    "inspect",
    "inspect_used",
    "edit",
    "run",
    "interrupt",
    "kernel",
    "create",
    "overwrite",
]

_READS: dict[Row, Verdict] = {"info": A, "read": A}

TABLE: dict[Mode, dict[Row, Verdict]] = {
    Mode.LOOK: {
        **_READS,
        "inspect": N,
        "inspect_used": N,
        "edit": N,
        "run": N,
        "interrupt": N,
        "kernel": N,
        "create": N,
        "overwrite": N,
    },
    Mode.ASK: {
        **_READS,
        "inspect": Q,
        "inspect_used": Q,
        "edit": Q,
        "run": Q,
        "interrupt": A,
        "kernel": Q,
        "create": Q,
        "overwrite": Q,
    },
    Mode.EDIT: {
        **_READS,
        "inspect": Q,
        "inspect_used": A,
        "edit": A,
        "run": Q,
        "interrupt": A,
        "kernel": Q,
        "create": A,
        "overwrite": Q,
    },
    Mode.AUTO: {
        **_READS,
        "inspect": A,
        "inspect_used": A,
        "edit": A,
        "run": A,
        "interrupt": A,
        "kernel": A,
        "create": A,
        "overwrite": Q,
    },
}
"""The verdict of each mode on each kind of action."""

PAUSED = (
    "The user has paused you, so nothing was done. Tell them what you still want to do, and call "
    "again once they have pressed Resume in JupyterLab's Agents panel."
)

MODE_WORDS = {
    Mode.LOOK: "Look only",
    Mode.ASK: "Ask for every change",
    Mode.EDIT: "Edit freely, ask to run",
    Mode.AUTO: "Edit and run in chosen notebooks",
}


def row(action: Action) -> Row:
    """Return the row of the mode table for an action."""
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
        return Ruling(N, DecisionSource.PAUSED, PAUSED)
    said = TABLE[subject.mode][row(action)]
    if said is N:
        return Ruling(
            N,
            DecisionSource.MODE,
            f"This agent's mode is '{MODE_WORDS[subject.mode]}', which does not allow "
            f"{_words(action)}. The user can change it in JupyterLab's Agents panel.",
        )
    if _outside(subject, action):
        said = TABLE[Mode.ASK][row(action)]
    elif subject.mode is Mode.AUTO and action.tool_class in (ToolClass.RUN, ToolClass.KERNEL):
        ended = subject.until is None or over(subject.until, now)
        said = Q if ended and not action.interrupt else said
    if said is Q or action.guarded:
        if action.guarded is None and _covered(subject, action, grants, now):
            return Ruling(A, DecisionSource.GRANT)
        return Ruling(Q, DecisionSource.MODE)
    return Ruling(A, DecisionSource.MODE)


def _outside(subject: Subject, action: Action) -> bool:
    """Return whether an action affects other notebooks than those chosen for the agent.

    If none are chosen, all are meant, except in mode `auto`, which is for chosen ones only. An
    action on a kernel affects all notebooks that use it.
    """
    limited = bool(subject.notebooks) or subject.mode is Mode.AUTO
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
    }.get(row(action), "this")
