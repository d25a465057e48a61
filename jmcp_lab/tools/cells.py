"""Tools that read and change cells."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from ..calls.call import Action, Preview, PreviewItem, Reply, Target, TextPart, ToolClass
from ..errors import ConflictError, InvalidArgumentError
from ..notebooks import cells as live_cells
from ..notebooks.live import LiveNotebook, agent_origin
from ..notebooks.merge import MergeConflict, merge, splice
from ..notebooks.outputs import read_outputs
from .render import CellOutputs, clip, outline, render_page
from .replies import budget, pages_of, render
from .services import Context
from .tool import tool
from .wording import (
    cell_name,
    cells_title,
    count,
    file_name,
    header,
    line_change,
    short_id,
    short_ids,
    status,
)

if TYPE_CHECKING:
    from collections.abc import Callable

Notebook = Annotated[str | None, Field(description="Path; your current notebook when left out.")]
Cell = Annotated[str, Field(description="Cell id, or a unique start of one.")]
Cells = Annotated[str | list[str], Field(description="One cell id or several.")]
CellType = Literal["code", "markdown", "raw"]

FIRST_LINE = 80
"""Characters of a cell's first line in an outline."""


class CellInput(BaseModel):
    """A cell to insert."""

    model_config = ConfigDict(extra="forbid")

    source: str
    type: CellType = "code"


class Edit(BaseModel):
    """One exact replacement."""

    model_config = ConfigDict(extra="forbid")

    old: str
    new: str


# -- reading -----------------------------------------------------------------------------------


@tool(
    title="List cells",
    tool_class=ToolClass.READ,
    read_only=True,
    idempotent=True,
)
async def list_cells(
    ctx: Context,
    notebook: Notebook = None,
    start: Annotated[int, Field(ge=1, description="First position, from 1.")] = 1,
    limit: Annotated[int, Field(ge=1, le=500)] = 100,
) -> Reply:
    """Outline of a notebook, a line a cell: position, id, type, state, first line, outputs.

    Page with start and limit.
    """
    nb = await ctx.open(notebook)
    size = len(nb.ids)
    names = short_ids(nb)
    lines = [f"{nb.path} · {count(size, 'cell')} · {nb.kernel_name or 'no kernel named'}"]
    last = min(start - 1 + limit, size)
    budget = ctx.services.limits.text
    for index in range(start - 1, last):
        line = _outline(ctx, nb, index, names)
        budget -= len(line) + 1
        if budget < 0:
            last = index
            break
        lines.append(line)
    if last < size:
        lines.append(f"… {count(size - last, 'more cell')}; list_cells(start={last + 1}) goes on.")
    return Reply.of("\n".join(lines))


def _outline(ctx: Context, nb: LiveNotebook, index: int, names: dict[str, str]) -> str:
    view = live_cells.view(nb, index)
    ctx.saw(nb, view.id, view.source)
    first, _, rest = view.source.strip().partition("\n")
    first = first[:FIRST_LINE] + ("…" if rest or len(first) > FIRST_LINE else "")
    words = f"{view.position} {names[view.id]} {view.type}"
    if view.type == "code":
        words += f" {status(view)}"
        outputs = nb.ycells[index]["outputs"]
        if len(outputs):
            return f"{words}: {first} → {outline(read_outputs(nb.ycells[index]))}"
    return f"{words}: {first}"


@tool(
    title="Read a cell",
    tool_class=ToolClass.READ,
    read_only=True,
    idempotent=True,
)
async def read_cell(
    ctx: Context,
    cell: Cell,
    notebook: Notebook = None,
    outputs: bool = True,
    output: Annotated[int | None, Field(ge=1)] = None,
    offset: Annotated[int, Field(ge=0)] = 0,
) -> Reply:
    """One cell with its outputs.

    A long output is cut in the middle: give output (its number, from 1) and offset to page it.
    """
    nb = await ctx.open(notebook)
    cell_id = live_cells.find(nb, cell)
    if output is not None:
        found = read_outputs(live_cells.shared(nb, cell_id))
        return Reply(tuple(render_page(found, output, offset, budget(ctx.services.limits))))
    return await _read(ctx, nb, [cell_id], outputs=outputs)


