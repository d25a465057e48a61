"""Tools that report what the user looks at, and wait for a call."""

from __future__ import annotations

from contextlib import suppress
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Annotated, Any, Literal

from pydantic import Field

from ..agents.modes import Verdict
from ..calls.call import Reply, ToolClass
from ..errors import NotFoundError, ToolError
from ..files.names import shown
from ..render.marked import marked, on_one_line
from ..render.outputs import clip
from ..runtime.services import CallContext
from ..runtime.tool import tool
from ..runtime.wording import cell_name

if TYPE_CHECKING:
    from ..agents.expiry import Until
    from ..calls.call import Call
    from ..notebooks.live_notebook import LiveNotebook

MAX_OPEN = 30
"""Maximum number of open files, of kernels and of edited cells in one reply."""

MAX_SELECTED = 2000
"""Maximum number of characters of the user's selection in one reply."""


@tool(
    title="See what the user looks at",
    tool_class=ToolClass.INFO,
    read_only=True,
    idempotent=True,
)
async def get_context(ctx: CallContext) -> Reply:
    """Show what the user looks at: open notebooks, active cell, selection, kernels.

    Also your current notebook and what you may do. A good first call.
    """
    agent = ctx.agent
    # This call usually starts a conversation, which has not seen the outputs of earlier ones.
    ctx.services.snapshots.forget_outputs(agent.id)
    lines = [
        f"You are “{agent.label}”. Mode: {agent.mode.label}. {agent.mode.told}",
        *_bounds(ctx),
        f"Your current notebook: {shown(agent.current or 'none; use_notebook chooses one')}.",
    ]
    lines += await _looking_at(ctx)
    kernels = await ctx.services.sessions.list_kernels()
    if kernels:
        lines.append("Kernels:")
        lines += [
            f"- {shown(', '.join(k.paths)) or 'no notebook'}: {shown(k.name)}, {shown(k.state)}"
            for k in kernels[:MAX_OPEN]
        ]
    else:
        lines.append("No kernel is running.")
    waiting = [c for c in ctx.services.ledger.active(agent.id) if c is not ctx.call]
    if waiting:
        lines.append("Your unfinished calls:")
        lines += [f"- {c.id}: {shown(c.summary)} ({_state(ctx, c)})" for c in waiting[:20]]
    return Reply.of("\n".join(lines))


def _state(ctx: CallContext, call: Call) -> str:
    """Return the state of an unfinished call, with the progress of its run if it has one."""
    run = ctx.services.runs.get(call.id)
    return f"{call.state.value}: {run.progress()}" if run is not None else call.state.value


def _bounds(ctx: CallContext) -> list[str]:
    """Return what the mode alone does not tell: chosen notebooks, end times and grants."""
    agent = ctx.agent
    lines = []
    chosen = on_one_line(", ".join(agent.notebooks))
    if agent.mode.rules["run"] is Verdict.ALLOW and chosen:
        lines.append(f"You may run in: {chosen}, {_until(agent.until)}.")
    if agent.mode.rules["edit"] is Verdict.ALLOW and chosen:
        lines.append(
            f"The user chose these notebooks for you: {chosen}. Every change elsewhere needs "
            "their approval."
        )
    lines += [
        f"The user allowed your runs in {shown(grant.path)} {_until(grant.until)}."
        for grant in ctx.services.gate.grants.valid()
        if grant.agent_id == agent.id
    ]
    return lines


def _until(until: Until | None) -> str:
    if isinstance(until, datetime):
        return f"until {until.astimezone(UTC):%H:%M} UTC"
    return "until the server stops"


async def _looking_at(ctx: CallContext) -> list[str]:
    """Return lines about what is open in JupyterLab and where the user is."""
    seen = ctx.services.pages.looking_at()
    if seen is None:
        return ["No JupyterLab window is open."]
    lines = []
    opened = seen.get("open") or []
    if opened:
        names = [f"{shown(i['path'])}{' (unsaved)' if i.get('dirty') else ''}" for i in opened]
        rest = f" and {len(names) - MAX_OPEN} more" if len(names) > MAX_OPEN else ""
        lines.append(f"Open in JupyterLab: {', '.join(names[:MAX_OPEN])}{rest}.")
    active: dict[str, Any] | None = seen.get("active")
    if not active or not active.get("path"):
        return lines or ["JupyterLab is open with no notebook."]
    words = f"The user is in {shown(active['path'])}"
    notebook = await _live(ctx, active["path"])
    cell_id = active.get("cell_id")
    if cell_id:
        if notebook is not None and notebook.index(cell_id) is not None:
            words += f", {cell_name(notebook, cell_id)}"
        else:
            words += f", cell id {on_one_line(str(cell_id)[:80])}"
    cursor = active.get("cursor") or {}
    # The page counts from 0, but people count from 1.
    if "line" in cursor:
        words += f", line {cursor['line'] + 1}"
        words += f" column {cursor['column'] + 1}" if "column" in cursor else ""
    lines.append(words + ".")
    if notebook is not None and (edited := notebook.carets() & set(notebook.ids)):
        names = [cell_name(notebook, each) for each in sorted(edited, key=notebook.ids.index)]
        lines.append(f"The user is editing now: {', '.join(names[:MAX_OPEN])}.")
    selected = (active.get("selection") or {}).get("text")
    if selected:
        text = clip(selected, MAX_SELECTED)
        lines += ["Selected text:", marked("selection", text, selected)]
    return lines


async def _live(ctx: CallContext, path: str) -> LiveNotebook | None:
    """Return a notebook that is open live, in this extension or in a page, or None."""
    rooms = ctx.services.rooms
    notebook = rooms.find(path)
    if notebook is None and path in rooms.paths_open():
        with suppress(ToolError):
            notebook = await rooms.open(path)
    return notebook


@tool(
    title="Wait for a call",
    tool_class=ToolClass.INFO,
    read_only=True,
    idempotent=True,
    attaches=True,
)
async def wait(
    ctx: CallContext,
    call: Annotated[str, Field(description="Id from the reply, c_….")],
    seconds: Annotated[float, Field(ge=0, le=300)] = 40,
    until: Literal["end", "output"] = "end",
) -> Reply:
    """Wait for a call of yours that needs approval or still runs, and get its reply.

    until='output' returns as soon as the code prints.
    """
    try:
        found = ctx.services.ledger.get(call)
    except NotFoundError:
        found = None
    if found is None or found.agent_id != ctx.agent.id:
        mine = ctx.services.ledger.active(ctx.agent.id)
        names = ", ".join(c.id for c in mine if c is not ctx.call)
        hint = f" Your unfinished calls: {names}." if names else ""
        raise NotFoundError(f"Unknown call '{call[:60]}'.{hint}", code="unknown_call")
    return ctx.attach(found, seconds, until_output=until == "output")
