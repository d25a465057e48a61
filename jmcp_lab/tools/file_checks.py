"""What is looked at before a file is written: whether agents may, and what the file would do."""

from __future__ import annotations

import os
from contextlib import suppress
from itertools import islice
from typing import TYPE_CHECKING

from ..codec.shared_outputs import has_error
from ..errors import DeniedError, ToolError
from ..files import paths
from ..files.importable import SUFFIXES, Modules
from ..files.names import shown
from ..files.on_disk import as_it_lies
from ..files.self_running import in_program, why
from ..notebooks.cell_order import plain
from ..render.reply import off_the_loop
from ..runtime.wording import file_name
from .used_files import modules_named

if TYPE_CHECKING:
    from ..notebooks.live_notebook import LiveNotebook
    from ..runtime.services import CallContext

MOST_CELLS = 2000
MOST_CHARACTERS = 1_000_000
"""How many cells of a notebook are looked through, and how much of all of them together."""


async def how_it_runs(ctx: CallContext, path: str) -> str | None:
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
        words = words or why(each, modules) or await _imported(ctx, each)
    return words


async def _imported(ctx: CallContext, path: str) -> str | None:
    """Return in words that a notebook has imported a module whose place a new file would take.

    Such a module is neither Python's own nor installed: `sys.path` leads to it, or another folder.
    """
    folder, _, name = path.rpartition("/")
    stem, dot, _ = name.partition(".")
    if not dot or not name.lower().endswith(SUFFIXES):
        return None
    if stem == "__init__":
        folder, _, stem = folder.rpartition("/")
    rooms = ctx.services.rooms
    if (where := ctx.services.contents.root) and _is_there(os.path.join(where, folder), stem):
        return None
    for other in sorted(rooms.paths_open()):
        notebook = rooms.find(other)
        if notebook is None or other.rpartition("/")[0] != folder:
            continue
        texts = _that_ran(notebook, stem)
        # Expressions that look through so much take long.
        if bool(texts) and await off_the_loop(_names_module, texts, stem):
            return (
                f"This file runs by itself: {file_name(other)} has imported a module {stem} from "
                "elsewhere, and gets this one from the next start of its kernel on."
            )
    return None


def _is_there(folder: str, module: str) -> bool:
    """Return whether a module is in a folder already, and what is written there takes no place."""
    return os.path.exists(os.path.join(folder, f"{module}.py")) or os.path.isdir(
        os.path.join(folder, module)
    )


def _that_ran(notebook: LiveNotebook, word: str) -> list[str]:
    """Return the code of a notebook that ran without an error and may import what is called so."""
    found: list[str] = []
    left = MOST_CHARACTERS
    with notebook.reading():
        for cell in islice(notebook.shared_cells(), MOST_CELLS):
            kind, source, count = plain(cell, "cell_type", "source", "execution_count")
            may_import = word in source and "import" in source
            if kind == "code" and count is not None and may_import and not has_error(cell):
                found.append(source[:left])
                left -= len(found[-1])
                if not left:
                    break
    return found


def _names_module(texts: list[str], module: str) -> bool:
    return any(module in modules_named(text) for text in texts)


async def _modules(ctx: CallContext) -> Modules:
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