@tool(
    title="Read cells",
    tool_class=ToolClass.READ,
    read_only=True,
    idempotent=True,
)
async def read_cells(
    ctx: Context,
    notebook: Notebook = None,
    cells: Annotated[list[str] | str | None, Field(description="Cell ids.")] = None,
    start: Annotated[int, Field(ge=1)] = 1,
    limit: Annotated[int, Field(ge=1, le=500)] = 100,
    outputs: bool = True,
) -> Reply:
    """Read several cells, or all from start, with outputs.

    As far as one reply reaches; it says where to go on.
    """
    nb = await ctx.open(notebook)
    if cells is not None:
        return await _read(ctx, nb, _resolve(nb, cells), outputs=outputs)
    ids = nb.ids[start - 1 : start - 1 + limit]
    return await _read(ctx, nb, ids, outputs=outputs, start=start)


async def _read(
    ctx: Context, nb: LiveNotebook, ids: list[str], *, outputs: bool, start: int | None = None
) -> Reply:
    """Return cells as far as the budget reaches; sources go before outputs."""
    limits = ctx.services.limits
    room = limits.text
    shown: list[CellOutputs] = []
    left_out = 0
    for number, cell_id in enumerate(ids):
        view = live_cells.view_by_id(nb, cell_id)
        hint = f"read_cell(cell='{short_id(nb, cell_id)}')"
        text = view.source
        if number and len(text) + 200 > room:
            left_out = len(ids) - number
            break
        text = clip(text, max(room - 200, 1000), hint=hint)
        ctx.saw(nb, cell_id, view.source)
        body = f"{header(nb, view)}\n{text}" if text else header(nb, view)
        room -= len(body) + 2
        found = read_outputs(live_cells.shared(nb, cell_id)) if outputs else []
        shown.append(CellOutputs(body, found if view.type == "code" else [], pages_of(nb, cell_id)))
    title = f"{nb.path} · {count(len(nb.ids), 'cell')}"
    parts = await render(shown, limits)
    if left_out:
        onwards = f"start={start + len(shown)}" if start is not None else "the other ids"
        parts.append(
            TextPart(f"… {count(left_out, 'more cell')}; read_cells with {onwards} goes on.")
        )
    return Reply((TextPart(title), *parts))


def _resolve(nb: LiveNotebook, refs: str | list[str]) -> list[str]:
    """Return the ids that are meant, each once, in the order given."""
    found = [live_cells.find(nb, ref) for ref in ([refs] if isinstance(refs, str) else refs)]
    if not found:
        raise InvalidArgumentError("Name at least one cell; list_cells shows the ids.")
    return list(dict.fromkeys(found))


# -- changing ----------------------------------------------------------------------------------


@tool(
    title="Insert cells",
    tool_class=ToolClass.EDIT,
)
async def insert_cell(
    ctx: Context,
    source: str | None = None,
    cells: list[CellInput] | None = None,
    notebook: Notebook = None,
    type: CellType = "code",
    after: str | None = None,
    before: str | None = None,
    index: int | None = None,
) -> Reply:
    """Insert one cell (source, type) or several (cells).

    After or before a cell id, at index (0 = top), or at the end.
    """
    if (source is None) == (cells is None):
        raise InvalidArgumentError("Give either source or cells.")
    if cells is not None and not 1 <= len(cells) <= 50:
        raise InvalidArgumentError("Insert 1 to 50 cells at once.")
    given = cells if cells is not None else [CellInput(source=str(source), type=type)]
    new = [live_cells.NewCell(cell.source, cell.type) for cell in given]
    nb = await ctx.open(notebook)

    def resolve() -> Action:
        live_cells.place(nb, after=after, before=before, index=index)
        items = tuple(PreviewItem("New cell", None, old="", new=cell.source) for cell in new)
        what = "a cell" if len(new) == 1 else f"{len(new)} cells"
        return _edit_action(
            "insert_cell", nb, (), f"Insert {what} into {file_name(nb.path)}", items
        )

    await ctx.permit(resolve, nb)
    at = live_cells.place(nb, after=after, before=before, index=index)
    live_cells.insert(nb, at, new, agent_origin(ctx.agent.id))
    for cell in new:
        ctx.saw(nb, cell.id, cell.source)
    names = ", ".join(cell_name(nb, cell.id) for cell in new)
    return Reply.of(f"Inserted {names} in {nb.path}.")


