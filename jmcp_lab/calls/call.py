"""The Call: one tool call of an agent, and the only record of its result.

Everything a person can do in the panel (allow, deny, stop, undo) applies to a Call, and every state
of a Call is visible there.
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
    """The kind of effect that a tool has; the server sets it and never takes it from a client."""

    INFO = "info"
    READ = "read"
    INSPECT = "inspect"
    EDIT = "edit"
    RUN = "run"
    KERNEL = "kernel"
    FILE = "file"


class CallState(StrEnum):
    """The state of a call."""

    RECEIVED = "received"
    WAITING = "waiting_for_approval"
    RUNNING = "running"
    DONE = "done"
    FAILED = "failed"
    DENIED = "denied"
    CANCELLED = "cancelled"

    @property
    def ended(self) -> bool:
        """Whether the call is over."""
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
    """The answers to a request, as named by the Agent Client Protocol."""

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
        The image in base64.
    mime_type : str
        For example ``image/png``.
    """

    data: str
    mime_type: str


@dataclass(frozen=True, slots=True)
class Reply:
    """What the agent gets back: text first, then images."""

    parts: tuple[TextPart | ImagePart, ...]
    is_error: bool = False

    @classmethod
    def of(cls, text: str, *, is_error: bool = False) -> Reply:
        """Return a reply with a single text."""
        return cls((TextPart(text),), is_error)

    @property
    def text(self) -> str:
        """All text parts, joined by newlines."""
        return "\n".join(part.text for part in self.parts if isinstance(part, TextPart))


@dataclass(frozen=True, slots=True)
class Target:
    """The object of a call.

    Parameters
    ----------
    path : str or None
        Path relative to the server's root.
    cell_ids : tuple of str
        The cells, in the order in which the call processes them.
    positions : tuple of int
        The positions of these cells when the call was resolved; the first cell is 1.
    kernel : str or None
        Name of the kernelspec.
    file_id : str or None
        The id of the notebook. It survives renames, and ends when another file replaces the
        notebook.
    kernel_id : str or None
        The running kernel that gets the code; None if none is running.
    """

    path: str | None = None
    cell_ids: tuple[str, ...] = ()
    positions: tuple[int, ...] = ()
    kernel: str | None = None
    file_id: str | None = None
    kernel_id: str | None = None


@dataclass(frozen=True, slots=True)
class PreviewItem:
    """One part of a preview: code that will run, or a text before and after."""

    title: str
    cell_id: str | None = None
    text: str | None = None
    old: str | None = None
    new: str | None = None


@dataclass(frozen=True, slots=True)
class Preview:
    """Exactly what a call will do, as a request card shows it.

    Parameters
    ----------
    kind : str
        ``code`` (items have `text` that will run), ``diff`` (items have `old` and `new`) or
        ``text`` (items describe what will happen).
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
        """The number of lines that will run or change."""
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
        The class of this particular call. A tool may have two classes (``use_notebook`` creates a
        file).
    summary : str
        A description in one line, such as ``Run cell 12 in sales.ipynb``.
    target : Target
    preview : Preview or None
    guarded : str or None
        Why this action always asks and no grant may cover it, or None.
    interrupt : bool
        Whether it interrupts a kernel, which is allowed where starting one would ask.
    creates : bool
        Whether the file does not exist yet; overwriting asks where creating does not.
    used_kernel : bool
        Whether somebody has run code in the kernel, or allowed it. Inspecting an unused kernel asks
        where inspecting a used one does not.
    details : tuple of str
        What the preview describes, by ids, because positions of cells may change while a person
        reads.
    others : tuple of str
        Paths of other notebooks that use the same kernel.
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
            Exclude the running kernel: a denial applies to the next kernel as well.
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
    """Return the hash of a sequence of texts, which may have megabytes.

    Hashing them as JSON would take ten times as long, and would block the event loop.
    """
    found = hashlib.sha256()
    for text in texts:
        # A lone surrogate can be part of a text as well.
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
    """The decision about a call, who made it and why."""

    allowed: bool
    source: DecisionSource
    option: OptionKind | None = None
    by: str | None = None
    reason: str | None = None
    at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Question:
    """A question from running code to the person, as by Python's ``input()``.

    Parameters
    ----------
    id : str
        An answer refers to it; each question of a call has another one.
    prompt : str
        The code's own text.
    password : bool
        Whether the answer must be hidden.
    """

    id: str
    prompt: str
    password: bool = False


@dataclass(slots=True, eq=False)
class Call:
    """One tool call of an agent.

    Only the ledger changes a call, so that every change has a sequence number. `follows` is the id
    of an earlier call with the same action, for which this one waits. Until `denied_until`, the
    same action of the agent is denied without asking. `weight` is the size of its reply among the
    kept replies, or 0 if the reply is not kept. A call that `attaches` only waits for another one.
    `also` has other classes whose effects the call has as well.
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
    attaches: bool = False
    also: tuple[ToolClass, ...] = ()
    task: asyncio.Task[None] | None = None

    @property
    def classes(self) -> tuple[ToolClass, ...]:
        """All classes whose effects the call has."""
        return (self.tool_class, *self.also)

    @property
    def outcome(self) -> str | None:
        """``ok``, ``error``, ``denied`` or ``cancelled`` once the call has ended."""
        return OUTCOMES.get(self.state)
