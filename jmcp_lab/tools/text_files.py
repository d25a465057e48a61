"""Tools that read and write text files."""

from __future__ import annotations

from itertools import islice
from typing import TYPE_CHECKING, Annotated

from pydantic import Field

from ..calls.call import Action, ImagePart, PreviewItem, Reply, TextPart, ToolClass
from ..calls.proposed import other, proposed
from ..errors import ConflictError, InvalidArgumentError, NotFoundError
from ..files import paths
from ..files.names import is_notebook
from ..files.on_disk import as_it_lies
from ..notebooks.live_notebook import agent_origin
from ..notebooks.merges import Merges, Texts
from ..render.images import Picture, is_large, prepared
from ..render.lines import LineBudget, line_count, lines_from
from ..render.marked import marked, on_one_line
from ..render.outputs import clip
from ..render.reply import HUGE, apart, off_the_loop
from ..runtime.actions import Note, file_action, read_secret_action
from ..runtime.services import CallContext
from ..runtime.tool import tool
from ..runtime.wording import count, file_name, line_change
from ..text.line_ends import line_end, plain
from ..text.three_way_merge import MergeConflict, Splice, splice
from .arguments import FilePath, Lines
from .edit_cells import MAX_EDITS, Edit, replace_all
from .file_checks import how_it_runs
from .new_folders import made_folders, new_folders

if TYPE_CHECKING:
    from collections.abc import Callable

MAX_BYTES = 20_000_000
"""Maximum size of a file to read, in bytes; memory holds several copies of its content."""

MAX_LINES = 1_000_000
"""Maximum number of lines in all texts of a merge, which holds each line in memory separately."""

LINE_LENGTH = 2000
"""Maximum number of characters of a line in a reply; longer lines are shortened."""

IMAGES = {
    "png": "image/png",
    "jpg": "image/jpeg",
    "jpeg": "image/jpeg",
    "gif": "image/gif",
    "webp": "image/webp",
}

LINE_ENDS = {"\n": "LF", "\r\n": "CRLF", "\r": "CR"}

ANNEXED = ".git/annex/objects/"
"""Folder in which git-annex stores the files that its symbolic links point to."""

FILE = "file"
"""Key in place of a cell id under which snapshots store a whole file; no cell has this id."""


@tool(title="Read a file", tool_class=ToolClass.READ, read_only=True, idempotent=True)
async def read_file(
    ctx: CallContext,
    path: FilePath,
    offset: Annotated[int, Field(ge=1)] = 1,
    limit: Annotated[int, Field(ge=1, le=5000)] = 1000,
) -> Reply:
    """Read a text file, limit lines from line offset (1 is the first), or an image."""
    path = await _checked(ctx, path)
    await _permit_reading(ctx, path)
    kind = IMAGES.get(path.rpartition(".")[2].lower())
    if kind is not None:
        return await _image(ctx, path, kind)
    text = await _text(ctx, path)
    return Reply.of(_lines(ctx, path, text, offset, limit))


def _lines(ctx: CallContext, path: str, text: str, offset: int, limit: int) -> str:
    """Return as many lines as fit the budget, and note what the agent has now seen."""
    total = line_count(text)
    if not total:
        ctx.services.snapshots.note(ctx.agent.id, path, FILE, text)
        return f"{on_one_line(path)} · empty"
    if offset > total:
        raise InvalidArgumentError(f"'{path}' has only {count(total, 'line')}.")
    room = ctx.services.limits.text - 250 - len(path)
    shown = LineBudget(room, always_one=True)
    whole = offset == 1
    for line in islice(lines_from(text, offset), limit):
        short = clip(line, LINE_LENGTH)
        if not shown.add(short):
            break
        whole = whole and short == line
    last = offset + len(shown.lines) - 1
    seen = ctx.services.snapshots
    note = seen.note if whole and last == total else seen.note_part
    note(ctx.agent.id, path, FILE, text)
    newline = "\n"
    head = f"{on_one_line(path)} · lines {offset} to {last} of {total}"
    more = proposed("read_file", path=path, offset=last + 1, limit=other(limit, 1000))
    tail = f"\n… continue with {more}." if last < total else ""
    return f"{head}\n{marked('text', newline.join(shown.lines), text)}{tail}"