@tool(
    title="Overwrite a cell",
    tool_class=ToolClass.EDIT,
    destructive=True,
)
async def overwrite_cell_source(
    ctx: Context,
    cell: Cell,
    source: str,
    notebook: Notebook = None,
    type: CellType | None = None,
) -> Reply:
    """Give a cell a new source.

    What the user changed since you read it is merged in. A line changed on both sides is a
    conflict, and nothing is written.
    """
    nb = await ctx.open(notebook)
    cell_id = live_cells.find(nb, cell)
    return await _write(ctx, nb, cell_id, "overwrite_cell_source", lambda _base: source, type)


@tool(
    title="Edit a cell",
    tool_class=ToolClass.EDIT,
)
async def edit_cell(
    ctx: Context, cell: Cell, edits: list[Edit], notebook: Notebook = None
) -> Reply:
    """Replace exact pieces of a cell's text: each old must occur exactly once.

    All edits are done or none.
    """
    if not edits:
        raise InvalidArgumentError("Give at least one edit: {old, new}.")
    nb = await ctx.open(notebook)
    cell_id = live_cells.find(nb, cell)
    present = str(nb.source(cell_id))
    # The pieces are looked for in the present text: it is what the agent says it has read.
    ctx.saw(nb, cell_id, present)
    name = cell_name(nb, cell_id)
    return await _write(
        ctx, nb, cell_id, "edit_cell", lambda base: _replace_all(base, edits, name), None
    )


def _replace_all(text: str, edits: list[Edit], name: str) -> str:
    for number, edit in enumerate(edits, 1):
        which = f"Edit {number} of {len(edits)}" if len(edits) > 1 else "The edit"
        if not edit.old:
            raise InvalidArgumentError(f"{which} has an empty old text.")
        found = text.count(edit.old)
        if found != 1:
            problem = "does not occur" if not found else f"occurs {found} times"
            raise ConflictError(
                f"{which}: old {problem} in {name}, so nothing was changed. It must occur exactly "
                f"once; give more of the lines around it. The cell now reads:\n{clip(text, 4000)}"
            )
        text = text.replace(edit.old, edit.new)
    return text


@dataclass(slots=True)
class _Plan:
    """What a write would do to the present text."""

    present: str = ""
    result: str = ""
    merged: bool = False


async def _write(
    ctx: Context,
    nb: LiveNotebook,
    cell_id: str,
    tool_name: str,
    wanted: Callable[[str], str],
    new_type: CellType | None,
) -> Reply:
    """Give a cell a new text: from what the agent last saw, merged with what is there now."""
    plan = _Plan()
    known = ctx.known(nb, cell_id)

    def resolve() -> Action:
        present = live_cells.view_by_id(nb, cell_id).source
        base = present if known is None else known
        plan.present, plan.merged = present, base != present
        plan.result = splice(present, _merge(ctx, nb, cell_id, base, wanted(base), present))
        title = f"Cell {nb.position(cell_id)}"
        item = PreviewItem(title, cell_id, old=present, new=plan.result)
        summary = f"Edit cell {nb.position(cell_id)} in {file_name(nb.path)}"
        return _edit_action(tool_name, nb, (cell_id,), summary, (item,))

    await ctx.permit(resolve, nb)
    origin = agent_origin(ctx.agent.id)
    old_type = live_cells.view_by_id(nb, cell_id).type
    live_cells.edit(nb, cell_id, merge(plan.present, plan.result, plan.present), origin)
    if new_type is not None and new_type != old_type:
        live_cells.retype(nb, cell_id, new_type, origin)
    ctx.saw(nb, cell_id, plan.result)
    return Reply.of(_written(nb, cell_id, plan, old_type, new_type))


