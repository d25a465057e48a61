"""Tools that insert cells and change their text."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from functools import partial
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field

from ..calls.call import Action, PreviewItem, Reply, ToolClass
from ..errors import ConflictError, InvalidArgumentError
from ..notebooks import cells as live_cells
from ..notebooks import first_cell as blank
from ..notebooks.changes import Change, Edited, Retyped
from ..notebooks.live_notebook import LiveNotebook, agent_origin
from ..notebooks.locks import check_editable
from ..notebooks.merges import Merges, Texts
from ..render.marked import marked
from ..render.outputs import clip
from ..runtime.actions import Note, edit_action
from ..runtime.people import people_in
from ..runtime.services import CallContext
from ..runtime.tool import tool
from ..runtime.wording import Goal, cell_name, count, describe_position, file_name, line_change
from ..server.heavy_work import in_turn
from ..text.three_way_merge import MergeConflict, Splice, splice
from .arguments import (
    Cell,
    CellType,
    Lines,
    Notebook,
    Place,
    Source,
    check_length,
    normalize_newlines,
)

MAX_CELLS = 50
"""Maximum number of cells that one call inserts."""

MAX_EDITS = 1000
"""Maximum number of edits in one call of edit_cell; a larger change gives the cell a new source."""

MAX_AT_ONCE = 1_000_000
"""Maximum number of characters that all edits together search on the event loop.

A larger search runs in a thread.
"""

MERGES_AHEAD = 3
"""Maximum number of merges of a large text before the request, while somebody writes in it."""


FIELDS_ONLY = ConfigDict(
    extra="forbid", json_schema_extra=lambda schema: schema.pop("description", None)
)
"""No other fields, and no docstring in the list of tools: the names of the fields say it all."""


class CellInput(BaseModel):
    """A cell to insert."""

    model_config = FIELDS_ONLY

    source: Source
    type: CellType = "code"


class Edit(BaseModel):
    """One exact replacement."""

    model_config = FIELDS_ONLY

    old: Annotated[Lines, Field(examples=["x = 1"])]
    new: Annotated[Lines, Field(examples=["x = 2"])]


@tool(
    title="Insert cells",
    tool_class=ToolClass.EDIT,
    one_of=("source", "cells"),
)
async def insert_cell(
    ctx: CallContext,
    source: Source | None = None,
    cells: Annotated[list[CellInput], Field(max_length=MAX_CELLS)] | None = None,
    notebook: Notebook = None,
    type: CellType = "code",
    after: Place = None,
    before: Place = None,
    index: int | None = None,
) -> Reply:
    """Insert one cell (source, type) or several (cells).

    After or before a cell id, at index (0 = top), or at the end.
    """
    if (source is None) == (cells is None):
        raise InvalidArgumentError("Give either source or cells.")
    if cells is not None and not 1 <= len(cells) <= MAX_CELLS:
        raise InvalidArgumentError(f"Insert 1 to {MAX_CELLS} cells at once.")
    given = cells if cells is not None else [CellInput(source=str(source), type=type)]
    new = [live_cells.NewCell(cell.source, cell.type) for cell in given]
    nb = await ctx.open(notebook)
    goal: Goal

    def resolve() -> Action:
        nonlocal goal
        goal = describe_position(nb, after=after, before=before, index=index)
        items = tuple(
            PreviewItem(f"New {cell.type} cell", None, old="", new=cell.source) for cell in new
        )
        what = "a cell" if len(new) == 1 else count(len(new), "cell")
        summary = f"Insert {what} into {file_name(nb.path)}"
        kind = f"A new {new[0].type} cell" if len(new) == 1 else count(len(new), "new cell")
        where = Note(f"{kind}, {goal.words}.", (goal.key, *(cell.type for cell in new)))
        return edit_action("insert_cell", nb, (), summary, items, where)

    await ctx.permit(resolve, nb)
    changes = blank.insert(nb, goal.at, new, agent_origin(ctx.agent.id))
    for cell in new:
        ctx.saw(nb, cell.id, cell.source)
    ctx.record(nb, *changes)
    names = ", ".join(cell_name(nb, cell.id) for cell in new)
    return Reply.of(f"Inserted {names} in {nb.shown}.")


@tool(
    title="Overwrite a cell",
    tool_class=ToolClass.EDIT,
    destructive=True,
)
async def overwrite_cell_source(
    ctx: CallContext,
    cell: Cell,
    source: Source,
    notebook: Notebook = None,
    type: CellType | None = None,
) -> Reply:
    """Replace the source of a cell.

    What the user changed since you read it is merged in. If both changed a line, nothing is
    written.
    """
    nb = await ctx.open(notebook)
    cell_id = live_cells.find(nb, cell)
    return await _write(ctx, nb, cell_id, "overwrite_cell_source", source, new_type=type)


@tool(
    title="Edit a cell",
    tool_class=ToolClass.EDIT,
)
async def edit_cell(
    ctx: CallContext,
    cell: Cell,
    edits: Annotated[list[Edit], Field(max_length=MAX_EDITS)],
    notebook: Notebook = None,
) -> Reply:
    """Replace exact pieces of a cell's text: each must occur exactly once, or nothing changes."""
    if not edits:
        raise InvalidArgumentError("Give at least one edit: {old, new}.")
    nb = await ctx.open(notebook)
    cell_id = live_cells.find(nb, cell)
    # Edits apply to the present text, whatever version of it the agent has read.
    present = str(nb.source(cell_id))
    plain = [
        Edit(old=normalize_newlines(edit.old), new=normalize_newlines(edit.new)) for edit in edits
    ]
    name = cell_name(nb, cell_id)
    if len(present) * len(plain) < MAX_AT_ONCE:
        wanted = replace_all(normalize_newlines(present), plain, name)
    else:
        wanted = await asyncio.to_thread(
            in_turn, replace_all, normalize_newlines(present), plain, name
        )
    try:
        check_length(wanted)
    except ValueError as error:
        raise InvalidArgumentError(f"{error} Nothing was changed.") from None
    return await _write(ctx, nb, cell_id, "edit_cell", wanted, start=present)


