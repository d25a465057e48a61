"""Taking back what one call changed in a notebook: a merge, so what others wrote since stays."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ..errors import ConflictError
from . import cells
from .cell_form import source_of
from .changes import (
    Change,
    ChangeSet,
    Cleared,
    Deleted,
    Edited,
    Inserted,
    Moved,
    Refilled,
    Retyped,
)
from .keystrokes import united
from .merge import MergeConflict, Splice, merge, splice
from .values import well_formed
from .version import mark, without_trust

if TYPE_CHECKING:
    from collections.abc import Callable

    from .live import LiveNotebook


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
    # needs it. Nothing is awaited in between, and pages hear of all of it at once: one that saw a
    # notebook without cells for a moment would give it one of its own.
    with notebook.together():
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
    return well_formed(source_of(content))
