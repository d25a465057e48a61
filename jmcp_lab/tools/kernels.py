"""Tools that list, assign, restart and interrupt kernels."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

from pydantic import Field

from ..calls.call import Action, Reply, ToolClass
from ..errors import ConflictError, NotFoundError
from ..files.names import shown
from ..notebooks import cells as live_cells
from ..notebooks.live_notebook import LiveNotebook, agent_origin
from ..runtime.actions import kernel_action
from ..runtime.services import CallContext
from ..runtime.shown_kernel import ShownKernel
from ..runtime.tool import tool
from ..runtime.wording import file_name
from .arguments import Notebook

if TYPE_CHECKING:
    from ..kernels.sessions import SessionInfo


@tool(
    title="List kernels",
    tool_class=ToolClass.INFO,
    read_only=True,
    idempotent=True,
)
async def list_kernels(ctx: CallContext) -> Reply:
    """List kernels: those that can be started, and running ones with their notebooks and state."""
    sessions = ctx.services.sessions
    lines = ["Available kernelspecs:"]
    lines += [shown(f"- {s.name}: {s.display_name}") for s in await sessions.list_specs()]
    running = await sessions.list_kernels()
    lines.append("Running:" if running else "No kernel is running.")
    for kernel in running:
        where = shown(", ".join(kernel.paths)) or "no notebook"
        lines.append(f"- {kernel.id}: {shown(f'{kernel.name}, {kernel.state}')}, {where}")
    return Reply.of("\n".join(lines))


@tool(
    title="Assign a kernel to a notebook",
    tool_class=ToolClass.KERNEL,
    destructive=True,
    open_world=True,
)
async def assign_kernel_to_notebook(
    ctx: CallContext, kernel: str, notebook: Notebook = None
) -> Reply:
    """Start a kernel for a notebook by kernelspec name, or attach a running one by its id.

    list_kernels shows both.
    """
    nb = await ctx.open(notebook)
    session = await give_kernel(ctx, nb, "assign_kernel_to_notebook", kernel)
    return Reply.of(
        f"{nb.shown} now runs on {session.kernel_name} (kernel {session.kernel_id}, "
        f"{session.state})."
    )


async def give_kernel(ctx: CallContext, nb: LiveNotebook, name: str, kernel: str) -> SessionInfo:
    """Start a kernel for a notebook, or attach a running one, after passing the gate.

    Raises
    ------
    NotFoundError
        `kernel` names neither a kernelspec nor a running kernel.
    ConflictError
        The notebook got another kernel, or `kernel` changed, while the person was asked.
    DeniedError
    """
    sessions = ctx.services.sessions
    await sessions.check_kernel(kernel)
    before = await sessions.find(nb.path)
    joined = await _kernel_users(ctx, kernel)
    lost = before is not None and before.kernel_id != kernel
    program = await sessions.program(kernel)
    words, guarded = "", None
    if joined is not None and (before is None or lost):
        words = f" This kernel already runs {joined}: they will share all variables."
        guarded = "the kernel is somebody else's"
    if lost:
        words += " The present kernel ends, unless another notebook uses it: all variables "
        words += "in it will be lost."
        guarded = "all variables are lost"

    def resolve() -> Action:
        summary = f"Give {file_name(nb.path)} the kernel {kernel}"
        return kernel_action(name, nb, summary, f"{summary}.{words}", guarded=guarded)

    await ctx.permit(resolve, nb)
    now = await sessions.find(nb.path)
    if now is not None and (before is None or now.kernel_id != before.kernel_id):
        raise ConflictError(
            f"{nb.shown} was given another kernel in the meantime ({now.kernel_name}), so nothing "
            "was changed. Call again if you still want to."
        )
    if joined != await _kernel_users(ctx, kernel) or await sessions.program(kernel) not in (
        "",
        program,
    ):
        raise ConflictError(
            f"The kernel {kernel} has changed since the user was asked, so nothing was done. Call "
            "again if you still want to; the user will be asked again."
        )
    return await sessions.assign(nb.path, kernel)


async def _kernel_users(ctx: CallContext, kernel: str) -> str | None:
    """Return the names of the notebooks that use a running kernel, or None for a kernelspec."""
    running = await ctx.services.sessions.list_kernels()
    paths = next((found.paths for found in running if found.id == kernel), None)
    if paths is None:
        return None
    return ", ".join(file_name(path) for path in paths) or "code without a notebook"


@tool(
    title="Restart a notebook's kernel",
    tool_class=ToolClass.KERNEL,
    destructive=True,
    open_world=True,
)
async def restart_notebook(
    ctx: CallContext, notebook: Notebook = None, clear_outputs: bool = False
) -> Reply:
    """Restart the kernel: all variables are lost. clear_outputs also empties the cells' outputs."""
    nb = await ctx.open(notebook)
    sessions = ctx.services.sessions
    kernel = await ShownKernel.running(sessions, await running_session(ctx, nb))
    also = " The outputs of all cells are cleared." if clear_outputs else ""
    lost = (
        f" The same kernel also runs {kernel.named}, with the same loss." if kernel.others else ""
    )

    def resolve() -> Action:
        return kernel_action(
            "restart_notebook",
            nb,
            f"Restart the kernel of {file_name(nb.path)}",
            f"The kernel restarts. All variables will be lost.{lost}{also}",
            guarded="all variables are lost",
            kernel=kernel,
        )

    await ctx.permit(resolve, nb)
    session = await kernel.still(sessions, nb)
    if clear_outputs:
        live_cells.clear_outputs(nb, list(nb.ids), agent_origin(ctx.agent.id))
    await sessions.restart(session)
    words = f"Restarted the kernel of {nb.shown}: all variables are gone."
    if kernel.others:
        words += f" The same kernel also runs {kernel.named}, with the same loss."
    return Reply.of(words + (" Outputs are cleared." if clear_outputs else ""))


@tool(
    title="Interrupt a notebook's kernel",
    tool_class=ToolClass.KERNEL,
    destructive=True,
    open_world=True,
)
async def interrupt_notebook(ctx: CallContext, notebook: Notebook = None) -> Reply:
    """Interrupt what you run in the notebook, with a KeyboardInterrupt.

    The user's own cells keep running.
    """
    nb = await ctx.open(notebook)
    session = await running_session(ctx, nb)
    action = kernel_action(
        "interrupt_notebook",
        nb,
        f"Interrupt {file_name(nb.path)}",
        "What the agent runs is interrupted.",
        interrupt=True,
    )
    await ctx.permit(lambda: action)
    executor = ctx.services.executor
    runs = [
        run
        for run in executor.runs(owner=ctx.agent.id, kernel_id=session.kernel_id)
        if not run.done
    ]
    if not runs:
        raise NotFoundError(
            f"You are running nothing in {nb.shown}. The kernel is {session.state}. Only the user "
            "can interrupt cells that they run; ask them."
        )
    for run in runs:
        await executor.interrupt(run)
    return Reply.of(f"Interrupted what you ran in {nb.shown}.")


async def running_session(
    ctx: CallContext,
    nb: LiveNotebook,
    otherwise: str = ". Start one with execute_cell or assign_kernel_to_notebook.",
) -> SessionInfo:
    """Return the session of a notebook whose kernel runs.

    Raises
    ------
    NotFoundError
        No kernel runs; the message ends with `otherwise`.
    """
    session = await ctx.services.sessions.find(nb.path)
    if session is None:
        raise NotFoundError(f"{nb.shown} has no running kernel{otherwise}")
    return session


KernelName = Annotated[str | None, Field(description="Kernelspec name or id of a running kernel.")]