def shown_text(text: str, most: int = 8000) -> str:
    """Return a text as a reply quotes it to show what a cell or a file now contains."""
    return marked("text", clip(text, most), text)


def replace_all(text: str, edits: list[Edit], name: str) -> str:
    """Return the text after exact replacements; each old text must occur exactly once.

    Raises
    ------
    InvalidArgumentError
    ConflictError
        An old text does not occur exactly once. The message quotes the present text.
    """
    result = text
    for number, edit in enumerate(edits, 1):
        which = f"Edit {number} of {len(edits)}" if len(edits) > 1 else "The edit"
        if not edit.old:
            raise InvalidArgumentError(f"{which} has an empty 'old'.")
        # `count` does not see occurrences that overlap; comparing `find` with `rfind` does.
        first, last = result.find(edit.old), result.rfind(edit.old)
        if first != last or first < 0:
            times = max(result.count(edit.old), 2)
            problem = "does not occur" if first < 0 else f"occurs {times} times"
            after = " after the preceding edits" if result != text else ""
            raise ConflictError(
                f"{which}: the old text {problem} in {name}{after}, so nothing was changed. It "
                "must occur exactly once; include more of the lines around it. The text is:\n"
                f"{shown_text(text, 4000)}"
            )
        result = result[:first] + edit.new + result[first + len(edit.old) :]
    return result


@dataclass(slots=True)
class _Plan:
    """How a write would change the present text."""

    present: str = ""
    result: str = ""
    splices: list[Splice] = field(default_factory=list)
    merged: bool = False


