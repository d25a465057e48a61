"""Tools about the moment: what the user looks at, and waiting for a call."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import Field

from ..calls.call import Reply, ToolClass
from ..errors import NotFoundError
from ..permissions.policy import MODE_WORDS
from .services import Context
from .tool import tool
from .wording import cell_name, count


@tool(
    title="See what the user looks at",
    tool_class=ToolClass.INFO,
    read_only=True,
    idempotent=True,
)
async def get_context(ctx: Context) -> Reply:
    """See what the user looks at: open notebooks, active cell, selection, kernels.

    Also your current notebook and what you may do. A good first call.
    """
    agent = ctx.agent
    lines = [
        f"You are “{agent.label}”. Mode: {MODE_WORDS[agent.mode]}.",
        f"Your current notebook: {agent.current or 'none; use_notebook chooses one'}.",
    ]
    lines += _looking_at(ctx)
    kernels = await ctx.services.sessions.list_kernels()
    if kernels:
        lines.append("Kernels:")
        lines += [
            f"- {', '.join(k.paths) or 'no notebook'}: {k.name}, {k.state}" for k in kernels[:30]
        ]
    else:
        lines.append("No kernel is running.")
    waiting = [c for c in ctx.services.ledger.active(agent.id) if c is not ctx.call]
    if waiting:
        lines.append("Your calls that are not finished:")
        lines += [f"- {c.id}: {c.summary} ({c.state.value})" for c in waiting[:20]]
    return Reply.of("\n".join(lines))


def _looking_at(ctx: Context) -> list[str]:
    seen = ctx.services.pages.looking_at()
    if seen is None:
        return ["No JupyterLab window is open."]
    lines = []
    opened = seen.get("open") or []
    if opened:
        names = ", ".join(
            f"{item['path']}{' (unsaved)' if item.get('dirty') else ''}" for item in opened[:30]
        )
        lines.append(f"Open in JupyterLab: {names}.")
    active: dict[str, Any] | None = seen.get("active")
    if not active or not active.get("path"):
        return lines or ["JupyterLab is open, without a notebook."]
    words = f"The user is in {active['path']}"
    nb = ctx.services.rooms.find(active["path"])
    cell_id = active.get("cell_id")
    if cell_id:
        known = nb is not None and nb.index(cell_id) is not None
        words += f", {cell_name(nb, cell_id)}" if known and nb else f", cell id {cell_id}"
    cursor = active.get("cursor")
    if cursor:
        words += f", line {int(cursor.get('line', 0)) + 1}"
    lines.append(words + ".")
    selected = (active.get("selection") or {}).get("text")
    if selected:
        lines += ["Selected text:", selected[:2000]]
    return lines


@tool(
    title="Wait for a call",
    tool_class=ToolClass.INFO,
    read_only=True,
    idempotent=True,
)
async def wait(
    ctx: Context,
    call: Annotated[str, Field(description="The id from the reply, c_….")],
    seconds: Annotated[float, Field(ge=0, le=300)] = 40,
    until: Literal["end", "output"] = "end",
) -> Reply:
    """Wait for a call of yours that needs approval or still runs, and get its reply.

    until='output' returns as soon as it prints.
    """
    try:
        found = ctx.services.ledger.get(call)
    except NotFoundError:
        found = None
    if found is None or found.agent_id != ctx.agent.id:
        mine = ctx.services.ledger.active(ctx.agent.id)
        names = ", ".join(c.id for c in mine if c is not ctx.call)
        hint = f" Not finished: {names}." if names else ""
        raise NotFoundError(f"Unknown call '{call[:60]}'.{hint}", code="unknown_call")
    return Reply.of(count(1, "call"))
