"""The tool that lists files, and the paging that list_notebooks shares."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated

from pydantic import Field

from ..calls.call import Reply, ToolClass
from ..calls.proposed import other, proposed
from ..files.globs import glob
from ..files.names import shown
from ..render.lines import LineBudget
from ..runtime.argument_forms import Kind, StringKind
from ..runtime.services import CallContext
from ..runtime.tool import tool
from ..runtime.wording import count
from ..text.surrogates import has_half
from .arguments import FolderPath

if TYPE_CHECKING:
    from ..files.folder_walk import Entry, Folder, FolderSearch
    from ..runtime.services import Services

MAX_PATTERN = 500
"""Maximum length of a glob pattern, in characters."""

Glob = Annotated[str, StringKind(Kind.NAME, "*.csv")]

DEPTH = 3
"""Number of folder levels that list_files lists by default."""

MAX_LEVELS = 20
"""Maximum number of folder levels that list_files lists."""


@tool(
    title="List files",
    tool_class=ToolClass.READ,
    read_only=True,
    idempotent=True,
)
async def list_files(
    ctx: CallContext,
    path: FolderPath = "",
    pattern: Annotated[Glob, Field(max_length=MAX_PATTERN)] | None = None,
    depth: Annotated[int, Field(ge=1, le=MAX_LEVELS)] = DEPTH,
    offset: Annotated[int, Field(ge=0)] = 0,
    limit: Annotated[int, Field(ge=1, le=500)] = 200,
) -> Reply:
    """List files and folders below path, depth levels deep.

    pattern is a glob for the name, or for the path if it contains a slash.
    """
    top = await folder_named(ctx.services, path)
    fits = glob(pattern) if pattern is not None else None

    def wanted(entry: Entry) -> bool:
        return fits is None or fits(entry.path[len(top) :].lstrip("/"))

    search = await ctx.services.contents.search(top, depth, wanted)
    asked = Asked(
        "list_files", path=top, pattern=pattern, depth=depth, limit=None if limit == 200 else limit
    )
    found = search.found
    title = f"{count(len(found), 'entry', 'entries')}{not_read(search, asked)}"
    listed = [_entry(entry) for entry in found[offset : offset + limit]]
    return Reply.of(paged(ctx, title, listed, offset, len(found), asked))


def _entry(entry: Entry) -> str:
    path = entry.path
    name = f"{shown(path)}{'/' if entry.is_folder else ''}{name_note(path)}"
    if entry.is_folder:
        return f"{name}{' (cannot be read)' if entry.unreadable else ''}"
    return f"{name} · {_size(entry.size)}"


def name_note(path: str) -> str:
    """Return a note, after a space, for a path that no call can name; otherwise an empty string."""
    if not has_half(path):
        return ""
    return " (its name is not UTF-8, so calls cannot name it; rename it to use it)"


@dataclass(frozen=True, slots=True)
class Asked:
    """A call that lists files or notebooks, from which replies propose follow-up calls.

    Parameters
    ----------
    tool : str
    path : str
    pattern : str, optional
    depth : int, optional
        None where the tool has no such argument.
    limit : int, optional
        None where it is the default.
    """

    tool: str
    path: str = ""
    pattern: str | None = None
    depth: int | None = None
    limit: int | None = None

    def call(self, *, path: str = "", depth: int | None = None, offset: int = 0) -> str:
        """Return a call like this one with other arguments, as text that an agent can copy."""
        pattern = self.pattern
        if path and pattern and not pattern.startswith("**/"):
            # A glob on the path is relative to the listed folder, which changes here.
            pattern = pattern.rpartition("/")[2]
        return proposed(
            self.tool,
            path=(path or self.path) or None,
            pattern=pattern,
            depth=other(depth or self.depth, DEPTH),
            offset=offset or None,
            limit=self.limit,
        )


def paged(
    ctx: CallContext, title: str, lines: list[str], offset: int, total: int, asked: Asked
) -> str:
    """Return as many lines of a page as fit into one reply, and the call that gets the rest.

    Parameters
    ----------
    ctx : CallContext
    title : str
        First line of the reply.
    lines : list of str
        Lines of the page.
    offset : int
        Index of the page's first line in the whole list.
    total : int
        Number of lines in the whole list.
    asked : Asked
        Call that lists.
    """
    onwards = asked.call(offset=offset + len(lines))
    room = ctx.services.limits.text - len(title) - len(onwards) - 40
    kept = LineBudget(room, always_one=True)
    last = offset + kept.fill(lines)
    if offset >= total > 0:
        kept.lines.append(
            f"There is nothing from offset {offset} on; to start over, use {asked.call(offset=0)}."
        )
    if last < total:
        kept.lines.append(f"… {total - last} more; continue with {asked.call(offset=last)}.")
    return "\n".join([title, *kept.lines])


async def folder_named(services: Services, path: str) -> str:
    """Return the path of the named folder; models have several names for the root, which is ""."""
    return "" if path.strip() in ("", ".", "./", "/") else await services.contents.resolve(path)


def not_read(search: FolderSearch, asked: Asked) -> str:
    """Return the end of a title: what was not read, and the calls that read it."""
    unread = search.unread()
    cut = [folder for folder in unread if folder.read]
    whole = [folder for folder in unread if not folder.read]
    words = [""]
    if unread:
        words.append(
            f"This is incomplete: the listing stopped after {search.looked:,} files and folders"
        )
    if whole:
        call = asked.call(path=whole[0].path)
        words.append(f"Not read: {_several(whole)}; use {call}")
    if cut:
        call = asked.call(path=cut[0].path)
        more = "code in a kernel" if cut[0].path == search.top else call
        words.append(f"Read in part: {_several(cut)}; use {more} for more")
    # Without a glob, the list itself contains the folders that were not entered.
    if search.deeper and (asked.pattern or asked.depth is None):
        deepest = asked.depth == MAX_LEVELS or asked.depth is None
        call = asked.call(path=search.first_deeper) if deepest else asked.call(depth=MAX_LEVELS)
        words.append(
            f"Not read: {count(search.deeper, 'folder')} at depth {search.depth}; use {call} to "
            f"{'read the first' if deepest else 'go deeper'}"
        )
    return ". ".join(words)


def _several(folders: list[Folder]) -> str:
    rest = f" and {count(len(folders) - 1, 'more folder')}" if len(folders) > 1 else ""
    return f"'{shown(folders[0].path)}'{rest}"


def _size(size: int | None) -> str:
    if size is None:
        return "unknown size"
    value = float(size)
    for unit in ("B", "kB", "MB"):
        if value < 1000:
            return f"{value:.0f} {unit}" if unit == "B" else f"{value:.1f} {unit}"
        value /= 1000
    return f"{value:.1f} GB"
