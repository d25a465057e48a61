"""Tools that change whole cells: delete, move, clear outputs, undo."""

from __future__ import annotations

from contextlib import suppress
from functools import partial
from typing import Annotated

from pydantic import Field

from ..calls.call import Action, PreviewItem, Reply, ToolClass
from ..errors import ConflictError, InvalidArgumentError, NotFoundError, ToolError
from ..notebooks import cells as live_cells
from ..notebooks.cell_order import plain
from ..notebooks.changes import (
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
from ..notebooks.live_notebook import LiveNotebook, agent_origin
from ..notebooks.locks import check_deletable, check_editable
from ..notebooks.merges import Merges
from ..notebooks.output_slices import clear, to_its_end
from ..notebooks.prepared_update import Ahead
from ..notebooks.undo import look_ahead, taken_out, texts, to_merge
from ..runtime.actions import Note, edit_action
from ..runtime.change_messages import whats_back, whats_gone
from ..runtime.people import people_in
from ..runtime.services import CallContext
from ..runtime.tool import tool
from ..runtime.undo import undo_change_set
from ..runtime.wording import Goal, cell_name, cells_title, count, describe_position, file_name
from .arguments import Cells, Notebook, resolve_all
from .edit_cells import check_fresh


@tool(
    title="Delete cells",
    tool_class=ToolClass.EDIT,
    destructive=True,
)
async def delete_cell(ctx: CallContext, cells: Cells, notebook: Notebook = None) -> Reply:
    """Delete one or several cells.

    Refused if the user changed one since you read it: the reply then shows it.
    """
    nb = await ctx.open(notebook)
    ids = resolve_all(nb, cells)
    check_fresh(ctx, nb, ids, "deleted")
    people = await people_in(ctx.services, nb)

    def resolve() -> Action:
        check_deletable(nb, ids, partial(cell_name, nb))
        people.check(ids, "deleted", ctx.call)
        with nb.reading():
            items = tuple(
                PreviewItem(f"Cell {view.position}", view.id, old=view.source, new="")
                for view in (live_cells.view_by_id(nb, cell_id) for cell_id in ids)
            )
        summary = f"Delete {cells_title(nb, ids)} from {file_name(nb.path)}"
        return edit_action("delete_cell", nb, ids, summary, items)

    with Ahead(nb) as ahead:

        async def look_ahead() -> None:
            await ahead.read(ids)
            await ahead.arrange(live_cells.without(nb, ids), {}, len(ids))

        await ctx.permit(resolve, nb, look_ahead)
        names = ", ".join(cell_name(nb, cell_id) for cell_id in ids)
        changes = [
            Deleted(cell_id, content, *place)
            for cell_id, content, place in zip(
                ids, ahead.wholes(ids), live_cells.places(nb, ids), strict=True
            )
        ]
        gone = whats_gone(nb, changes)
        live_cells.delete(nb, ids, agent_origin(ctx.agent.id), ahead)
    ctx.record(nb, *changes)
    return Reply.of("\n".join([f"Deleted {names} from {nb.shown}.", *gone]))


@tool(title="Move cells", tool_class=ToolClass.EDIT)
async def move_cell(
    ctx: CallContext,
    cells: Cells,
    notebook: Notebook = None,
    after: str | None = None,
    before: str | None = None,
    index: int | None = None,
) -> Reply:
    """Move cells, in the order given, after or before a cell id, or to index (0 = top)."""
    nb = await ctx.open(notebook)
    ids = resolve_all(nb, cells)
    if after is None and before is None and index is None:
        raise InvalidArgumentError("Give the new position: after, before or index.")
    check_fresh(ctx, nb, ids, "moved")
    people = await people_in(ctx.services, nb)
    goal: Goal

    def resolve() -> Action:
        nonlocal goal
        people.check(ids, "moved", ctx.call)
        goal = describe_position(nb, after=after, before=before, index=index)
        summary = f"Move {cells_title(nb, ids)} in {file_name(nb.path)}"
        with nb.reading():
            items = tuple(
                PreviewItem(f"Cell {view.position}", view.id, text=view.source)
                for view in (live_cells.view_by_id(nb, cell_id) for cell_id in ids)
            )
        where = Note(f"New position: {goal.words}.", (goal.key,))
        return edit_action("move_cell", nb, ids, summary, items, where)

    with Ahead(nb) as ahead:

        async def look_ahead() -> None:
            await ahead.read(ids)
            # `resolve` reports what cannot be done.
            with suppress(ToolError):
                for cell_id in ids:
                    live_cells.find(nb, cell_id)
                place = live_cells.place(nb, after=after, before=before, index=index)
                _, wanted = live_cells.moved(nb, ids, place)
                recreated = dict(zip(ids, ahead.wholes(ids), strict=True))
                await ahead.arrange(wanted, recreated)

        await ctx.permit(resolve, nb, look_ahead)
        places = zip(ids, live_cells.places(nb, ids), strict=True)
        changes = [Moved(cell_id, *place) for cell_id, place in places]
        moved = live_cells.move(nb, ids, goal.at, agent_origin(ctx.agent.id), ahead)
    names = ", ".join(cell_name(nb, cell_id) for cell_id in ids)
    if not moved:
        return Reply.of(f"Nothing was moved. Already there: {names}.")
    ctx.record(nb, *changes)
    return Reply.of(f"Moved. Now: {names}.")


@tool(title="Clear outputs", tool_class=ToolClass.EDIT, destructive=True, idempotent=True)
async def clear_outputs(
    ctx: CallContext,
    cells: Annotated[str | list[str] | None, Field(description="Default: all.")] = None,
    notebook: Notebook = None,
) -> Reply:
    """Remove the outputs of the given cells, or of all."""
    nb = await ctx.open(notebook)
    named = None if cells is None else resolve_all(nb, cells)
    people = await people_in(ctx.services, nb)

    def code_cells() -> list[str]:
        """Return the code cells that exist now; they may change while the user decides.

        When all cells are cleared, running cells keep their outputs.
        """
        if named is not None:
            people.check_runs(named, "cleared")
            return [i for i in named if live_cells.view_by_id(nb, i).type == "code"]
        with nb.reading():
            kinds = [plain(cell, "cell_type")[0] for cell in nb.shared_cells()]
            code = [i for i, kind in zip(nb.ids, kinds, strict=True) if kind == "code"]
            return [cell_id for cell_id in code if not people.runs(cell_id)]

    def resolve() -> Action:
        ids = code_cells()
        what = "all cells" if cells is None else cells_title(nb, ids)
        summary = f"Clear the outputs of {what} in {file_name(nb.path)}"
        items = (PreviewItem(summary, text="Outputs are removed; the code stays."),)
        return edit_action("clear_outputs", nb, ids, summary, items)

    await ctx.permit(resolve, nb)
    changes: list[Change] = []

    async def work() -> None:
        async for part in clear(nb, code_cells(), agent_origin(ctx.agent.id), people.runs):
            changes.extend(part)

    try:
        with ctx.services.rooms.lease(nb):
            await to_its_end(work())
    finally:
        ctx.record(nb, *changes)
    words = f"Cleared the outputs of {count(len(changes), 'cell')} in {nb.shown}."
    if named is None and (running := [cell_id for cell_id in nb.ids if people.runs(cell_id)]):
        names = ", ".join(cell_name(nb, cell_id) for cell_id in running[:5])
        words += f" Running cells keep their outputs: {names}."
    return Reply.of(words)


@tool(title="Undo changes", tool_class=ToolClass.EDIT)
async def undo_changes(
    ctx: CallContext,
    notebook: Notebook = None,
    call: Annotated[
        str | None, Field(description=("Id of your call; default: your last change."))
    ] = None,
) -> Reply:
    """Undo exactly what one call of yours changed; what the user wrote since stays.

    An undo can be undone.
    """
    nb = await ctx.open(notebook)
    made = _change(ctx, nb, call)
    first = ctx.services.ledger.find(made.call_id)
    what = first.summary if first is not None else "a change"
    people = await people_in(ctx.services, nb)
    merges = Merges()
    await merges.ahead(to_merge(nb, made))

    def resolve() -> Action:
        if made.undone:
            raise ConflictError("It has already been undone.")
        out = taken_out(nb, made, merges)
        _check_unlocked(nb, made, out)
        people.check(out, "undone", ctx.call)
        summary = f"Undo: {what}"
        words = f"Undoes this in {nb.shown}: {what}."
        ids = tuple(change.cell_id for change in made.changes)
        items = tuple(
            PreviewItem(_title(nb, i), i, None, *pair) for i, *pair in texts(nb, made, merges)
        )
        note = Note(words if items else "", (made.call_id,))
        items = items or (PreviewItem(summary, text=words),)
        return edit_action("undo_changes", nb, ids, summary, items, note)

    with Ahead(nb) as ahead:

        async def look() -> None:
            await look_ahead(nb, made, merges, ahead)

        await ctx.permit(resolve, nb, look)
        changed = await _apply_undo(ctx, nb, made, merges, ahead)
    if not changed:
        return Reply.of(f"Nothing in {nb.shown} was changed, because nothing is left of: {what}.")
    return Reply.of("\n".join([f"Undone in {nb.shown}: {what}.", *whats_back(nb, changed)]))


async def _apply_undo(
    ctx: CallContext, nb: LiveNotebook, made: ChangeSet, merges: Merges, ahead: Ahead
) -> list[Change]:
    """Undo a change set, and note what the agent now knows about the changed texts."""
    others = [change for change in made.changes if not isinstance(change, Cleared | Refilled)]
    with nb.reading():
        before = {change.cell_id: nb.source(change.cell_id) for change in others}
    origin = agent_origin(ctx.agent.id)
    with ctx.services.rooms.lease(nb):
        changed = await undo_change_set(
            ctx.services,
            nb,
            made,
            ctx.call,
            origin,
            by=ctx.agent.id,
            merges=merges,
            ahead=ahead,
        )
    for cell_id, text in before.items():
        if (after := nb.source(cell_id)) is not None:
            ctx.wrote(nb, cell_id, text, after)
    return changed


def _check_unlocked(nb: LiveNotebook, made: ChangeSet, out: list[str]) -> None:
    """Refuse to undo changes in cells that the user has locked since.

    Raises
    ------
    LockedError
    """
    away, name = set(out), partial(cell_name, nb)
    with nb.reading():
        for change in made.changes:
            cell_id = change.cell_id
            if nb.index(cell_id) is None:
                continue
            if isinstance(change, Inserted) and cell_id in away:
                check_deletable(nb, [cell_id], name)
            elif isinstance(change, Edited | Inserted | Retyped):
                check_editable(nb, cell_id, name)


def _title(nb: LiveNotebook, cell_id: str) -> str:
    position = nb.position(cell_id)
    return "Deleted cell" if position is None else f"Cell {position}"


def _change(ctx: CallContext, nb: LiveNotebook, call_id: str | None) -> ChangeSet:
    changes = ctx.services.changes
    if call_id is None:
        made = changes.last(ctx.agent.id, nb.file_id)
        if made is None and changes.all_undone(ctx.agent.id, nb.file_id):
            raise NotFoundError(
                f"Everything that you changed in {nb.shown} has already been undone."
            )
        if made is None:
            raise NotFoundError(
                f"You have changed nothing in {nb.shown} {changes.reach}, so there is nothing to "
                "undo."
            )
        return made
    made = changes.get(call_id)
    if made.agent_id != ctx.agent.id or made.file_id != nb.file_id:
        raise NotFoundError(f"Call '{call_id}' is not a change that you made in {nb.shown}.")
    if made.undone:
        raise InvalidArgumentError(f"Call '{call_id}' has already been undone.")
    return made