async def _image(ctx: CallContext, path: str, kind: str) -> Reply:
    limits = ctx.services.limits
    if not limits.send_images:
        raise InvalidArgumentError("This server does not send images.")
    content, form = await ctx.services.contents.texts.read(path)
    if form != "base64":
        raise InvalidArgumentError(f"'{path}' is not an image.")
    picture = Picture(kind, content)
    decode = apart if is_large(picture) or picture.size > HUGE else off_the_loop
    sent = await decode(prepared, picture, limits.images)
    if sent.data is None:
        raise InvalidArgumentError(f"'{path}' cannot be shown: {sent.words}.")
    words = TextPart(f"{path} · {sent.words}")
    return Reply((words, ImagePart(sent.data, sent.mime_type)))


async def _checked(ctx: CallContext, path: str) -> str:
    """Return the normalised path of a text file; refuse a notebook."""
    normal = await ctx.services.contents.resolve(path)
    if is_notebook(normal):
        raise InvalidArgumentError(
            f"'{on_one_line(normal)}' is a notebook. Use {proposed('read_cells', notebook=normal)} "
            "to read it, and insert_cell or overwrite_cell_source to change it."
        )
    if (words := ctx.services.rooms.texts.unsaved(normal)) is not None:
        ctx.call_news.append(words)
    return normal


async def _permit_reading(ctx: CallContext, path: str) -> None:
    kind, size = await ctx.services.contents.kind(path)
    if kind == "directory":
        raise InvalidArgumentError(
            f"'{on_one_line(path)}' is a folder; {proposed('list_files', path=path)} shows what is "
            "in it."
        )
    if size > MAX_BYTES:
        raise InvalidArgumentError(
            f"'{path}' has {size:,} bytes, more than can be read here ({MAX_BYTES:,}). Read a "
            "part of it with code in a kernel."
        )
    led = as_it_lies(ctx.services.contents.root, path)
    if paths.protected(path) or (paths.protected(led) and not led.startswith(ANNEXED)):
        action = read_secret_action("read_file", path, led)
        await ctx.permit(lambda: action)


async def _text(ctx: CallContext, path: str) -> str:
    """Return the present text of the open document, or of the file if no page has it open."""
    live = ctx.services.rooms.texts.find(path)
    return plain(await ctx.services.contents.texts.text(path)) if live is None else live.text


@tool(
    title="Write a file",
    tool_class=ToolClass.FILE,
    destructive=True,
    one_of=("content", "edits"),
)
async def write_file(
    ctx: CallContext,
    path: FilePath,
    content: Lines | None = None,
    edits: Annotated[list[Edit], Field(max_length=MAX_EDITS)] | None = None,
) -> Reply:
    """Create or change a text file: all of it (content), or exact replacements (edits).

    What others changed since you read it is merged in; a conflict is refused.
    """
    if content is not None and not edits:
        edits = None  # some models send an empty list for what they leave out
    if (content is None) == (edits is None):
        raise InvalidArgumentError("Give either content or edits.")
    path = await _checked(ctx, path)
    if await ctx.services.contents.folder_exists(path):
        raise InvalidArgumentError(f"'{on_one_line(path)}' is a folder; give the path of a file.")
    runs = await how_it_runs(ctx, path)
    await ctx.services.rooms.texts.prepare(path)
    if not await ctx.services.contents.exists(path):
        if content is None:
            raise NotFoundError(f"There is no file '{path}' to edit; give content to create it.")
        return await _create(ctx, path, content, runs)
    present = await _text(ctx, path)
    if content is None:
        plain_edits = [Edit(old=plain(edit.old), new=plain(edit.new)) for edit in edits or []]
        wanted = await off_the_loop(replace_all, present, plain_edits, f"'{path}'")
        return await _change(ctx, path, present, wanted, present, runs)
    known = ctx.services.snapshots.text(ctx.agent.id, path, FILE)
    if known is None and ctx.services.snapshots.is_outdated(ctx.agent.id, path, FILE, present):
        # The text that the agent started from is no longer there to be merged with.
        raise ConflictError(
            f"'{path}' was changed since you read it, so nothing was written. Read it again and "
            "take that change into account, or give edits, which apply to the present text."
        )
    base = present if known is None else known
    reply = await _change(ctx, path, base, plain(content), present, runs)
    return await _with_line_ends(ctx, path, content, reply)


async def _with_line_ends(ctx: CallContext, path: str, content: str, reply: Reply) -> Reply:
    """Add to a reply that the file keeps its line ends, if the agent gave others."""
    if plain(content).count("\n") == 0 or ctx.services.rooms.texts.find(path) is not None:
        return reply
    kept, given = line_end(await ctx.services.contents.texts.text(path)), line_end(content)
    if kept == given:
        return reply
    return Reply.of(f"{reply.text} Its line endings are kept ({LINE_ENDS[kept]}).")


