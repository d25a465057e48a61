"""The tool that searches a notebook."""

from __future__ import annotations

import asyncio
import time
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from itertools import groupby
from typing import TYPE_CHECKING, Annotated, NamedTuple

from pydantic import Field

from ..calls.call import Reply, ToolClass
from ..calls.proposed import other, proposed
from ..codec.shared_outputs import document_output, document_outputs
from ..errors import UnavailableError
from ..notebooks import cells as live_cells
from ..render.large_outputs import searchable
from ..render.lines import LineBudget
from ..render.marked import on_one_line
from ..render.reply import HUGE, is_heavy, weight
from ..runtime.services import CallContext
from ..runtime.tool import tool
from ..runtime.wording import cell_name, count, header
from ..server.heavy_work import in_turn
from ..server.helper_process import NoHelperError, helper
from ..text.sanitize import clean
from ..text.search import MAX_HITS, WAIT_SECONDS, Hit, Passage, Query, search
from .arguments import Notebook

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from ..notebooks.live_notebook import LiveNotebook

MAX_LINES = 500
"""Maximum number of lines in one reply."""

MAX_UNREAD = 5
"""Maximum number of incompletely searched outputs to name."""

SLICE_SECONDS = 0.02
"""Seconds of reading cells after which the server's other work gets its turn."""


class _Unread(NamedTuple):
    """The part of an output that is not searched, because replies only summarize it."""

    cell_id: str
    output: int
    what: str
    offset: int


@tool(
    title="Search a notebook",
    tool_class=ToolClass.READ,
    read_only=True,
    idempotent=True,
)
async def search_notebook(
    ctx: CallContext,
    query: str,
    notebook: Notebook = None,
    regex: bool = False,
    outputs: bool = True,
    limit: Annotated[int, Field(ge=1, le=MAX_LINES, description="Lines.")] = 50,
) -> Reply:
    """Search the sources and outputs of a notebook; returns cell ids and matching lines.

    Plain text ignores case; regex=true does not ((?i) does).
    """
    wanted = Query(query, regex)
    wanted.check()
    nb = await ctx.open(notebook)
    with ctx.services.rooms.lease(nb):
        unread: list[_Unread] = []
        passages = await _passages(nb, unread, outputs=outputs)
        hits = await search(wanted, passages)
    # A cell that was deleted meanwhile has no position to name.
    hits = [hit for hit in hits if nb.index(hit.cell_id) is not None]
    where = "sources and outputs" if outputs else "sources"
    if not hits:
        return Reply.of(f"No matches in the {where} of {nb.shown}.{_not_searched(nb, unread)}")
    more = proposed(
        "search_notebook",
        query=query,
        regex=other(regex, False),
        outputs=other(outputs, True),
        limit=MAX_LINES,
        notebook=nb.path,
    )
    told = _hits_text(nb, hits, limit, ctx.services.limits.text, more)
    return Reply.of(told + _not_searched(nb, unread))


async def _passages(nb: LiveNotebook, unread: list[_Unread], *, outputs: bool) -> list[Passage]:
    """Return the present texts of a notebook."""
    passages: list[Passage] = []
    started = time.monotonic()
    for index, cell_id in enumerate(list(nb.ids)):
        if time.monotonic() - started > SLICE_SECONDS:
            await asyncio.sleep(0)
            started = time.monotonic()
        # Cells may have moved while other work had its turn.
        same = index < len(nb.ids) and nb.ids[index] == cell_id
        at = index if same else nb.index(cell_id)
        if at is None:
            continue
        cell = nb.cell_at(at)
        view = live_cells.view_of(cell, at)
        passages.append(Passage(cell_id, 0, partial(str, view.source)))
        if outputs and view.type == "code" and len(cell["outputs"]):
            found = document_outputs(cell)
            # Large outputs are loaded only when they are searched: many searches may be waiting.
            later = partial(_OutputThen, nb, cell_id, asyncio.get_running_loop())
            takes = [later(at) for at in range(len(found))] if is_heavy([found]) else []
            for number, output in enumerate(found, 1):
                take = takes[number - 1] if takes else partial(_same, output)
                text = partial(_text_of, cell_id, number, take, unread)
                passages.append(Passage(cell_id, number, text))
    return passages


