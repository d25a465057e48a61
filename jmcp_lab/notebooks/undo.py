"""Undo what one call changed in a notebook: a merge, so later changes by others stay."""

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
from ..text.rebase import union_merge
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
    """Undo what a call changed, all of it or nothing.

    Parameters
    ----------
    notebook : LiveNotebook
    made : ChangeSet
    origin : str
        The origin of the transaction.
    merges : Merges, optional
        Merges computed in advance; see `to_merge`.
    ahead : Ahead, optional
        Work done in advance; see `look_ahead`.

    Returns
    -------
    list of Change
        The resulting changes, so that this can be undone in turn; empty if nothing was left to
        undo.

    Raises
    ------
    ConflictError
        Somebody has changed the same lines since; nothing was undone.
    """
    merges = merges or Merges()
    steps = [_plan(notebook, change, merges) for change in reversed(made.changes)]
    # Nothing awaits in between, and pages receive all of it as one update. A page that saw a
    # notebook without cells for a moment would add one of its own.
    with notebook.together():
        done = _do(notebook, steps, origin, ahead)
    return [change for change in done if change is not None]


Step = Callable[[str], Change | None]
"""Undoes one change in a transaction with the given origin; returns the resulting change."""

Rearrangement = Callable[[Rearranging], Change | None]
"""Undoes one change of the order of cells, together with others of that kind."""


@dataclass(frozen=True, slots=True)
class _Rearranges:
    """A step that is computed together with its neighbours and then applied at once."""

    work: Rearrangement


async def look_ahead(notebook: LiveNotebook, made: ChangeSet, merges: Merges, ahead: Ahead) -> None:
    """Prepare the work of `revert` if cells must be put back and that takes long.

    Whether the undo is possible at all is decided by `revert`.
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
    """Perform the steps; consecutive steps that rearrange cells are applied together."""
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
    """Return the cells that `revert` removes from their place, even if only to move them.

    The result includes cells whose outputs `revert` clears.
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
    """Return the texts that an undo of a call has to merge now."""
    found = []
    for change in made.changes:
        if isinstance(change, Edited | Inserted):
            present = notebook.source(change.cell_id)
            if present is not None:
                found.append((*_wanted(change), present))
    return found


def _wanted(change: Edited | Inserted) -> tuple[str, str]:
    """Return the base text of an undo's merge, and the text that the undo wants instead."""
    if isinstance(change, Edited):
        return change.after, change.before
    return _text(change.content), ""


def texts(
    notebook: LiveNotebook, made: ChangeSet, merges: Merges | None = None
) -> list[tuple[str, str, str]]:
    """Return how `revert` would change the texts of cells: cell id, text before, text after.

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
    """Check that a change can be undone, and return the step that does it."""
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
        # Somebody has deleted the cell since, so there is nothing to undo in it.
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
    """Plan to remove an inserted cell, or only the agent's text if a person wrote there too."""
    if notebook.source(change.cell_id) is None:
        return lambda _origin: None
    if _written_in(notebook, change, merges):
        return _plan_text(notebook, change.cell_id, *_wanted(change), merges)
    return _Rearranges(lambda rows: rows.remove(change))


def _written_in(notebook: LiveNotebook, change: Inserted, merges: Merges) -> bool:
    """Return whether an inserted cell contains more than what the agent wrote.

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
            f"Cell {notebook.position(cell_id)} was changed later at the same place (line "
            f"{conflict.line}), so nothing was undone. Edit the cell instead."
        ) from None


def _check_restored(notebook: LiveNotebook, change: Deleted) -> None:
    """Check that a deleted cell that exists again has its old text."""
    present = notebook.source(change.cell_id)
    if present is not None and union_merge(_text(change.content), present):
        raise ConflictError(
            f"Cell {notebook.position(change.cell_id)} exists again, with another text than when "
            "it was deleted, so nothing was undone. Edit the cell instead."
        )


def _type_back(notebook: LiveNotebook, change: Retyped, origin: str) -> Change | None:
    if notebook.index(change.cell_id) is None:
        return None
    before = cells.whole(notebook, change.cell_id)
    if before.get("cell_type") != change.after:
        # Somebody has changed the type again since, and the content belongs to that type.
        return None
    # Restore only what the change removed. Everything else keeps its current state, including what
    # was typed, tagged and attached since.
    metadata = without_trust(before.get("metadata", {}))
    if "trusted" in (old := change.content.get("metadata", {})):
        metadata["trusted"] = old["trusted"]
    now = {"source": before.get("source", ""), "metadata": metadata}
    # Do not add a key that the file lacked and that is still empty.
    content = change.content | {k: v for k, v in now.items() if v or k in change.content}
    if "code" not in (before.get("cell_type"), content.get("cell_type")):
        content.pop("attachments", None)
        content |= {"attachments": before["attachments"]} if "attachments" in before else {}
    cells.replace(notebook, change.cell_id, content, origin)
    return Retyped(change.cell_id, before, str(change.content.get("cell_type")))


def _outputs_back(notebook: LiveNotebook, change: Cleared, origin: str) -> Change | None:
    cell_id, outputs, execution_count = change.cell_id, change.outputs, change.execution_count
    if _results(notebook, cell_id) != ([], None):
        # The cell has run since. Its outputs belong to that run, and so would the restored ones.
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
    """Return what each cell's last run left; None for non-code cells and running cells."""
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
    """Return the source of a whole cell in document form."""
    return well_formed(source_of(content))