async def _create(ctx: CallContext, path: str, content: str, runs: str | None) -> Reply:
    contents = ctx.services.contents
    folders = await contents.new_folders(path)
    await contents.check_writable(path, len(content.encode(errors="replace")))
    action = _action(path, "", content, runs, new_folders(folders), creates=True)
    check = contents.stays(path)
    await ctx.permit(lambda: action)
    check()
    if not await contents.exists(path):
        await contents.make_folders(folders)
    if not await contents.texts.create(path, content, check):
        raise ConflictError(
            f"'{path}' was created by somebody else in the meantime. Read it first."
        )
    ctx.services.snapshots.note(ctx.agent.id, path, FILE, plain(content))
    lines_made = count(line_count(plain(content)), "line")
    return Reply.of(f"Created {path} ({lines_made}).{made_folders(folders)}")


async def _change(
    ctx: CallContext, path: str, base: str, wanted: str, present: str, runs: str | None
) -> Reply:
    texts = ctx.services.rooms.texts
    await ctx.services.contents.check_writable(path, len(wanted.encode(errors="replace")))
    shown: list[tuple[str, str]] = []
    check = ctx.services.contents.stays(path)
    merges = Merges()
    await _merge_ahead(merges, path, (base, wanted, present))

    def resolve() -> Action:
        # Pages may open or close the file while the person decides.
        live = texts.find(path)
        now = live.text if live is not None else present
        result = _merged(merges, path, (base, wanted, now))
        shown[:] = [(now, result)]
        return _action(path, now, result, runs, creates=False)

    await ctx.permit(resolve)
    before, after = shown[0]
    if not await _put(ctx, path, before, after, check):
        raise ConflictError(
            f"'{path}' changed on disk in the meantime, so nothing was written. Read it again."
        )
    known = ctx.services.snapshots.text(ctx.agent.id, path, FILE)
    # The file keeps what others wrote, but the agent only knows the text that it wanted.
    ctx.services.snapshots.note_written(ctx.agent.id, path, FILE, base, wanted)
    if before == after:
        words = f"{path} keeps its text: yours adds nothing new."
    else:
        words = f"Changed {path}: {await off_the_loop(line_change, before, after)}."
    if before != (base if known is None else known):
        words += " Others changed it since you read it; those changes are kept."
    return Reply.of(words)


async def _put(
    ctx: CallContext, path: str, before: str, after: str, check: Callable[[], None]
) -> bool:
    """Replace a text by another one; return False if the old text is no longer there."""
    texts = ctx.services.rooms.texts
    # The person may have typed while the call waited for an answer.
    await texts.prepare(path)
    live = texts.find(path)
    merges, large = Merges(), before.count("\n") + after.count("\n") > MAX_LINES
    if live is not None and not large:
        await merges.ahead([(before, after, before)])
        live = texts.find(path)
    if live is None:
        if not await ctx.services.contents.texts.replace(path, before, after, check):
            return False
        texts.written(path)
    elif live.text != before:
        return False
    else:
        check()
        whole = [Splice(0, len(before), after)]
        splices = whole if large else merges.merge(before, after, before)
        live.edit(splices, agent_origin(ctx.agent.id))
    return True


async def _merge_ahead(merges: Merges, path: str, texts: Texts) -> None:
    """Prepare a large merge off the event loop, if there is anything to merge."""
    if texts[0] != texts[2]:
        _check_size(path, texts)
        await merges.ahead([texts])


def _check_size(path: str, texts: Texts) -> None:
    if sum(text.count("\n") for text in texts) > MAX_LINES:
        raise ConflictError(
            f"'{path}' was changed since you read it and is too long to merge both changes. "
            "Nothing was written. Read it again, or change it with code in a kernel."
        )


def _merged(merges: Merges, path: str, texts: Texts) -> str:
    """Return the present text with the agent's changes."""
    base, wanted, present = texts
    if base == present:
        return wanted
    _check_size(path, texts)
    try:
        return splice(present, merges.merge(*texts))
    except MergeConflict as conflict:
        raise ConflictError(
            f"'{path}' was changed since you read it, at a line that you also change (line "
            f"{conflict.line}). Nothing was written. Read it again and take that change into "
            "account, or give edits, which apply to the present text."
        ) from None


def _action(path: str, old: str, new: str, runs: str | None, *notes: Note, creates: bool) -> Action:
    verb = "Create" if creates else "Change"
    summary = f"{verb} file {file_name(path)}"
    item = PreviewItem(path, None, old=old, new=new)
    return file_action("write_file", path, summary, item, *notes, creates=creates, runs=runs)