def _same(output: object) -> object:
    return output


@dataclass(frozen=True, slots=True)
class _OutputThen:
    """Takes an output from the document when it is called from another thread."""

    notebook: LiveNotebook
    cell_id: str
    loop: asyncio.AbstractEventLoop
    index: int

    def __call__(self) -> object:
        work = self._take()
        try:
            taken = asyncio.run_coroutine_threadsafe(work, self.loop)
        except RuntimeError:
            work.close()
            raise UnavailableError("The server is shutting down.") from None
        try:
            return taken.result(WAIT_SECONDS)
        except TimeoutError:
            taken.cancel()
            raise UnavailableError("The server is too busy to search. Try again later.") from None

    async def _take(self) -> object:
        await self.notebook.ready()
        cell = self.notebook.cell(self.cell_id)
        return None if cell is None else document_output(cell, self.index)


def _text_of(cell_id: str, number: int, take: Callable[[], object], unread: list[_Unread]) -> str:
    """Return an output's text as `read_cell` shows it, and note the part that is summarized."""
    text, summed_up = _searchable(take, number)
    if summed_up is not None:
        unread.append(_Unread(cell_id, number, *summed_up))
    return text


def _searchable(take: Callable[[], object], number: int) -> tuple[str, tuple[str, int] | None]:
    """Return what `searchable` returns for an output; a huge one goes to the helper process."""
    output = take()
    if weight([output], HUGE, unseen=HUGE + 1) > HUGE:
        # The helper process may be busy for long. Waiting for it must not keep the output in
        # memory.
        del output
        with suppress(NoHelperError):
            return helper.call_with(searchable, lambda: (take(), number))
        output = take()
    if output is None:
        # The output was cleared, or its cell was deleted, during the search.
        return "", None
    if is_heavy([output]):
        return in_turn(searchable, output, number)
    return searchable(output, number)


def _not_searched(nb: LiveNotebook, unread: list[_Unread]) -> str:
    """Return the parts that were not searched, and the calls that show them."""
    there = [each for each in unread if nb.index(each.cell_id) is not None]
    if not there:
        return ""
    lines = ["\nNot searched, because a search covers only what replies show of outputs:"]
    for cell_id, number, what, offset in there[:MAX_UNREAD]:
        call = proposed(
            "read_cell",
            cell=nb.short_id(cell_id),
            output=number,
            offset=offset,
            notebook=nb.path,
        )
        lines.append(f"- {what} of output {number} of {cell_name(nb, cell_id)}; see {call}")
    if len(there) > MAX_UNREAD:
        lines.append(f"- and {count(len(there) - MAX_UNREAD, 'more output')}")
    return "\n".join(lines)


def _hits_text(nb: LiveNotebook, hits: list[Hit], limit: int, budget: int, more: str) -> str:
    found = f"{len(hits)}{' or more' if len(hits) == MAX_HITS else ''}"
    cells = len({hit.cell_id for hit in hits})
    lines = [
        f"{nb.shown} · {found} {'matching line' if found == '1' else 'matching lines'} in "
        f"{count(cells, 'cell')}"
    ]
    listed = LineBudget(budget - len(lines[0]) - 200)
    shown = listed.fill(_entries(nb, hits[:limit]))
    lines += listed.lines
    if shown < len(hits):
        shows = "narrow the query to see them"
        if shown == limit < MAX_LINES:
            shows = f"use {more} to see more"
        lines.append(f"… {count(len(hits) - shown, 'more line')} not shown; {shows}.")
    return "\n".join(lines)


def _entries(nb: LiveNotebook, hits: list[Hit]) -> Iterator[str]:
    """Yield an entry for each hit; the first hit of a cell also has a line that names the cell."""
    for cell_id, group in groupby(hits, key=lambda hit: hit.cell_id):
        title = header(nb, live_cells.view_by_id(nb, cell_id)) + "\n"
        for hit in group:
            yield f"{title}  {_place(hit)}: {on_one_line(clean(hit.words))}"
            title = ""


def _place(hit: Hit) -> str:
    if not hit.output:
        return f"line {hit.line}"
    return f"output {hit.output} at offset {hit.offset}"
