"""What is looked at before a file is written: whether agents may, and what the file would do."""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING

from ..errors import DeniedError, ToolError
from ..notebooks import paths
from ..notebooks.importable import SUFFIXES, Modules
from ..notebooks.names import shown
from ..notebooks.on_disk import as_it_lies
from ..notebooks.self_running import in_program, why

if TYPE_CHECKING:
    from .services import Context


async def how_it_runs(ctx: Context, path: str) -> str | None:
    """Return in words how a file runs by itself, for the person who is asked, or None.

    Both as it is called and as it lies on the disk: a folder's link has a harmless name.

    Raises
    ------
    DeniedError
        Agents may not write it.
    """
    contents, words = ctx.services.contents, None
    for each in dict.fromkeys((path, as_it_lies(contents.root, path))):
        check_may_write(each, contents.root)
        modules = await _modules(ctx) if each.lower().endswith(SUFFIXES) else Modules()
        words = words or why(each, modules)
    return words


async def _modules(ctx: Context) -> Modules:
    """Return what the kernels here can import."""
    programs: list[str] = []
    # A gateway that cannot be reached says nothing of its kernels.
    with suppress(ToolError):
        programs = [spec.program for spec in await ctx.services.sessions.list_specs()]
    return await ctx.services.modules.of(programs)


def check_may_write(path: str, root: str | None) -> None:
    """Make sure that a file is neither secret nor part of an installed program.

    Raises
    ------
    DeniedError
    """
    if paths.protected(path) or paths.started(path) or in_program(root, path):
        raise DeniedError(f"'{shown(path)}' is protected: agents cannot write it.")
