"""Record what each call changed in a notebook, so that exactly that can be undone later.

A change set stores the content before and after, not positions in a history, so it works after the
room was closed and reopened. Undoing it is a merge, so later changes by a person stay. The undo is
itself a change set, so it can be undone as well.
"""

from __future__ import annotations

from collections import OrderedDict
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from ..errors import NotFoundError
from ..files.names import shown

if TYPE_CHECKING:
    from collections.abc import Callable

KEPT = 500
"""Maximum number of change sets that are kept; the oldest go first."""

MAX_BYTES = 50_000_000
"""Maximum total size of change sets, which include cleared figures.

The latest one stays even if it is larger.
"""

LOOKED_AT = 200
"""Maximum number of list items inspected to estimate the size of a whole list."""


@dataclass(frozen=True, slots=True)
class Edited:
    """The text of a cell was changed."""

    cell_id: str
    before: str
    after: str


@dataclass(frozen=True, slots=True)
class Inserted:
    """A cell was added; `content` is the whole cell."""

    cell_id: str
    content: dict[str, Any]


@dataclass(frozen=True, slots=True)
class Deleted:
    """A cell was deleted; `content` is the whole cell, `previous` the cell before it."""

    cell_id: str
    content: dict[str, Any]
    previous: str | None
    following: str | None
    index: int


@dataclass(frozen=True, slots=True)
class Moved:
    """A cell was moved; `previous` is the cell before its old place."""

    cell_id: str
    previous: str | None
    following: str | None
    index: int


@dataclass(frozen=True, slots=True)
class Retyped:
    """The type of a cell was changed; `content` is the whole cell before that."""

    cell_id: str
    content: dict[str, Any]
    after: str


@dataclass(frozen=True, slots=True)
class Cleared:
    """The outputs of a cell were removed."""

    cell_id: str
    outputs: list[dict[str, Any]]
    execution_count: int | None


@dataclass(frozen=True, slots=True)
class Refilled:
    """The outputs of a cell were restored."""

    cell_id: str
    outputs: list[dict[str, Any]]
    execution_count: int | None


Change = Edited | Inserted | Deleted | Moved | Retyped | Cleared | Refilled


@dataclass(slots=True)
class ChangeSet:
    """Everything that one call changed in one notebook."""

    call_id: str
    agent_id: str
    file_id: str
    changes: list[Change] = field(default_factory=list)
    on_undone: Callable[[ChangeSet], None] | None = field(default=None, repr=False, compare=False)
    """Callback for when the set was undone, or when its undo was undone."""
    _undone: bool = False

    @property
    def undone(self) -> bool:
        """Whether the set was undone."""
        return self._undone

    @undone.setter
    def undone(self, undone: bool) -> None:
        self._undone = undone
        if self.on_undone is not None:
            self.on_undone(self)

    @property
    def size(self) -> int:
        """The approximate size in bytes; for small cells, overhead outweighs the texts."""
        return round(sum(_size(getattr(made, n, "")) for made in self.changes for n in _HOLDING))


_HOLDING = ("before", "after", "content", "outputs")
"""The attributes of a change that may be large."""


def _size(value: Any) -> float:  # noqa: ANN401 - JSON
    """Return the approximate size of a value in bytes; for long lists, inspect only the start."""
    total, waiting = 0.0, [(value, 1.0)]
    while waiting:
        part, times = waiting.pop()
        total += 50 * times
        if isinstance(part, str):
            total += len(part) * times
        elif isinstance(part, dict):
            total += sum(50 + len(str(key)) for key in part) * times
            waiting += [(each, times) for each in part.values()]
        elif isinstance(part, list | tuple) and part:
            looked = part[:LOOKED_AT]
            times *= len(part) / len(looked)
            waiting += [(each, times) for each in looked]
    return total


class Changes:
    """The change sets of this server, by call.

    Parameters
    ----------
    kept : int, optional
        Maximum number of change sets.

    Attributes
    ----------
    began : datetime
        The time of the server start; changes from before it are unknown.
    """

    def __init__(self, kept: int = KEPT) -> None:
        self._kept = kept
        self._sets: OrderedDict[str, ChangeSet] = OrderedDict()
        self._sizes: dict[str, int] = {}
        self._size = 0
        # Keep these in a dict of their own: each call that changes something needs the oldest one.
        self._undone: dict[str, None] = {}
        self._forgotten = False
        self.began = datetime.now(UTC)

    def add(self, made: ChangeSet) -> list[str]:
        """Record what a call changed; return the calls that are forgotten to make room."""
        forgotten: list[str] = []
        if not made.changes:
            return forgotten
        size = made.size
        self._size += size - self._sizes.get(made.call_id, 0)
        self._sets[made.call_id], self._sizes[made.call_id] = made, size
        made.on_undone = self._note
        self._note(made)
        while self._are_too_many():
            # Change sets that were undone go first.
            oldest = next(iter(self._undone), None) or next(iter(self._sets))
            self._sets.pop(oldest).on_undone = None
            self._size -= self._sizes.pop(oldest)
            self._undone.pop(oldest, None)
            forgotten.append(oldest)
            self._forgotten = True
        return forgotten

    def _note(self, made: ChangeSet) -> None:
        """Record whether a change set was undone."""
        self._undone.pop(made.call_id, None)
        if made.undone:
            self._undone[made.call_id] = None

    def _are_too_many(self) -> bool:
        large = len(self._sets) > 1 and self._size > MAX_BYTES
        return large or len(self._sets) > self._kept

    @property
    def reach(self) -> str:
        """How far back changes are known, as text for the end of a sentence."""
        latest = f", or not among the latest {len(self._sets)} changes" if self._forgotten else ""
        return (
            f"since the server started at {self.began:%H:%M} UTC on {self.began:%Y-%m-%d}{latest}"
        )

    def get(self, call_id: str) -> ChangeSet:
        """Return what a call changed.

        Raises
        ------
        NotFoundError
        """
        found = self._sets.get(call_id)
        if found is None:
            raise NotFoundError(
                f"Call '{shown(call_id[:60])}' changed no notebook {self.reach}. Other changes "
                "cannot be undone here."
            )
        return found

    def last(self, agent_id: str, file_id: str) -> ChangeSet | None:
        """Return an agent's latest change to a file that was not undone."""
        for made in reversed(self._sets.values()):
            if made.agent_id == agent_id and made.file_id == file_id and not made.undone:
                return made
        return None

    def all_undone(self, agent_id: str, file_id: str) -> bool:
        """Return whether an agent has changed a file, and all its changes were undone."""
        mine = [m for m in self._sets.values() if (m.agent_id, m.file_id) == (agent_id, file_id)]
        return bool(mine) and all(made.undone for made in mine)
