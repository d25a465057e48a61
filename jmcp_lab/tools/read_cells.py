"""Tools that list and read cells."""

from __future__ import annotations

import asyncio
import time
from functools import partial
from typing import TYPE_CHECKING, Annotated

from pydantic import Field

from ..calls.call import Reply, TextPart, ToolClass
from ..calls.proposed import other, proposed
from ..codec.shared_outputs import document_outputs, only_output
from ..errors import NotFoundError
from ..kernels.runs.run import RUN_ID
from ..notebooks import cells as live_cells
from ..notebooks.locks import locks_of
from ..render.lines import LineBudget
from ..render.marked import marked, on_one_line, plain_type
from ..render.outputs import clip, outline, page
from ..render.reply import HEAVY, budget, of_cell, of_run, render, render_one, weight
from ..runtime.repeated_outputs import note_shown
from ..runtime.services import CallContext
from ..runtime.tool import tool
from ..runtime.wording import count, header, short_id, status
from .arguments import Cell, Cells, Notebook, resolve_all

if TYPE_CHECKING:
    from collections.abc import Callable

    from ..kernels.runs.run import Run
    from ..notebooks.live_notebook import LiveNotebook
    from ..render.limits import Limits
    from ..render.outputs import CellSection

SLICE_SECONDS = 0.03
"""Seconds of outlining cells after which the server's other work gets its turn."""

FIRST_LINE = 80
"""Maximum number of characters of a cell's first line in an outline."""

MAX_NAMED = 50
"""Maximum number of cells that a proposed follow-up call names."""

MAX_LOADED = 20_000_000
"""Maximum number of characters of outputs to load for one reply; the last cell may exceed it."""

FOR_OUTPUTS = 150
"""Number of characters that a reply with many cells reserves for the outputs of each."""


@tool(
    title="List cells",
    tool_class=ToolClass.READ,
    read_only=True,
    idempotent=True,
)
async def list_cells(
    ctx: CallContext,
    notebook: Notebook = None,
    start: Annotated[int, Field(ge=1)] = 1,
    limit: Annotated[int, Field(ge=1, le=500)] = 100,
) -> Reply:
    """Outline of a notebook, a line per cell: position (from 1), id, type, state, text, outputs."""
    nb = await ctx.open(notebook)
    size = len(nb.ids)
    kernel = on_one_line(nb.kernel_name or "no kernel named")
    lines = [f"{nb.shown} · {count(size, 'cell')} · {kernel}"]
    room = ctx.services.limits.text
    lines += await outline_lines(ctx, nb, start, limit, room, asked=other(limit, 100))
    return Reply.of("\n".join(lines))


async def outline_lines(
    ctx: CallContext, nb: LiveNotebook, start: int, limit: int, room: int, *, asked: object = None
) -> list[str]:
    """Return a line for each cell from a position on, and the call that continues.

    Parameters
    ----------
    ctx : CallContext
    nb : LiveNotebook
    start : int
        Position of the first cell, from 1.
    limit : int
        Maximum number of cells.
    room : int
        Maximum number of characters.
    asked : int, optional
        Limit that the proposed follow-up call passes.
    """
    known: dict[object, str] = {}
    # Cells may move while the server's other work has its turn, so every try makes all lines.
    while (lines := _outline_at_once(ctx, nb, start, limit, room, known)) is None:  # noqa: ASYNC110
        await asyncio.sleep(0)
    size, last = len(nb.ids), start - 1 + len(lines)
    lines += _past_the_end(nb, start)
    if last < size:
        more = proposed("list_cells", start=last + 1, limit=asked, notebook=nb.path)
        lines.append(f"… {count(size - last, 'more cell')}; continue with {more}.")
    return lines


def _past_the_end(nb: LiveNotebook, start: int) -> list[str]:
    """Return a line that says so if a reply would start after the last cell."""
    size = len(nb.ids)
    return [f"There is no cell {start}; the last one is {size}."] if start > size > 0 else []


def _outline_at_once(
    ctx: CallContext, nb: LiveNotebook, start: int, limit: int, room: int, known: dict[object, str]
) -> list[str] | None:
    """Return the lines of an outline of one moment, or None if that takes too long.

    Parameters
    ----------
    known : dict
        Outlines of outputs by the key of their cell. Each try adds to them, so a later one can
        succeed.
    """
    lines = LineBudget(room)
    started, before = 0.0, len(known)
    with nb.reading():
        for index in range(start - 1, min(start - 1 + limit, len(nb.ids))):
            if len(known) == before:
                # Outlines that are already known take almost no time.
                started = time.thread_time()
            elif time.thread_time() - started > SLICE_SECONDS:
                return None
            if not lines.add(_outline(ctx, nb, index, known)):
                break
    return lines.lines