def _merge(
    ctx: Context, nb: LiveNotebook, cell_id: str, base: str, wanted: str, present: str
) -> list[Any]:
    try:
        return list(merge(base, wanted, present))
    except MergeConflict as conflict:
        ctx.saw(nb, cell_id, present)
        raise ConflictError(
            f"The user changed {cell_name(nb, cell_id)} since you read it, at a line that you "
            f"change too (line {conflict.line}). Nothing was written. It now reads:\n"
            f"{clip(present, 8000)}\nTake their change into account and call again."
        ) from None


def _written(
    nb: LiveNotebook, cell_id: str, plan: _Plan, old_type: str, new_type: str | None
) -> str:
    name = cell_name(nb, cell_id).capitalize()
    if new_type is not None and new_type != old_type:
        name += f", now {new_type},"
    if plan.present == plan.result:
        return f"{name} has that text already." if new_type in (None, old_type) else f"{name} done."
    words = f"{name} changed: {line_change(plan.present, plan.result)}."
    if plan.merged:
        words += (
            " The user had changed it since you read it; both changes are kept. It now reads:\n"
            f"{clip(plan.result, 8000)}"
        )
    return words


@tool(
    title="Delete cells",
    tool_class=ToolClass.EDIT,
    destructive=True,
)
async def delete_cell(ctx: Context, cells: Cells, notebook: Notebook = None) -> Reply:
    """Delete one cell or several.

    Refused when the user changed one since you read it: the reply then shows it.
    """
    nb = await ctx.open(notebook)
    ids = _resolve(nb, cells)

    def resolve() -> Action:
        check_fresh(ctx, nb, ids, "deleted")
        items = tuple(
            PreviewItem(f"Cell {view.position}", view.id, old=view.source, new="")
            for view in (live_cells.view_by_id(nb, cell_id) for cell_id in ids)
        )
        summary = f"Delete {cells_title(nb, ids)} from {file_name(nb.path)}"
        return _edit_action("delete_cell", nb, tuple(ids), summary, items)

    await ctx.permit(resolve, nb)
    names = ", ".join(cell_name(nb, cell_id) for cell_id in ids)
    live_cells.delete(nb, ids, agent_origin(ctx.agent.id))
    return Reply.of(f"Deleted {names} from {nb.path}.")


def check_fresh(ctx: Context, nb: LiveNotebook, ids: list[str], done: str) -> None:
    """Refuse to act on cells that somebody changed since this agent saw them.

    Raises
    ------
    ConflictError
        With the present text of the first such cell, which counts as seen from then on.
    """
    for cell_id in ids:
        view = live_cells.view_by_id(nb, cell_id)
        known = ctx.known(nb, cell_id)
        if known is not None and known != view.source:
            ctx.saw(nb, cell_id, view.source)
            raise ConflictError(
                f"The user changed {cell_name(nb, cell_id)} since you read it, so nothing was "
                f"{done}. It now reads:\n{clip(view.source, 8000)}\nCall again if you still "
                "want to."
            )


def _edit_action(
    name: str,
    nb: LiveNotebook,
    cell_ids: tuple[str, ...],
    summary: str,
    items: tuple[PreviewItem, ...],
) -> Action:
    return Action(
        tool=name,
        tool_class=ToolClass.EDIT,
        summary=summary,
        target=Target(
            path=nb.path,
            cell_ids=cell_ids,
            positions=tuple(nb.position(i) or 0 for i in cell_ids),
            kernel=nb.kernel_name,
            file_id=nb.file_id,
        ),
        preview=Preview("diff", items, nb.language),
    )
