"""Tools that run cells and code."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from typing import Annotated, NamedTuple

from pydantic import Field

from ..calls.call import Action, CallState, PreviewItem, Question, Reply, ToolClass
from ..calls.proposed import proposed
from ..errors import ConflictError, InvalidArgumentError
from ..kernels.runs.run import Piece, Run
from ..notebooks import cells as live_cells
from ..notebooks import first_cell as blank
from ..notebooks.cell_order import plain
from ..notebooks.live_notebook import OUTPUT_ORIGIN, LiveNotebook, agent_origin
from ..runtime.actions import Note, at_cell, run_action, run_in_session_action
from ..runtime.run_report import report
from ..runtime.services import CallContext
from ..runtime.shown_kernel import ShownKernel
from ..runtime.tool import tool
from ..runtime.wording import cell_name, cells_title, describe_position, file_name
from .arguments import Notebook, Source, resolve_all
from .edit_cells import check_fresh
from .kernels import KernelName
from .used_files import UsedFiles

RunOwnership = Annotated[
    float,
    Field(ge=0, le=300, description="Seconds to wait before the reply 'still running'."),
]

MAX_CELLS = 20
"""Maximum number of cells that may run without asking; nobody reads more on a card."""

MAY_FAIL = " (tagged: an error does not stop the run)"

GOES_ON = "An error does not stop the run: the cells after it run too."


class _How(NamedTuple):
    """Options of a run besides its code."""

    images: bool
    stop_on_error: bool = True


@tool(
    title="Run cells",
    tool_class=ToolClass.RUN,
    destructive=True,
    open_world=True,
)
async def execute_cell(
    ctx: CallContext,
    cells: Annotated[str | list[str] | None, Field(description="One id or several.")] = None,
    from_: str | None = None,
    all: bool = False,
    notebook: Notebook = None,
    stop_on_error: bool = True,
    images: bool = True,
    hold: RunOwnership = 40,
) -> Reply:
    """Run cells in order (cells), from one cell to the end (from), or all.

    Outputs appear live; the run stops at the first error. The user may have to approve.
    """
    nb = await ctx.open(notebook)
    if sum((cells is not None, from_ is not None, all)) != 1:
        raise InvalidArgumentError("Give exactly one of cells, from and all=true.")
    ids = _chosen(nb, cells, from_)
    if not ids:
        return Reply.of(f"There is no code to run at that place in {nb.shown}, so nothing was run.")
    pieces: list[Piece] = []
    check_fresh(ctx, nb, ids, "run")
    sessions = ctx.services.sessions
    kernel = await ShownKernel.of(sessions, nb)
    how = _How(images, stop_on_error)

    def resolve() -> Action:
        with nb.reading():
            views = [live_cells.view_by_id(nb, cell_id) for cell_id in ids]
            fail = dict.fromkeys(view.id for view in views if live_cells.may_fail(nb, view.id))
        pieces[:] = [Piece(view.source, view.id, view.id in fail) for view in views]
        items = tuple(
            PreviewItem(f"Cell {v.position}{MAY_FAIL * (v.id in fail)}", v.id, text=v.source)
            for v in views
        )
        summary = f"Run {cells_title(nb, ids)} in {file_name(nb.path)}"
        guarded = "many cells at once" if len(ids) > MAX_CELLS else None
        notes = [Note("", tuple(f"may fail {cell_id}" for cell_id in fail))]
        # No cell comes after a single cell, so stop_on_error makes no difference there.
        if not stop_on_error and len(ids) > 1:
            notes.append(Note(GOES_ON))
        notes.append(_used_files(ctx, nb.path, items))
        return run_action("execute_cell", nb, ids, summary, items, kernel, *notes, guarded=guarded)

    await ctx.permit(resolve, nb)
    with ctx.services.rooms.lease(nb):
        session = await kernel.start(sessions, nb)
        return await _execute(ctx, nb, session.kernel_id, nb.path, list(pieces), how)


def _chosen(nb: LiveNotebook, cells: str | list[str] | None, from_: str | None) -> list[str]:
    """Return the ids of the code cells that a call chooses."""
    if cells is not None:
        ids = resolve_all(nb, cells)
        for cell_id in ids:
            kind = live_cells.shared(nb, cell_id)["cell_type"]
            if kind != "code":
                raise InvalidArgumentError(
                    f"{cell_name(nb, cell_id).capitalize()} is a {kind} cell; only code "
                    "cells can run."
                )
        return ids
    start = nb.index(live_cells.find(nb, from_)) if from_ is not None else 0
    with nb.reading():
        looks = [plain(cell, "cell_type", "source") for cell in nb.shared_cells()]
    there = list(zip(nb.ids, looks, strict=True))[start or 0 :]
    ids = [cell_id for cell_id, (kind, source) in there if kind == "code" and source.strip()]
    return ids


@tool(
    title="Insert a cell and run it",
    tool_class=ToolClass.RUN,
    also=(ToolClass.EDIT,),
    destructive=True,
    open_world=True,
)
async def insert_execute_code_cell(
    ctx: CallContext,
    source: Source,
    notebook: Notebook = None,
    after: str | None = None,
    before: str | None = None,
    index: int | None = None,
    images: bool = True,
    hold: RunOwnership = 40,
) -> Reply:
    """Insert a code cell (after or before a cell id, at index, or at the end) and run it.

    If the user denies it, nothing is inserted.
    """
    nb = await ctx.open(notebook)
    new = live_cells.NewCell(source)
    sessions = ctx.services.sessions
    kernel = await ShownKernel.of(sessions, nb)

    def resolve() -> Action:
        goal = describe_position(nb, after=after, before=before, index=index)
        summary = f"Insert and run a cell in {file_name(nb.path)}"
        items = (PreviewItem("New cell", None, text=source),)
        where = Note(f"A new cell, {goal.words}.", (goal.key,))
        files = _used_files(ctx, nb.path, items)
        return run_action("insert_execute_code_cell", nb, (), summary, items, kernel, where, files)

    await ctx.permit(resolve, nb)
    # Checked before the insertion: if the kernel has changed, the call must not change anything.
    await kernel.check(sessions, nb)
    at = live_cells.place(nb, after=after, before=before, index=index)
    changes = blank.insert(nb, at, [new], agent_origin(ctx.agent.id))
    ctx.saw(nb, new.id, source)
    ctx.record(nb, *changes)
    _point_at(ctx, nb, new.id)
    with ctx.services.rooms.lease(nb):
        session = await kernel.start(sessions, nb)
        pieces = [Piece(source, new.id)]
        return await _execute(ctx, nb, session.kernel_id, nb.path, pieces, _How(images))


def _point_at(ctx: CallContext, nb: LiveNotebook, cell_id: str) -> None:
    """Set the target of the call to a cell that did not exist when the call was allowed."""
    if ctx.call.action is not None:
        ctx.services.ledger.update(ctx.call, action=at_cell(ctx.call.action, nb, cell_id))


@tool(
    title="Run code in the kernel",
    tool_class=ToolClass.RUN,
    destructive=True,
    open_world=True,
)
async def execute_ipython(
    ctx: CallContext,
    code: str,
    notebook: Notebook = None,
    kernel: KernelName = None,
    images: bool = True,
    hold: RunOwnership = 40,
) -> Reply:
    """Run code in the kernel without writing it into the notebook.

    Magics and shell commands work in IPython kernels.
    """
    if not code.strip():
        return Reply.of("There is no code to run, so nothing was run.")
    sessions = ctx.services.sessions
    by_id = kernel is not None and sessions.runs(kernel)
    if kernel is not None and notebook is None and not by_id and ctx.agent.current is None:
        await sessions.check_kernel(kernel)
        raise InvalidArgumentError(
            f"'{kernel[:80]}' is a kernelspec, not a running kernel. Give notebook=<path> to run "
            "this in the kernel of that notebook, or the id of a kernel that list_kernels shows."
        )
    if kernel is not None and by_id:
        return await _run_in_kernel(ctx, code, kernel, _How(images))
    nb = await ctx.open(notebook)
    await _check_kernel(ctx, nb, kernel)
    shown = await ShownKernel.of(ctx.services.sessions, nb, kernel)
    items = (PreviewItem("Code", None, text=code),)

    def resolve() -> Action:
        name = file_name(nb.path)
        other = kernel not in (None, nb.kernel_name)
        summary = f"Run code in {name}'s kernel (not saved in the notebook)"
        if other and shown.id is None:
            summary = f"Start the kernel {kernel} for {name} and run code in it"
        guarded = "another kernel than the notebook's own" if other else None
        files = _used_files(ctx, nb.path, items)
        return run_action("execute_ipython", nb, (), summary, items, shown, files, guarded=guarded)

    await ctx.permit(resolve, nb)
    with ctx.services.rooms.lease(nb):
        await _check_kernel(ctx, nb, kernel)
        session = await shown.start(ctx.services.sessions, nb)
        return await _execute(ctx, None, session.kernel_id, nb.path, [Piece(code)], _How(images))


async def _check_kernel(ctx: CallContext, nb: LiveNotebook, kernel: str | None) -> None:
    """Refuse to run code for one kernel in another one.

    Raises
    ------
    NotFoundError
        There is no such kernel.
    ConflictError
        The notebook has another kernel.
    """
    if kernel is None:
        return
    await ctx.services.sessions.check_kernel(kernel)
    session = await ctx.services.sessions.find(nb.path)
    if session is not None and session.kernel_name != kernel:
        raise ConflictError(
            f"{nb.shown} runs on {session.kernel_name}, not on {kernel}, so nothing was run. Leave "
            "kernel out, or give the notebook that kernel with "
            f"{proposed('assign_kernel_to_notebook', kernel=kernel, notebook=nb.path)}."
        )


async def _run_in_kernel(ctx: CallContext, code: str, kernel: str, how: _How) -> Reply:
    """Run code in a running kernel that is named by its id."""
    sessions = ctx.services.sessions
    session = await sessions.get(kernel)
    shown = await ShownKernel.running(sessions, session)
    path = session.path or None
    where = file_name(path) if path else "a kernel without a notebook"
    items = (PreviewItem("Code", None, text=code),)

    def resolve() -> Action:
        summary = f"Run code in the kernel of {where} (not saved in the notebook)"
        files = _used_files(ctx, path, items)
        return run_in_session_action("execute_ipython", session, summary, items, shown, files)

    await ctx.permit(resolve)
    await shown.check_others(sessions, session)
    return await _execute(ctx, None, session.kernel_id, path, [Piece(code)], how)


def _used_files(ctx: CallContext, path: str | None, items: tuple[PreviewItem, ...]) -> Note:
    sources = (item.text or "" for item in items)
    files = UsedFiles.of(sources, ctx.services.contents.root, path)
    return Note(files.words, files.marks)


async def _execute(
    ctx: CallContext,
    nb: LiveNotebook | None,
    kernel_id: str,
    path: str | None,
    pieces: list[Piece],
    how: _How,
) -> Reply:
    """Run pieces of code to their end, and report progress to the panel."""
    services, call = ctx.services, ctx.call
    begun: set[int] = set()

    def follow(run: Run) -> None:
        if nb is not None and run.current is not None and run.current not in begun:
            # Not earlier: until its piece starts, the cell shows outputs of somebody else's run.
            begun.add(run.current)
            _trust(nb, run.pieces[run.current], services.trust_outputs)
        if not run.done and call.state is CallState.RUNNING:
            if run.question is not None and run.question != call.question:
                _refuse_in_time(run, run.question, services.gate.expiry.total_seconds())
            services.ledger.update(call, progress=run.progress(), question=run.question)

    run = services.executor.start(
        kernel_id,
        pieces,
        owner=ctx.agent.id,
        notebook=nb,
        path=path,
        stop_on_error=how.stop_on_error,
        on_change=follow,
        can_ask=services.pages.anyone,
    )
    services.runs[call.id] = run
    try:
        await run.wait()
    finally:
        services.runs.pop(call.id, None)
    return await report(ctx, nb, run, services.limits.with_images(how.images))


def _refuse_in_time(run: Run, question: Question, seconds: float) -> None:
    """Answer a question with None after some seconds, so that it does not block the kernel."""

    def refuse() -> None:
        with suppress(ConflictError):
            run.answer(question.id, None)

    asyncio.get_running_loop().call_later(seconds, refuse)


def _trust(nb: LiveNotebook, piece: Piece, trusted: bool) -> None:
    if piece.cell_id is not None:
        live_cells.trust(nb, piece.cell_id, trusted, OUTPUT_ORIGIN)