def _outline(ctx: CallContext, nb: LiveNotebook, index: int, known: dict[object, str]) -> str:
    cell = nb.cell_at(index)
    view = live_cells.view_of(cell, index)
    first, _, rest = view.source.strip().partition("\n")
    is_part = bool(rest) or len(first) > FIRST_LINE
    first = on_one_line(first[:FIRST_LINE])
    if view.type == "code":
        # The arrow separates the source from the outputs, so an arrow in the source is escaped.
        first = first.replace("→", "\\u2192")
    saw = ctx.saw if first == view.source.strip() else ctx.saw_part
    saw(nb, view.id, view.source)
    first += "…" if is_part else ""
    words = f"{view.position} {short_id(nb, view.id)} {plain_type(view.type)}"
    if view.type == "code":
        words += f" {status(view)}"
    if locked := locks_of(cell).words():
        words += f" ({locked})"
    if view.type == "code":
        key = nb.item(index) if nb.doubled else view.id
        if key not in known:
            known[key] = outline(document_outputs(cell))
        if known[key]:
            return f"{words}: {first} → {known[key]}"
    return f"{words}: {first}"


@tool(
    title="Read a cell",
    tool_class=ToolClass.READ,
    read_only=True,
    idempotent=True,
)
async def read_cell(
    ctx: CallContext,
    cell: Cell,
    notebook: Notebook = None,
    outputs: bool = True,
    output: Annotated[int | None, Field(ge=1)] = None,
    offset: Annotated[int, Field(ge=0)] = 0,
    images: bool = True,
) -> Reply:
    """Read a cell with its outputs.

    To page a long output, give output (its number, from 1) and offset.
    """
    limits = ctx.services.limits.with_images(images)
    named = _run_of(ctx, cell)
    if named is not None:
        return await _read_run(*named, output, offset, limits)
    nb = await ctx.open(notebook)
    cell_id = live_cells.find(nb, cell)
    if output is not None:
        one = partial(_output_page, ctx, nb, cell_id, output, offset, limits)
        with ctx.services.rooms.lease(nb):
            return await ctx.services.huge.reply(one)
    if offset:
        return _source_page(ctx, nb, cell_id, offset)
    return await _read(ctx, nb, [cell_id], limits, outputs=outputs)


async def _output_page(
    ctx: CallContext, nb: LiveNotebook, cell_id: str, output: int, offset: int, limits: Limits
) -> Reply:
    """Return a page of one output."""
    await nb.ready()
    found = only_output(live_cells.shared(nb, cell_id), output - 1)
    cell = of_cell(nb, cell_id, "", found)
    return Reply(tuple(await render_one(cell, output, offset, limits, taken=ctx.services.huge)))


def _source_page(ctx: CallContext, nb: LiveNotebook, cell_id: str, offset: int) -> Reply:
    """Return a page of a source that is too long for one reply."""
    view = live_cells.view_by_id(nb, cell_id)
    piece = page(view.source, offset, budget(ctx.services.limits).text)
    words = piece.words(_source_pages(nb, cell_id))
    text = marked("source", piece.text, view.source)
    return Reply.of(f"{header(nb, view)}\nsource, {words}\n{text}")


def _run_of(ctx: CallContext, ref: str) -> tuple[Run, int] | None:
    """Return the agent's run that `ref` names and the index of its piece, or None for a cell.

    A shortened output in a reply names a run if there is no cell to name, because the code was in
    no cell or the cell has been deleted.

    Raises
    ------
    NotFoundError
        `ref` names a run that is no longer kept or belongs to another agent.
    """
    named = RUN_ID.fullmatch(ref)
    if named is None:
        return None
    run = ctx.services.executor.get(named[1])
    number = int(named[2] or 1)
    if run is None or run.owner != ctx.agent.id or not 1 <= number <= len(run.pieces):
        raise NotFoundError(
            f"The server no longer has the outputs of '{ref}'. Run the code again, or let it write "
            "to a file and use read_file."
        )
    return run, number - 1


async def _read_run(run: Run, piece: int, output: int | None, offset: int, limits: Limits) -> Reply:
    if piece < len(run.results):
        found = run.results[piece].outputs
    else:
        found = run.partial_outputs() if run.current == piece else []
    if output is not None:
        of_piece = of_run(run, piece, "", found)
        return Reply(tuple(await render_one(of_piece, output, offset, limits)))
    return Reply(tuple(await render([of_run(run, piece, "code", found)], limits)))


