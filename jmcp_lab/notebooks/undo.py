"""Taking back what one call changed in a notebook: a merge, so what others wrote since stays."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from itertools import groupby
from typing import TYPE_CHECKING, Any

from ..codec.cell_form import source_of
from ..codec.fingerprint import mark, without_trust
from ..codec.values import well_formed
from ..errors import ConflictError
from ..text.rebase import united
from ..text.three_way_merge import MergeConflict, Splice, splice
from . import cells
from .cell_order import plain
from .changes import Change, ChangeSet, Cleared, Deleted, Edited, Inserted, Moved, Refilled, Retyped
from .merges import Merges, Texts
from .rearranging import Rearranging

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pycrdt import Map

    from .live_notebook import LiveNotebook
    from .prepared_update import Ahead


def revert(
    notebook: LiveNotebook,
    made: ChangeSet,
    origin: str,
    merges: Merges | None = None,
    ahead: Ahead | None = None,
) -> list[Change]:
    """Take back what a call changed, all of it or nothing.

    Parameters
    ----------
    notebook : LiveNotebook
    made : ChangeSet
    origin : str
        Of the transaction.
    merges : Merges, optional
        What was merged ahead of this; see `to_merge`.
    ahead : Ahead, optional
        What was worked out before; see `look_ahead`.

    Returns
    -------
    list of Change
        What this has changed, for taking it back in turn; nothing where nothing was left of it.

    Raises
    ------
    ConflictError
        Somebody has changed the same lines since; nothing was taken back.
    """
    merges = merges or Merges()
    steps = [_plan(notebook, change, merges) for change in reversed(made.changes)]
    # Nothing is awaited in between, and pages hear of all of it at once: one that saw a notebook
    # without cells for a moment would give it one of its own.
    with notebook.together():
        done = _do(notebook, steps, origin, ahead)
    return [change for change in done if change is not None]


Step = Callable[[str], Change | None]
"""Takes one change back, in a transaction of some origin; returns what that changes in turn."""

Rearrangement = Callable[[Rearranging], Change | None]
"""Takes one change of where cells are back, among others of the kind."""


@dataclass(frozen=True, slots=True)
class _Rearranges:
    """A step that is worked out with those before and after it, and then done at once."""

    work: Rearrangement


async def look_ahead(notebook: LiveNotebook, made: ChangeSet, merges: Merges, ahead: Ahead) -> None:
    """Work out what `revert` is going to do, as far as that takes long, where cells are put back.

    Whether it can be done at all is for `revert` to say.
    """
    if not all(isinstance(change, Deleted | Inserted | Moved) for change in made.changes):
        return
    await ahead.read([c.cell_id for c in made.changes if isinstance(c, Inserted | Moved)])
    with suppress(ConflictError):
        steps = [_plan(notebook, change, merges) for change in reversed(made.changes)]
        rearranging = Rearranging(notebook, ahead)
        for step in steps:
            if not isinstance(step, _Rearranges):
                return
            step.work(rearranging)
        await rearranging.work_out()


def _do(
    notebook: LiveNotebook,
    steps: list[Step | _Rearranges],
    origin: str,
    ahead: Ahead | None = None,
) -> list[Change | None]:
    """Take the steps, those that rearrange cells and follow each other at once."""
    done: list[Change | None] = []
    for rearranges, same in groupby(steps, lambda step: isinstance(step, _Rearranges)):
        if rearranges:
            rearranging = Rearranging(notebook, ahead)
            done += [step.work(rearranging) for step in same if isinstance(step, _Rearranges)]
            rearranging.apply(origin)
        else:
            done += [step(origin) for step in same if not isinstance(step, _Rearranges)]
    return done


def taken_out(notebook: LiveNotebook, made: ChangeSet, merges: Merges | None = None) -> list[str]:
    """Return the cells that `revert` takes out of their place, if only to put them elsewhere.

    And those whose outputs it clears.
    """
    merges = merges or Merges()
    return [
        change.cell_id
        for change in made.changes
        if notebook.index(change.cell_id) is not None
        and isinstance(change, Inserted | Moved | Refilled | Retyped)
        and not (isinstance(change, Inserted) and _written_in(notebook, change, merges))
    ]


def to_merge(notebook: LiveNotebook, made: ChangeSet) -> list[Texts]:
    """Return what has to be merged to take a call back, as it is now."""
    found = []
    for change in made.changes:
        if isinstance(change, Edited | Inserted):
            present = notebook.source(change.cell_id)
            if present is not None:
                found.append((*_wanted(change), present))
    return found


def _wanted(change: Edited | Inserted) -> tuple[str, str]:
    """Return what a text was, and what taking the change back wants instead."""
    if isinstance(change, Edited):
        return change.after, change.before
    return _text(change.content), ""


def texts(
    notebook: LiveNotebook, made: ChangeSet, merges: Merges | None = None
) -> list[tuple[str, str, str]]:
    """Return what `revert` would do to the texts of cells: the cell's id, its text before, after.

    Raises
    ------
    ConflictError
    """
    found = []
    merges = merges or Merges()
    for change in reversed(made.changes):
        if not isinstance(change, Deleted | Edited | Inserted):
            continue
        present = notebook.source(change.cell_id)
        if isinstance(change, Deleted) and present is None:
            found.append((change.cell_id, "", _text(change.content)))
        elif isinstance(change, Edited | Inserted) and present is not None:
            splices = _merged(notebook, change.cell_id, *_wanted(change), present, merges)
            found.append((change.cell_id, present, splice(present, splices)))
    return found


def _plan(notebook: LiveNotebook, change: Change, merges: Merges) -> Step | _Rearranges:
    """Check that a change can be taken back, and return what does it."""
    match change:
        case Edited():
            return _plan_text(notebook, change.cell_id, *_wanted(change), merges)
        case Inserted():
            return _plan_removal(notebook, change, merges)
        case Deleted():
            _check_restored(notebook, change)
            return _Rearranges(lambda rows: rows.restore(change))
        case Moved():
            return _Rearranges(lambda rows: rows.move_back(change))
        case Retyped():
            return lambda origin: _type_back(notebook, change, origin)
        case Cleared():
            return lambda origin: _outputs_back(notebook, change, origin)
        case Refilled():
            return lambda origin: _clear_again(notebook, change, origin)


def _plan_text(
    notebook: LiveNotebook, cell_id: str, base: str, wanted: str, merges: Merges
) -> Step:
    present = notebook.source(cell_id)
    if present is None:
        # Somebody deleted the cell since: there is nothing to take back in it.
        return lambda _origin: None
    splices = _merged(notebook, cell_id, base, wanted, present, merges)
    result = splice(present, splices)

    def do(origin: str) -> Change | None:
        if not splices or notebook.source(cell_id) is None:
            return None
        cells.edit(notebook, cell_id, splices, origin)
        return Edited(cell_id, present, result)

    return do


def _plan_removal(notebook: LiveNotebook, change: Inserted, merges: Merges) -> Step | _Rearranges:
    """Plan to remove an inserted cell, or what the agent wrote in it if a person wrote too."""
    if notebook.source(change.cell_id) is None:
        return lambda _origin: None
    if _written_in(notebook, change, merges):
        return _plan_text(notebook, change.cell_id, *_wanted(change), merges)
    return _Rearranges(lambda rows: rows.remove(change))


def _written_in(notebook: LiveNotebook, change: Inserted, merges: Merges) -> bool:
    """Return whether more than what the agent wrote is in a cell that it inserted.

    Raises
    ------
    ConflictError
    """
    present, source = str(notebook.source(change.cell_id)), _text(change.content)
    if present == source:
        return False
    splices = _merged(notebook, change.cell_id, source, "", present, merges)
    return bool(splice(present, splices).strip())


def _merged(
    notebook: LiveNotebook, cell_id: str, base: str, wanted: str, present: str, merges: Merges
) -> list[Splice]:
    try:
        return merges.merge(base, wanted, present)
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


def _results(notebook: LiveNotebook, cell_id: str) -> cells.Results | None:
    return results(notebook, [cell_id])[cell_id]


def results(notebook: LiveNotebook, cell_ids: Sequence[str]) -> dict[str, cells.Results | None]:
    """Return what each cell's last run left; None for no code cell, or one that runs now."""
    found: dict[str, cells.Results | None] = dict.fromkeys(cell_ids)
    still = [cell_id for cell_id in cell_ids if _is_still(notebook.cell(cell_id))]
    for cell_id, content in zip(still, cells.wholes(notebook, still), strict=True):
        found[cell_id] = content.get("outputs", []), content.get("execution_count")
    return found


def _is_still(cell: Map[Any] | None) -> bool:
    if cell is None:
        return False
    kind, state = plain(cell, "cell_type", "execution_state")
    return bool(kind == "code" and state != "running")


def _text(content: dict[str, Any]) -> str:
    """Return the source of a whole cell as the document has it."""
    return well_formed(source_of(content))
