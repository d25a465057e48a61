"""The Call: one request of an agent, and the only record of what became of it.

Everything a person can do in the panel (allow, deny, stop, undo) is done to a Call, and every
state a Call passes through is visible there.
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass, field
from enum import StrEnum
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import asyncio
    from collections.abc import Iterable
    from datetime import datetime


class ToolClass(StrEnum):
    """What kind of effect a tool has; fixed by the server, never taken from a client."""

    INFO = "info"
    READ = "read"
    INSPECT = "inspect"
    EDIT = "edit"
    RUN = "run"
    KERNEL = "kernel"
    FILE = "file"


class CallState(StrEnum):
    """Where a call is in its life."""

    RECEIVED = "received"
    WAITING = "waiting_for_approval"
    RUNNING = "running"
    DONE = "done"
    FAILED = "failed"
    DENIED = "denied"
    CANCELLED = "cancelled"

    @property
    def ended(self) -> bool:
        """Whether nothing more will happen to the call."""
        return self in _ENDED


_ENDED = frozenset({CallState.DONE, CallState.FAILED, CallState.DENIED, CallState.CANCELLED})

OUTCOMES = {
    CallState.DONE: "ok",
    CallState.FAILED: "error",
    CallState.DENIED: "denied",
    CallState.CANCELLED: "cancelled",
}


class DecisionSource(StrEnum):
    """Who or what decided about a call."""

    USER = "user"
    GRANT = "grant"
    MODE = "mode"
    HARD = "hard"
    EXPIRED = "expired"
    FLOOD = "flood"
    PAUSED = "paused"
    DUPLICATE_DENIED = "duplicate_denied"
    WITHDRAWN = "withdrawn"


class OptionKind(StrEnum):
    """The answers to a request, in the words of the Agent Client Protocol."""

    ALLOW_ONCE = "allow_once"
    ALLOW_ALWAYS = "allow_always"
    REJECT_ONCE = "reject_once"


@dataclass(frozen=True, slots=True)
class TextPart:
    """Text of a reply."""

    text: str


@dataclass(frozen=True, slots=True)
class ImagePart:
    """An image of a reply.

    Parameters
    ----------
    data : str
        The image, base64.
    mime_type : str
        For example ``image/png``.
    """

    data: str
    mime_type: str


@dataclass(frozen=True, slots=True)
class Reply:
    """What goes back to the agent: text first, images after."""

    parts: tuple[TextPart | ImagePart, ...]
    is_error: bool = False

    @classmethod
    def of(cls, text: str, *, is_error: bool = False) -> Reply:
        """Return a reply of one text."""
        return cls((TextPart(text),), is_error)

    @property
    def text(self) -> str:
        """All text parts, joined by newlines."""
        return "\n".join(part.text for part in self.parts if isinstance(part, TextPart))


@dataclass(frozen=True, slots=True)
class Target:
    """What a call works on.

    Parameters
    ----------
    path : str or None
        Path relative to the server's root.
    cell_ids : tuple of str
        The cells, in the order in which they are worked on.
    positions : tuple of int
        Where these cells were when the call was resolved; the first cell is 1.
    kernel : str or None
        Name of the kernelspec.
    file_id : str or None
        Of the notebook: stays when its file is renamed, ends when another takes its place.
    kernel_id : str or None
        The running kernel that code goes to; None as long as none runs.
    """

    path: str | None = None
    cell_ids: tuple[str, ...] = ()
    positions: tuple[int, ...] = ()
    kernel: str | None = None
    file_id: str | None = None
    kernel_id: str | None = None


@dataclass(frozen=True, slots=True)
class PreviewItem:
    """One piece of what will happen: code that will run, or a text before and after."""

    title: str
    cell_id: str | None = None
    text: str | None = None
    old: str | None = None
    new: str | None = None


@dataclass(frozen=True, slots=True)
class Preview:
    """Exactly what a call will do; what a request card shows.

    Parameters
    ----------
    kind : str
        ``code`` (items have `text` that will run), ``diff`` (items have `old` and `new`) or
        ``text`` (items say in words what will happen).
    items : tuple of PreviewItem
    language : str
        For highlighting, as in the kernelspec's ``language``.
    words : str
        What the items alone do not show, such as where a new cell goes.
    """

    kind: str
    items: tuple[PreviewItem, ...]
    language: str = "python"
    words: str = ""

    @property
    def lines(self) -> int:
        """How many lines will run or change."""
        return sum(
            len((item.text if item.text is not None else item.new or "").splitlines() or [""])
            for item in self.items
        )


@dataclass(frozen=True, slots=True)
class Action:
    """What a call wants to do, resolved to exact bytes.

    A decision is bound to `action_hash`, so that what was shown is what happens.

    Parameters
    ----------
    tool : str
    tool_class : ToolClass
        The class of this very call; a tool may fall into two (``use_notebook`` creates a file).
    summary : str
        One line in words, such as ``Run cell 12 in sales.ipynb``.
    target : Target
    preview : Preview or None
    guarded : str or None
        Why no grant may cover this action, or None.
    interrupt : bool
        Interrupting a kernel is allowed where starting one would ask.
    creates : bool
        The file does not exist yet; overwriting asks where creating does not.
    used_kernel : bool
        Somebody ran code in the kernel, or allowed it. Inspecting a kernel in which nobody did
        asks where this one does not.
    details : tuple of str
        What the preview's words tell, by ids: cells change their positions while a person reads.
    others : tuple of str
        Paths of the other notebooks whose kernel it is, too.
    """

    tool: str
    tool_class: ToolClass
    summary: str
    target: Target = field(default_factory=Target)
    preview: Preview | None = None
    guarded: str | None = None
    interrupt: bool = False
    creates: bool = False
    used_kernel: bool = False
    details: tuple[str, ...] = ()
    others: tuple[str, ...] = ()

    def action_hash(self, agent_id: str, *, any_kernel: bool = False) -> str:
        """Return ``sha256:…`` over everything that a decision covers.

        Parameters
        ----------
        agent_id : str
        any_kernel : bool
            Leave out which kernel runs now: a no holds for the next one as well.
        """
        items = self.preview.items if self.preview else ()
        covered = {
            "agent": agent_id,
            "tool": self.tool,
            "class": self.tool_class.value,
            "path": self.target.path,
            "file_id": self.target.file_id,
            "cells": list(self.target.cell_ids),
            "kernel": self.target.kernel,
            "kernel_id": None if any_kernel else self.target.kernel_id,
            "details": list(self.details),
            "preview": _digest(part for i in items for part in (i.cell_id, i.text, i.old, i.new)),
        }
        canonical = json.dumps(covered, sort_keys=True, ensure_ascii=True, separators=(",", ":"))
        return "sha256:" + hashlib.sha256(canonical.encode()).hexdigest()


def _digest(texts: Iterable[str | None]) -> str:
    """Return the hash of texts in their order, of which there may be megabytes.

    As JSON they would take ten times as long, during which the event loop stands still.
    """
    found = hashlib.sha256()
    for text in texts:
        # Half of a surrogate pair is a text as well.
        part = None if text is None else text.encode("utf-8", "surrogatepass")
        found.update(b"null;" if part is None else b"%d:" % len(part))
        found.update(part or b"")
    return found.hexdigest()


@dataclass(frozen=True, slots=True)
class Option:
    """An answer offered to the person."""

    kind: OptionKind
    name: str
    until: str | None = None


@dataclass(frozen=True, slots=True)
class Decision:
    """What was decided about a call, by whom and why."""

    allowed: bool
    source: DecisionSource
    option: OptionKind | None = None
    by: str | None = None
    reason: str | None = None
    at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Question:
    """What running code asks the person for, as by Python's ``input()``.

    Parameters
    ----------
    id : str
        An answer names it: the next question of the same call has another one.
    prompt : str
        The code's own words.
    password : bool
        The answer is not to be shown.
    """

    id: str
    prompt: str
    password: bool = False


@dataclass(slots=True, eq=False)
class Call:
    """One request of an agent.

    Only the ledger changes a call, so that every change has a sequence number. `follows` is the
    id of an earlier call with the very same action, which this one waits for. Until `denied_until`
    the same request of the agent is denied without asking. `weight` is what its reply counts among
    those that are kept, 0 when it is not.
    """

    id: str
    agent_id: str
    agent_label: str
    tool: str
    tool_class: ToolClass
    arguments: dict[str, Any]
    created: datetime
    reason: str | None = None
    state: CallState = CallState.RECEIVED
    seq: int = 0
    summary: str = ""
    action: Action | None = None
    action_hash: str | None = None
    options: tuple[Option, ...] = ()
    changed: bool = False
    decision: Decision | None = None
    started: datetime | None = None
    ended: datetime | None = None
    expires: datetime | None = None
    progress: str | None = None
    question: Question | None = None
    error: str | None = None
    undoable: bool = False
    repeats: int = 1
    denied_until: datetime | None = None
    follows: str | None = None
    reply: Reply | None = None
    weight: int = 0
    task: asyncio.Task[None] | None = None

    @property
    def outcome(self) -> str | None:
        """``ok``, ``error``, ``denied`` or ``cancelled`` once the call has ended."""
        return OUTCOMES.get(self.state)
