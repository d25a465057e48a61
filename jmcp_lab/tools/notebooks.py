"""Tools that list notebooks, create them and choose an agent's current one."""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import Field

from ..calls.call import Action, PreviewItem, Reply, ToolClass
from ..errors import InvalidArgumentError
from ..files.names import is_notebook, shown
from ..runtime.actions import file_action, kernel_action
from ..runtime.services import CallContext
from ..runtime.shown_kernel import ShownKernel
from ..runtime.tool import tool
from ..runtime.wording import count, file_name
from .file_checks import check_may_write
from .file_tree import Asked, folder_named, name_note, not_read, paged
from .kernels import KernelName, give_kernel, running_session
from .new_folders import made_folders, new_folders
from .read_cells import outline_lines

LEVELS = 8
"""Number of folder levels that list_notebooks searches."""

OUTLINE = 3000
"""Maximum number of characters of the outline in the reply of use_notebook."""

OUTLINE_CELLS = 30
"""Maximum number of cells of the outline in the reply of use_notebook."""


@tool(
    title="List notebooks",
    tool_class=ToolClass.INFO,
    read_only=True,
    idempotent=True,
)
async def list_notebooks(
    ctx: CallContext,
    path: Annotated[str, Field(description="Folder to start from.")] = "",
    offset: Annotated[int, Field(ge=0)] = 0,
    limit: Annotated[int, Field(ge=1, le=500)] = 100,
) -> Reply:
    """List notebooks: which are open, your current one, and their kernels' state."""
    services = ctx.services
    top = await folder_named(services, path)
    search = await services.contents.search(
        top, LEVELS, lambda entry: not entry.is_folder and is_notebook(entry.path)
    )
    found = search.found
    opened = services.rooms.paths_open()
    kernels = {
        used: kernel for kernel in await services.sessions.list_kernels() for used in kernel.paths
    }
    asked = Asked("list_notebooks", path=top, limit=None if limit == 100 else limit)
    title = f"{count(len(found), 'notebook')}{not_read(search, asked)}"
    listed = []
    for entry in found[offset : offset + limit]:
        name = entry.path
        marks = []
        if name == ctx.agent.current:
            marks.append("your current notebook")
        if name in opened:
            marks.append("open")
        if name in kernels:
            marks.append(shown(f"kernel {kernels[name].name}, {kernels[name].state}"))
        words = f" ({'; '.join(marks)})" if marks else ""
        listed.append(f"- {shown(name)}{name_note(name)}{words}")
    return Reply.of(paged(ctx, title, listed, offset, len(found), asked))


@tool(
    title="Use a notebook",
    tool_class=ToolClass.INFO,
)
async def use_notebook(
    ctx: CallContext,
    notebook: Annotated[str, Field(description="Path, ends in .ipynb.")],
    create: bool = False,
    kernel: KernelName = None,
) -> Reply:
    """Make a notebook your current one, so that other calls need not name it.

    create=true creates it if it does not exist; kernel starts a kernel for it.
    """
    services = ctx.services
    path = await services.contents.resolve(notebook)
    if kernel is not None:
        await services.sessions.check_kernel(kernel)
    words = ""
    if not await services.contents.exists(path):
        if not create or (is_notebook(path) and await services.contents.folder_exists(path)):
            raise await services.contents.no_notebook(path)
        words = f"Created it.{made_folders(await _create(ctx, path, kernel))} "
    nb = await services.rooms.open(path)
    if kernel is not None:
        session = await give_kernel(ctx, nb, "use_notebook", kernel)
        words += f"Kernel: {session.kernel_name}, {session.state}. "
    ctx.knows(nb)
    services.agents.set_current(ctx.agent.id, path)
    size = count(len(nb.ids), "cell")
    told = f"{words}Your current notebook is {shown(path)} ({size})."
    room = min(OUTLINE, ctx.services.limits.text // 2)
    return Reply.of("\n".join([told, *await outline_lines(ctx, nb, 1, OUTLINE_CELLS, room)]))


async def _create(ctx: CallContext, path: str, kernel: str | None) -> list[str]:
    """Create a notebook, and return the folders that were created for it."""
    if not is_notebook(path):
        raise InvalidArgumentError(
            f"The name of a notebook must end in .ipynb. Did you mean '{path}.ipynb'?"
        )
    check_may_write(path, ctx.services.contents.root)
    contents = ctx.services.contents
    # Checked before anybody is asked: where files may not be changed, none is created either.
    await ctx.services.rooms.texts.prepare(path)
    folders = await contents.new_folders(path)
    await contents.check_writable(path)
    summary = f"Create notebook {file_name(path)}"
    item = PreviewItem(summary, text=f"New notebook: {path}")
    action = file_action("use_notebook", path, summary, item, new_folders(folders), creates=True)
    check = contents.stays(path)
    await ctx.permit(lambda: action)
    check()
    if not await contents.exists(path):
        await contents.make_folders(folders)
        await contents.create_notebook(path, await _metadata(ctx, kernel), check)
    return folders


async def _metadata(ctx: CallContext, kernel: str | None) -> dict[str, Any]:
    spec = await ctx.services.sessions.spec(kernel)
    if spec is None:
        return {}
    return {
        "kernelspec": {
            "name": spec.name,
            "display_name": spec.display_name,
            "language": spec.language,
        },
        "language_info": {"name": spec.language},
    }


@tool(
    title="Stop using a notebook",
    tool_class=ToolClass.INFO,
    destructive=True,
)
async def unuse_notebook(
    ctx: CallContext,
    notebook: Annotated[str | None, Field(description="Path; default: your current one.")] = None,
    shutdown_kernel: bool = False,
) -> Reply:
    """Stop using a notebook as your current one. shutdown_kernel also ends its kernel."""
    services = ctx.services
    path = await services.contents.resolve(notebook or ctx.agent.current or "")
    if not path:
        raise InvalidArgumentError("You have no current notebook. Give notebook=<path>.")
    words = ""
    if shutdown_kernel:
        nb = await services.rooms.open(path)
        session = await running_session(ctx, nb, " to shut down.")
        used = await ShownKernel.running(services.sessions, session)

        def resolve() -> Action:
            what, then = "Shut down the kernel of", "The kernel ends. All variables will be lost."
            if used.others:
                what, then = "Detach the kernel from", f"It keeps running for {used.named}."
            return kernel_action(
                "unuse_notebook",
                nb,
                f"{what} {file_name(nb.path)}",
                then,
                guarded="all variables are lost",
                kernel=used,
            )

        await ctx.permit(resolve, nb)
        await services.sessions.shutdown(await used.still(services.sessions, nb))
        words = " Its kernel is shut down: all variables are gone."
        if used.others:
            words = f" Its kernel keeps running for {used.named}."
    told = f"{shown(path)} is not your current notebook."
    if ctx.agent.current == path:
        services.agents.set_current(ctx.agent.id, None)
        told = f"{shown(path)} is no longer your current notebook."
    return Reply.of(f"{told}{words}")
