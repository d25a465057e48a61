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

from ..errors import ConflictError, NotFoundError
from . import cells
from .keystrokes import united
from .merge import MergeConflict, Splice, merge, splice
from .names import shown
from .values import well_formed
from .version import mark, without_trust

if TYPE_CHECKING:
    from collections.abc import Callable

    from .live import LiveNotebook

KEPT = 500
"""How many change sets are kept, the latest."""


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
    undone: bool = False


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
        self._forgotten = False
        self.began = datetime.now(UTC)

    def add(self, made: ChangeSet) -> list[str]:
        """Remember what a call changed; return the calls that are forgotten for it."""
        forgotten: list[str] = []
        if not made.changes:
            return forgotten
        self._sets[made.call_id] = made
        while len(self._sets) > self._kept:
            # What was taken back, or cannot be any more, makes way first.
            undone = next((call for call, old in self._sets.items() if old.undone), None)
            oldest = undone if undone is not None else next(iter(self._sets))
            del self._sets[oldest]
            forgotten.append(oldest)
            self._forgotten = True
        return forgotten

    @property
    def reach(self) -> str:
        """How far back changes are known, in words for the end of a sentence."""
        latest = f", or not among the latest {self._kept} changes" if self._forgotten else ""
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


def revert(notebook: LiveNotebook, made: ChangeSet, origin: str) -> list[Change]:
    """Take back what a call changed, all of it or nothing.

    Parameters
    ----------
    notebook : LiveNotebook
    made : ChangeSet
    origin : str
        Of the transaction.

    Returns
    -------
    list of Change
        What this has changed, for taking it back in turn; nothing where nothing was left of it.

    Raises
    ------
    ConflictError
        Somebody has changed the same lines since; nothing was taken back.
    """
    steps = [_plan(notebook, change) for change in reversed(made.changes)]
    # One transaction a step: the list of ids follows when a transaction ends, and the next step
    # needs it. Nothing is awaited in between, so nobody sees or writes the half of it.
    done = [step(origin) for step in steps]
    return [change for change in done if change is not None]


def taken_out(notebook: LiveNotebook, made: ChangeSet) -> list[str]:
    """Return the cells that `revert` takes out of their place, if only to put them elsewhere.

    And those whose outputs it clears.
    """
    return [
        change.cell_id
        for change in made.changes
        if notebook.index(change.cell_id) is not None
        and isinstance(change, Inserted | Moved | Refilled | Retyped)
        and not (isinstance(change, Inserted) and _written_in(notebook, change))
    ]


def texts(notebook: LiveNotebook, made: ChangeSet) -> list[tuple[str, str, str]]:
    """Return what `revert` would do to the texts of cells: the cell's id, its text before, after.

    Raises
    ------
    ConflictError
    """
    found = []
    for change in reversed(made.changes):
        present = notebook.source(change.cell_id)
        if isinstance(change, Deleted) and present is None:
            found.append((change.cell_id, "", _text(change.content)))
        elif isinstance(change, Edited | Inserted) and present is not None:
            if isinstance(change, Edited):
                base, wanted = change.after, change.before
            else:
                base, wanted = _text(change.content), ""
            splices = _merged(notebook, change.cell_id, base, wanted, present)
            found.append((change.cell_id, present, splice(present, splices)))
    return found


def _plan(notebook: LiveNotebook, change: Change) -> Callable[[str], Change | None]:
    """Check that a change can be taken back, and return what does it."""
    match change:
        case Edited():
            return _plan_text(notebook, change.cell_id, change.after, change.before)
        case Inserted():
            return _plan_removal(notebook, change)
        case Deleted():
            _check_restored(notebook, change)
            return lambda origin: _restore(notebook, change, origin)
        case Moved():
            return lambda origin: _move_back(notebook, change, origin)
        case Retyped():
            return lambda origin: _type_back(notebook, change, origin)
        case Cleared():
            return lambda origin: _outputs_back(notebook, change, origin)
        case Refilled():
            return lambda origin: _clear_again(notebook, change, origin)


def _plan_text(
    notebook: LiveNotebook, cell_id: str, base: str, wanted: str
) -> Callable[[str], Change | None]:
    present = notebook.source(cell_id)
    if present is None:
        # Somebody deleted the cell since: there is nothing to take back in it.
        return lambda _origin: None
    splices = _merged(notebook, cell_id, base, wanted, present)
    result = splice(present, splices)

    def do(origin: str) -> Change | None:
        if not splices or notebook.source(cell_id) is None:
            return None
        cells.edit(notebook, cell_id, splices, origin)
        return Edited(cell_id, present, result)

    return do


