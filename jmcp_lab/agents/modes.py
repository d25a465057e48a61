"""The modes of an agent: what it may do without asking. One record a mode, in one table.

A new mode is one more record in `MODES`, and one in `src/model/modes.ts`, which has the words that
the panel shows. Everything else asks the records. The table is here and not in `permissions`: the
list of agents on disk, the checks of what a person enters and the ends by time are in this package,
which is a layer below the policy, and all of them need it.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Literal


class Verdict(StrEnum):
    """What happens to an action."""

    ALLOW = "allow"
    ASK = "ask"
    DENY = "deny"


ActionKind = Literal[
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
"""Kinds of action that a mode tells apart; `permissions.policy.kind_of` sorts actions into them."""

_A, _Q, _N = Verdict.ALLOW, Verdict.ASK, Verdict.DENY

_READS: dict[ActionKind, Verdict] = {"info": _A, "read": _A}


@dataclass(frozen=True, slots=True)
class Mode:
    """One mode. Two records are equal if they have the same value.

    Parameters
    ----------
    value : str
        Its name in the REST interface and on disk.
    label : str
        What people call it.
    told : str
        The sentence that tells an agent of this mode what it may do.
    rules : mapping of ActionKind to Verdict
        What it says to each kind of action.
    only_chosen : bool
        It needs notebooks that a person chose, and not all of them; elsewhere it asks.
    after_end : Mode or None
        The mode that an agent gets when the time of this one is over; None for a mode without end.
        A mode with an end cannot be chosen without one.
    known : bool
        This version knows it. False for a name that another version wrote into the list of agents:
        such an agent can do nothing until a person chooses another mode.
    """

    value: str
    label: str = field(compare=False)
    told: str = field(compare=False)
    rules: Mapping[ActionKind, Verdict] = field(compare=False)
    only_chosen: bool = field(default=False, compare=False)
    after_end: Mode | None = field(default=None, compare=False)
    known: bool = field(default=True, compare=False)

    @property
    def ends(self) -> bool:
        """Whether it ends by time."""
        return self.after_end is not None

    @property
    def keeps_end(self) -> bool:
        """Whether the end of an agent in this mode is kept; of an unknown mode nobody can tell."""
        return self.ends or not self.known

    def stricter_than(self, other: Mode) -> bool:
        """Return whether this mode allows less than another; an unknown mode allows nothing."""
        return _rank(self) < _rank(other)


LOOK = Mode(
    value="look",
    label="Look only",
    told="You may read; you may not change or run anything.",
    rules={
        **_READS,
        "inspect": _N,
        "inspect_used": _N,
        "edit": _N,
        "run": _N,
        "interrupt": _N,
        "kernel": _N,
        "create": _N,
        "overwrite": _N,
    },
)
ASK = Mode(
    value="ask",
    label="Ask for every change",
    told="You may read without asking; the user is asked about every change and every run.",
    rules={
        **_READS,
        "inspect": _Q,
        "inspect_used": _Q,
        "edit": _Q,
        "run": _Q,
        "interrupt": _A,
        "kernel": _Q,
        "create": _Q,
        "overwrite": _Q,
    },
)
EDIT = Mode(
    value="edit",
    label="Edit freely, ask to run",
    told="Edits happen at once; the user is asked about every run.",
    rules={
        **_READS,
        "inspect": _Q,
        "inspect_used": _A,
        "edit": _A,
        "run": _Q,
        "interrupt": _A,
        "kernel": _Q,
        "create": _A,
        "overwrite": _Q,
    },
)
AUTO = Mode(
    value="auto",
    label="Edit and run in chosen notebooks",
    told="In the chosen notebooks, edits and runs happen at once.",
    rules={
        **_READS,
        "inspect": _A,
        "inspect_used": _A,
        "edit": _A,
        "run": _A,
        "interrupt": _A,
        "kernel": _A,
        "create": _A,
        "overwrite": _Q,
    },
    only_chosen=True,
    after_end=EDIT,
)

MODES: dict[str, Mode] = {mode.value: mode for mode in (LOOK, ASK, EDIT, AUTO)}
"""All modes by value, the strictest first: the order says which of two is stricter."""

DEFAULT = EDIT
"""The mode of an agent for which nobody chose one."""

ELSEWHERE = ASK
"""The mode that counts outside the notebooks that were chosen for an agent."""

_VALUE = re.compile(r"[A-Za-z0-9_-]{1,40}")


def stored_mode(value: object) -> Mode:
    """Return the mode of a value that was read from disk.

    A value that this version does not know makes a mode that allows nothing and keeps the value.

    Raises
    ------
    ValueError
        It is not the name of a mode of any version.
    """
    if not isinstance(value, str) or not _VALUE.fullmatch(value):
        raise ValueError("no mode")
    unknown = Mode(value, value, "", dict.fromkeys(LOOK.rules, _N), known=False)
    return MODES.get(value, unknown)


def _rank(mode: Mode) -> int:
    return list(MODES).index(mode.value) if mode.known else -1