async def _write(
    ctx: CallContext,
    nb: LiveNotebook,
    cell_id: str,
    tool_name: str,
    wanted: str,
    *,
    start: str | None = None,
    new_type: CellType | None = None,
) -> Reply:
    """Give a cell the text that the agent wants, merged with its present text.

    The base of the merge is `start`, or else the text that the agent last saw of the cell.
    """
    plan = _Plan()
    known = ctx.known(nb, cell_id) if start is not None else _known_now(ctx, nb, cell_id)
    people = await people_in(ctx.services, nb) if new_type is not None else None
    merges = Merges()
    for _ in range(MERGES_AHEAD):
        # Somebody may type during a merge. If the last one is outdated, `resolve` merges again.
        present = str(nb.source(cell_id))
        await merges.ahead([(_base(start, known, present), wanted, present)])
        if nb.source(cell_id) in (present, None):
            break

    def resolve() -> Action:
        view = live_cells.view_by_id(nb, cell_id)
        if people is not None and new_type != view.type:
            people.check([cell_id], "changed", ctx.call)
        present = view.source
        base = _base(start, known, present)
        plan.present, plan.merged = present, present != (base if known is None else known)
        plan.splices = _merge(ctx, nb, cell_id, merges, (base, wanted, present))
        plan.result = splice(present, plan.splices)
        if plan.result != present or new_type not in (None, view.type):
            check_editable(nb, [cell_id], partial(cell_name, nb))
        title = f"Cell {nb.position(cell_id)}"
        item = PreviewItem(title, cell_id, old=present, new=plan.result)
        summary = f"Edit cell {nb.position(cell_id)} in {file_name(nb.path)}"
        # A cell that changes its type loses its outputs, so the person has to see that.
        retyped = [] if new_type in (None, view.type) else [Note(f"It becomes a {new_type} cell.")]
        return edit_action(tool_name, nb, (cell_id,), summary, (item,), *retyped)

    await ctx.permit(resolve, nb)
    origin = agent_origin(ctx.agent.id)
    changes: list[Change] = []
    old_type = live_cells.view_by_id(nb, cell_id).type
    try:
        if plan.present != plan.result:
            changes.append(Edited(cell_id, plan.present, plan.result))
            live_cells.edit(nb, cell_id, plan.splices, origin)
        if new_type is not None and new_type != old_type:
            changes.append(Retyped(cell_id, live_cells.whole(nb, cell_id), new_type))
            live_cells.retype(nb, cell_id, new_type, origin)
    finally:
        # Yjs keeps what was written before an exception, so that must be undoable as well.
        ctx.record(nb, *changes)
    ctx.saw(nb, cell_id, plan.result)
    return Reply.of(_written(nb, cell_id, plan, old_type, new_type))


def _known_now(ctx: CallContext, nb: LiveNotebook, cell_id: str) -> str | None:
    """Return the text of a cell from which the agent starts, which must be kept or present.

    What the agent saw long ago is no longer kept, but a change of it is still noticed. The present
    text takes its place at once, because a person may type while the call waits.

    Raises
    ------
    ConflictError
    """
    known = ctx.known(nb, cell_id)
    if known is None:
        check_fresh(ctx, nb, [cell_id], "written")
    return nb.source(cell_id) if known is None else known


def _base(start: str | None, known: str | None, present: str) -> str:
    """Return the base of the merge: the text that the agent started from."""
    return next(text for text in (start, known, present) if text is not None)


def _merge(
    ctx: CallContext, nb: LiveNotebook, cell_id: str, merges: Merges, texts: Texts
) -> list[Splice]:
    present = texts[-1]
    try:
        return merges.merge(*texts)
    except MergeConflict as conflict:
        ctx.saw(nb, cell_id, present)
        raise ConflictError(
            f"The user changed {cell_name(nb, cell_id)} since you read it, at a line that you also "
            f"change (line {conflict.line}). Nothing was written. It now reads:\n"
            f"{shown_text(present)}\n"
            "Take their change into account and call again."
        ) from None


def _written(
    nb: LiveNotebook, cell_id: str, plan: _Plan, old_type: str, new_type: str | None
) -> str:
    name = cell_name(nb, cell_id).capitalize()
    if new_type is not None and new_type != old_type:
        name += f", now {new_type},"
    if plan.present != plan.result:
        words = f"{name} changed: {line_change(plan.present, plan.result)}."
        kept = "both changes are kept"
    else:
        words = f"{name} {'keeps its text' if plan.merged else 'already has that text'}."
        kept = "your text adds nothing to that"
    if plan.merged:
        return (
            f"{words} The user had changed it since you read it; {kept}. It now reads:\n"
            f"{shown_text(plan.result)}"
        )
    return words


def check_fresh(ctx: CallContext, nb: LiveNotebook, ids: list[str], done: str) -> None:
    """Refuse to act on cells that somebody changed since this agent saw them.

    Raises
    ------
    ConflictError
        The message quotes the present text of the first such cell. The agent has then seen it.
    """
    for cell_id in ids:
        source = nb.source(cell_id)
        if source is not None and ctx.is_outdated(nb, cell_id, source):
            ctx.saw(nb, cell_id, source)
            raise ConflictError(
                f"The user changed {cell_name(nb, cell_id)} since you read it, so nothing was "
                f"{done}. It now reads:\n{shown_text(source)}\nCall again if you still "
                "want to."
            )
