"""What each call changed in a notebook, so that exactly that can be taken back later.

A change set holds what was there before and after, not positions in a history: it works after
the room was closed and opened again. Taking it back is a merge, so what a person wrote since
stays; and it is itself a change set, so it can be taken back as well.
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
"""How many change sets are kept, the latest."""

KEPT_BYTES = 50_000_000
"""How large they are together; figures that were cleared are in them. The latest stays always."""

LOOKED_AT = 200
"""Values of a list that are looked at to know how large all of them are."""


@dataclass(frozen=True, slots=True)
class Edited:
    """The text of a cell was changed."""

    cell_id: str
    before: str
    after: str


@dataclass(frozen=True, slots=True)
class Inserted:
    """A cell came; `content` is the whole cell."""

    cell_id: str
    content: dict[str, Any]


@dataclass(frozen=True, slots=True)
class Deleted:
    """A cell went; `content` is the whole cell, `previous` the cell before it."""

    cell_id: str
    content: dict[str, Any]
    previous: str | None
    following: str | None
    index: int


@dataclass(frozen=True, slots=True)
class Moved:
    """A cell changed its place; `previous` is the cell before its old one."""

    cell_id: str
    previous: str | None
    following: str | None
    index: int


@dataclass(frozen=True, slots=True)
class Retyped:
    """The type of a cell was changed; `content` is the whole cell before."""

    cell_id: str
    content: dict[str, Any]
    after: str


@dataclass(frozen=True, slots=True)
class Cleared:
    """Outputs of a cell were removed."""

    cell_id: str
    outputs: list[dict[str, Any]]
    execution_count: int | None


@dataclass(frozen=True, slots=True)
class Refilled:
    """Outputs of a cell were put back."""

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
    """Told when it was taken back, or was not after all."""
    _undone: bool = False

    @property
    def undone(self) -> bool:
        """Whether it was taken back."""
        return self._undone

    @undone.setter
    def undone(self, undone: bool) -> None:
        self._undone = undone
        if self.on_undone is not None:
            self.on_undone(self)

    @property
    def size(self) -> int:
        """About how many bytes its changes take; of small cells the texts are the least."""
        return round(sum(_size(getattr(made, n, "")) for made in self.changes for n in _HOLDING))


_HOLDING = ("before", "after", "content", "outputs")
"""Where a change has what may be large."""


def _size(value: Any) -> float:  # noqa: ANN401 - JSON
    """Return about how many bytes a value takes; of long lists only the start is looked at."""
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
        How many change sets are kept.

    Attributes
    ----------
    began : datetime
        Since when it knows what calls changed: before that, another server did.
    """

    def __init__(self, kept: int = KEPT) -> None:
        self._kept = kept
        self._sets: OrderedDict[str, ChangeSet] = OrderedDict()
        self._sizes: dict[str, int] = {}
        self._size = 0
        # At hand: each call that changes something asks for the oldest of them.
        self._undone: dict[str, None] = {}
        self._forgotten = False
        self.began = datetime.now(UTC)

    def add(self, made: ChangeSet) -> list[str]:
        """Remember what a call changed; return the calls that are forgotten for it."""
        forgotten: list[str] = []
        if not made.changes:
            return forgotten
        size = made.size
        self._size += size - self._sizes.get(made.call_id, 0)
        self._sets[made.call_id], self._sizes[made.call_id] = made, size
        made.on_undone = self._note
        self._note(made)
        while self._are_too_many():
            # What was taken back, or cannot be any more, makes way first.
            oldest = next(iter(self._undone), None) or next(iter(self._sets))
            self._sets.pop(oldest).on_undone = None
            self._size -= self._sizes.pop(oldest)
            self._undone.pop(oldest, None)
            forgotten.append(oldest)
            self._forgotten = True
        return forgotten

    def _note(self, made: ChangeSet) -> None:
        """Remember whether a change set was taken back."""
        self._undone.pop(made.call_id, None)
        if made.undone:
            self._undone[made.call_id] = None

    def _are_too_many(self) -> bool:
        large = len(self._sets) > 1 and self._size > KEPT_BYTES
        return large or len(self._sets) > self._kept

    @property
    def reach(self) -> str:
        """How far back changes are known, in words for the end of a sentence."""
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
                f"Call '{shown(call_id[:60])}' changed no notebook {self.reach}. What is not known "
                "here cannot be taken back."
            )
        return found

    def last(self, agent_id: str, file_id: str) -> ChangeSet | None:
        """Return the latest change of an agent in a file that was not taken back."""
        for made in reversed(self._sets.values()):
            if made.agent_id == agent_id and made.file_id == file_id and not made.undone:
                return made
        return None

    def all_undone(self, agent_id: str, file_id: str) -> bool:
        """Return whether an agent has changed a file, and all of that was taken back."""
        mine = [m for m in self._sets.values() if (m.agent_id, m.file_id) == (agent_id, file_id)]
        return bool(mine) and all(made.undone for made in mine)