@tool(
    title="Read cells",
    tool_class=ToolClass.READ,
    read_only=True,
    idempotent=True,
)
async def read_cells(
    ctx: CallContext,
    notebook: Notebook = None,
    cells: Cells | None = None,
    start: Annotated[int, Field(ge=1)] = 1,
    limit: Annotated[int, Field(ge=1, le=500)] = 100,
    outputs: bool = True,
    images: bool = True,
) -> Reply:
    """Read several cells, or all from position start: as many as fit, and how to continue."""
    nb = await ctx.open(notebook)
    limits = ctx.services.limits.with_images(images)
    if cells is not None:
        return await _read(ctx, nb, resolve_all(nb, cells), limits, outputs=outputs)
    ids = nb.ids[start - 1 : start - 1 + limit]
    return await _read(ctx, nb, ids, limits, outputs=outputs, start=start)


def _source_pages(nb: LiveNotebook, cell_id: str) -> Callable[[int], str]:
    return lambda offset: proposed(
        "read_cell", cell=nb.short_id(cell_id), offset=offset, notebook=nb.path
    )


async def _read(
    ctx: CallContext,
    nb: LiveNotebook,
    ids: list[str],
    limits: Limits,
    *,
    outputs: bool,
    start: int | None = None,
) -> Reply:
    """Return as many cells as fit the budget; sources take precedence over outputs."""
    once = partial(_read_once, ctx, nb, ids, limits, outputs=outputs, start=start)
    with ctx.services.rooms.lease(nb):
        return await ctx.services.huge.reply(once)


async def _read_once(
    ctx: CallContext,
    nb: LiveNotebook,
    ids: list[str],
    limits: Limits,
    *,
    outputs: bool,
    start: int | None,
) -> Reply:
    await nb.ready()
    # The budget is that of rendering: a text that is cut twice loses the call that shows the rest.
    room = budget(limits).text
    shown: list[CellSection] = []
    named: list[str] = []
    left_out = load = 0
    path = nb.path
    for number, cell_id in enumerate(ids):
        if load > HEAVY:
            await asyncio.sleep(0)
        # A cell may be deleted while the server's other work has its turn.
        if nb.index(cell_id) is None and len(ids) > 1:
            continue
        view = live_cells.view_by_id(nb, cell_id)
        hint = _source_pages(nb, cell_id)
        text = view.source
        wanted = outputs and view.type == "code"
        found = document_outputs(live_cells.shared(nb, cell_id)) if wanted else []
        if number and (len(text) + 250 > room or (found and load > MAX_LOADED)):
            left_out = len(ids) - number
            break
        text = clip(text, max(room - 250, 1000), hint=hint)
        if text == view.source:
            ctx.saw(nb, cell_id, text)
        else:
            ctx.saw_part(nb, cell_id, view.source)
        source = marked("source", text, view.source) if text else ""
        body = f"{header(nb, view)}\n{source}" if text else header(nb, view)
        load += weight(found, MAX_LOADED)
        room -= len(body) + 2 + (FOR_OUTPUTS if found else 0)
        shown.append(of_cell(nb, cell_id, body, found, path))
        named.append(cell_id)
    title = f"{nb.shown} · {count(len(nb.ids), 'cell')}"
    parts = await render(shown, limits, taken=ctx.services.huge)
    parts += [TextPart(line) for line in _past_the_end(nb, start or 1)]
    if outputs:
        read = [(cell_id, cell.outputs) for cell_id, cell in zip(named, shown, strict=True)]
        note_shown(ctx, nb, read, parts)
    if left_out:
        done = len(ids) - left_out
        more = _onwards(nb, ids[done:], start, done, limits, outputs=outputs)
        parts.append(TextPart(f"… {count(left_out, 'more cell')}; continue with {more}."))
    return Reply((TextPart(title), *parts))


def _onwards(
    nb: LiveNotebook,
    rest: list[str],
    start: int | None,
    shown: int,
    limits: Limits,
    *,
    outputs: bool,
) -> str:
    """Return the call that continues where a reply ends."""
    if start is None:
        which: dict[str, object] = {"cells": [nb.short_id(i) for i in rest[:MAX_NAMED]]}
    else:
        which = {"start": start + shown, "limit": other(len(rest), 100)}
    return proposed(
        "read_cells",
        **which,
        outputs=other(outputs, True),
        images=other(limits.send_images, True),
        notebook=nb.path,
    )
