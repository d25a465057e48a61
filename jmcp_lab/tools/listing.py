"""Tools that list files."""

from __future__ import annotations

import asyncio
import fnmatch
from functools import partial
from typing import TYPE_CHECKING, Annotated, Any

from pydantic import Field

from ..calls.call import Reply, ToolClass
from ..calls.proposed import other, proposed
from ..errors import ToolError
from ..notebooks.names import is_notebook, normal_form, shown
from ..surrogates import has_half
from .services import Context
from .tool import tool
from .wording import count

if TYPE_CHECKING:
    from collections.abc import Callable

    from .services import Services

LONGEST_PATTERN = 500

MOST_ENTRIES = 5000
"""Files looked at in one listing."""


@tool(
    title="List files",
    tool_class=ToolClass.READ,
    read_only=True,
    idempotent=True,
)
async def list_files(
    ctx: Context,
    path: Annotated[str, Field(description="Folder to start from.")] = "",
    pattern: Annotated[str | None, Field(max_length=LONGEST_PATTERN)] = None,
    depth: Annotated[int, Field(ge=1, le=20)] = 3,
    offset: Annotated[int, Field(ge=0)] = 0,
    limit: Annotated[int, Field(ge=1, le=500)] = 200,
) -> Reply:
    """Files and folders below a folder, depth levels deep.

    pattern is a glob on the name, or on the path when it holds a slash.
    """
    found, complete = await walk(ctx.services, path, depth=depth, pattern=pattern)
    lines = [
        f"{count(len(found), 'entry') if len(found) == 1 else f'{len(found)} entries'}"
        f"{'' if complete else ' (not all folders read; give a path)'}"
    ]
    listed = [_entry(entry) for entry in found[offset : offset + limit]]
    call = partial(
        proposed,
        "list_files",
        offset=0,
        path=other(path, ""),
        pattern=pattern,
        depth=other(depth, 3),
        limit=other(limit, 200),
    )
    lines += paged(ctx, listed, offset, len(found), call)
    return Reply.of("\n".join(lines))


def _entry(entry: dict[str, Any]) -> str:
    path = str(entry["path"])
    name = f"{shown(path)}{'/' if entry['type'] == 'directory' else ''}{name_note(path)}"
    if entry["type"] == "directory":
        return f"{name}{' (cannot be read)' if 'unreadable' in entry else ''}"
    return f"{name} · {_size(entry.get('size'))}"


def name_note(path: str) -> str:
    """Return what to say of a path in a listing that no call can name, with a space before it."""
    if not has_half(path):
        return ""
    return " (its name is not UTF-8, so no call can name it; renamed, it can be used)"


def paged(
    ctx: Context, lines: list[str], offset: int, total: int, call: Callable[..., str]
) -> list[str]:
    """Return as many of a page's lines as one reply holds, and how to get the rest.

    Parameters
    ----------
    ctx : Context
    lines : list of str
        The page.
    offset : int
        Where it starts.
    total : int
        How many lines there are in all.
    call : Callable
        Returns the call that shows the page from an offset.
    """
    room = ctx.services.limits.text - 200 - len(call(offset=total))
    shown: list[str] = []
    for line in lines:
        room -= len(line) + 1
        if room < 0:
            break
        shown.append(line)
    onwards = offset + len(shown)
    if onwards < total:
        shown.append(f"… {total - onwards} more; {call(offset=onwards)} goes on.")
    return shown


async def walk(
    services: Services,
    path: str,
    *,
    depth: int,
    pattern: str | None = None,
    kind: str | None = None,
) -> tuple[list[dict[str, Any]], bool]:
    """Return the entries below a folder, folder by folder, and whether all were read.

    Parameters
    ----------
    services : Services
    path : str
    depth : int
        Levels of folders.
    pattern : str, optional
        Glob on the name, or on the path below `path` when it holds a slash.
    kind : str, optional
        Only entries of this type, such as ``notebook``.

    Raises
    ------
    NotFoundError
    """
    contents = services.contents
    # Models call the root by all of these.
    top = "" if path.strip() in ("", ".", "./", "/") else await contents.resolve(path)
    found: list[dict[str, Any]] = []
    looked = 0
    folders: list[tuple[str, int, dict[str, Any]]] = [(top, 1, {})]
    entered: set[str] = set()
    while folders:
        folder, level, above = folders.pop(0)
        if (real := contents.real(folder)) in entered:
            # A link led here: it may lead in a circle.
            continue
        entered.add(real)
        try:
            entries = await contents.entries(folder)
        except ToolError:
            if folder == top:
                raise
            # It was deleted meanwhile, or is closed to the server: the others can be read.
            above["unreadable"] = True
            continue
        inner = []
        for entry in entries:
            looked += 1
            if looked > MOST_ENTRIES:
                return found, False
            name = entry["path"]
            if _is(entry, kind) and _fits(name, top, pattern):
                found.append(entry)
            if entry["type"] == "directory" and level < depth:
                inner.append((name, level + 1, entry))
        folders[:0] = inner
        # One folder may be slow; the server's other work goes on in between.
        await asyncio.sleep(0)
    return found, True


def _is(entry: dict[str, Any], kind: str | None) -> bool:
    """Return whether an entry is of a type; a file is a notebook where JupyterLab opens one."""
    found = entry["type"]
    if found == "file" and is_notebook(entry["path"]):
        found = "notebook"
    return kind in (None, found)


def _fits(name: str, top: str, pattern: str | None) -> bool:
    if pattern is None:
        return True
    name, pattern = normal_form(name), normal_form(pattern)
    if "/" in pattern:
        below = name[len(normal_form(top)) :].lstrip("/")
        return fnmatch.fnmatchcase(below, pattern)
    return fnmatch.fnmatchcase(name.rsplit("/", 1)[-1], pattern)


def _size(size: int | None) -> str:
    if size is None:
        return "unknown size"
    value = float(size)
    for unit in ("B", "kB", "MB"):
        if value < 1000:
            return f"{value:.0f} {unit}" if unit == "B" else f"{value:.1f} {unit}"
        value /= 1000
    return f"{value:.1f} GB"
