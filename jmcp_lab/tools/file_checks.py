"""Checks before a write whether agents may write a file, and whether it would run by itself."""

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

MAX_CELLS = 2000
"""Maximum number of cells of a notebook to search for imports."""

MAX_CHARACTERS = 1_000_000
"""Maximum number of characters of a notebook's code to search for imports."""


async def how_it_runs(ctx: CallContext, path: str) -> str | None:
    """Return a sentence for the person about how a file runs by itself, or None if it does not.

    Both the given path and the path on disk are checked, because a symbolic link to a folder can
    have a harmless name.

    Raises
    ------
    DeniedError
        Agents may not write the file.
    """
    contents, words = ctx.services.contents, None
    for each in dict.fromkeys((path, as_it_lies(contents.root, path))):
        check_may_write(each, contents.root)
        modules = await _modules(ctx) if each.lower().endswith(SUFFIXES) else Modules()
        words = words or why(each, modules) or await _imported(ctx, each)
    return words


async def _imported(ctx: CallContext, path: str) -> str | None:
    """Return a sentence if a new file would shadow a module that a notebook has imported.

    Such a module belongs neither to Python nor to an installed package. It comes from another
    folder, for example one on `sys.path`.
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
        # Regular expressions are slow on so much text.
        if bool(texts) and await off_the_loop(_names_module, texts, stem):
            return (
                f"This file runs by itself: {file_name(other)} has imported a module {stem} from "
                "elsewhere, and will get this one when its kernel next starts."
            )
    return None


def _is_there(folder: str, module: str) -> bool:
    """Return whether a folder already holds a module, so that a write there shadows no other."""
    return os.path.exists(os.path.join(folder, f"{module}.py")) or os.path.isdir(
        os.path.join(folder, module)
    )


def _that_ran(notebook: LiveNotebook, word: str) -> list[str]:
    """Return code of a notebook that ran without an error and may import a module of this name."""
    found: list[str] = []
    left = MAX_CHARACTERS
    with notebook.reading():
        for cell in islice(notebook.shared_cells(), MAX_CELLS):
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
    """Return the modules that the kernels of this server can import."""
    programs: list[str] = []
    # A gateway that is unreachable cannot list its kernelspecs.
    with suppress(ToolError):
        programs = [spec.program for spec in await ctx.services.sessions.list_specs()]
    return await ctx.services.modules.of(programs)


def check_may_write(path: str, root: str | None) -> None:
    """Refuse to write a file that is protected or part of an installed program.

    Raises
    ------
    DeniedError
    """
    if paths.protected(path) or paths.started(path) or in_program(root, path):
        raise DeniedError(f"'{shown(path)}' is protected: agents cannot change it.")