def _plan_removal(notebook: LiveNotebook, change: Inserted) -> Callable[[str], Change | None]:
    """Plan to remove an inserted cell, or what the agent wrote in it if a person wrote too."""
    if notebook.source(change.cell_id) is None:
        return lambda _origin: None
    if _written_in(notebook, change):
        return _plan_text(notebook, change.cell_id, _text(change.content), "")

    def do(origin: str) -> Change:
        content = cells.whole(notebook, change.cell_id)
        gone = Deleted(change.cell_id, content, *cells.neighbours(notebook, change.cell_id))
        cells.delete(notebook, [change.cell_id], origin)
        return gone

    return do


def _written_in(notebook: LiveNotebook, change: Inserted) -> bool:
    """Return whether more than what the agent wrote is in a cell that it inserted.

    Raises
    ------
    ConflictError
    """
    present, source = str(notebook.source(change.cell_id)), _text(change.content)
    if present == source:
        return False
    return bool(splice(present, _merged(notebook, change.cell_id, source, "", present)).strip())


def _merged(
    notebook: LiveNotebook, cell_id: str, base: str, wanted: str, present: str
) -> list[Splice]:
    try:
        return merge(base, wanted, present)
    except MergeConflict as conflict:
        raise ConflictError(
            f"Cell {notebook.position(cell_id)} was changed since, at the same place "
            f"(line {conflict.line}), so nothing was taken back. Both versions are kept as they "
            "are: edit the cell by hand."
        ) from None


def _check_restored(notebook: LiveNotebook, change: Deleted) -> None:
    """Make sure that a cell that is there again says all that it said as it was deleted."""
    present = notebook.source(change.cell_id)
    if present is not None and united(_text(change.content), present):
        raise ConflictError(
            f"Cell {notebook.position(change.cell_id)} is there again and says something else "
            "than when it was deleted, so nothing was taken back. Edit the cell by hand."
        )


def _restore(notebook: LiveNotebook, change: Deleted, origin: str) -> Change | None:
    if notebook.index(change.cell_id) is not None:
        return None
    at = cells.beside(notebook, change.previous, change.following, change.index)
    cells.insert_whole(notebook, at, change.content, origin)
    return Inserted(change.cell_id, change.content)


def _move_back(notebook: LiveNotebook, change: Moved, origin: str) -> Change | None:
    if notebook.index(change.cell_id) is None:
        return None
    now = Moved(change.cell_id, *cells.neighbours(notebook, change.cell_id))
    at = cells.beside(notebook, change.previous, change.following, change.index)
    if at in (now.index, now.index + 1):
        # Somebody moved it back already.
        return None
    cells.move(notebook, [change.cell_id], at, origin)
    return now


def _type_back(notebook: LiveNotebook, change: Retyped, origin: str) -> Change | None:
    if notebook.index(change.cell_id) is None:
        return None
    before = cells.whole(notebook, change.cell_id)
    if before.get("cell_type") != change.after:
        # Somebody gave it another type since: what it has belongs to that one.
        return None
    # Only what the change took away comes back; the rest is that of now, with what was typed,
    # tagged and attached since.
    metadata = without_trust(before.get("metadata", {}))
    if "trusted" in (old := change.content.get("metadata", {})):
        metadata["trusted"] = old["trusted"]
    now = {"source": before.get("source", ""), "metadata": metadata}
    # What the file did not have, and is still empty, it does not get.
    content = change.content | {k: v for k, v in now.items() if v or k in change.content}
    if "code" not in (before.get("cell_type"), content.get("cell_type")):
        content.pop("attachments", None)
        content |= {"attachments": before["attachments"]} if "attachments" in before else {}
    cells.replace(notebook, change.cell_id, content, origin)
    return Retyped(change.cell_id, before, str(change.content.get("cell_type")))


def _outputs_back(notebook: LiveNotebook, change: Cleared, origin: str) -> Change | None:
    cell_id, outputs, execution_count = change.cell_id, change.outputs, change.execution_count
    if _results(notebook, cell_id) != ([], None):
        # It ran since: what it has belongs to that run, and so would these.
        return None
    cells.set_outputs(notebook, cell_id, outputs, execution_count, origin)
    return Refilled(cell_id, outputs, execution_count)


def _clear_again(notebook: LiveNotebook, change: Refilled, origin: str) -> Change | None:
    cell_id, outputs, execution_count = change.cell_id, change.outputs, change.execution_count
    if mark(_results(notebook, cell_id)) != mark((outputs, execution_count)):
        return None
    cells.clear_outputs(notebook, [cell_id], origin)
    return Cleared(cell_id, outputs, execution_count)


def _results(
    notebook: LiveNotebook, cell_id: str
) -> tuple[list[dict[str, Any]], int | None] | None:
    """Return what a cell's last run left; None for no code cell, or one that runs now."""
    cell = notebook.cell(cell_id)
    if cell is None or cell["cell_type"] != "code" or cell.get("execution_state") == "running":
        return None
    content = cells.whole(notebook, cell_id)
    return content.get("outputs", []), content.get("execution_count")


def _text(content: dict[str, Any]) -> str:
    """Return the source of a whole cell as the document has it."""
    return well_formed(str(content.get("source", "")))
