"""The tool that searches a notebook."""

from __future__ import annotations

import asyncio
import time
from functools import partial
from itertools import groupby
from typing import TYPE_CHECKING, Annotated

from pydantic import Field

from ..calls.call import Reply, ToolClass
from ..notebooks import cells as live_cells
from ..notebooks.cleaning import clean
from ..notebooks.search import MOST_HITS, Hit, Passage, Query, search
from ..notebooks.shared_outputs import read_outputs
from .arguments import Notebook
from .rendering.blocks import block_of
from .services import Context
from .tool import tool
from .wording import count, header

if TYPE_CHECKING:
    from ..notebooks.live import LiveNotebook

SLICE_SECONDS = 0.02
"""How long cells are read before the server's other work has its turn."""


@tool(
    title="Search a notebook",
    tool_class=ToolClass.READ,
    read_only=True,
    idempotent=True,
)
async def search_notebook(
    ctx: Context,
    query: str,
    notebook: Notebook = None,
    regex: bool = False,
    outputs: bool = True,
    limit: Annotated[int, Field(ge=1, le=500, description="Lines.")] = 50,
) -> Reply:
    """Find text in the sources and outputs of a notebook: the cells' ids, and each line that fits.

    Plain text ignores case; regex=true does not ((?i) does).
    """
    wanted = Query(query, regex)
    wanted.check()
    nb = await ctx.open(notebook)
    with ctx.services.rooms.lease(nb):
        passages = await _passages(nb, outputs=outputs)
        hits = await search(wanted, passages)
    # A cell that went away meanwhile has no position to name.
    hits = [hit for hit in hits if nb.index(hit.cell_id) is not None]
    where = "sources and outputs" if outputs else "sources"
    if not hits:
        return Reply.of(f"Nothing in the {where} of {nb.shown} fits.")
    return Reply.of(_told(nb, hits, limit, ctx.services.limits.text))


async def _passages(nb: LiveNotebook, *, outputs: bool) -> list[Passage]:
    """Return the texts of a notebook as they are now."""
    passages: list[Passage] = []
    started = time.monotonic()
    for index, cell_id in enumerate(list(nb.ids)):
        if time.monotonic() - started > SLICE_SECONDS:
            await asyncio.sleep(0)
            started = time.monotonic()
        # While others had their turn, cells may have moved.
        same = index < len(nb.ids) and nb.ids[index] == cell_id
        at = index if same else nb.index(cell_id)
        if at is None:
            continue
        cell = nb.cell_at(at)
        view = live_cells.view_of(cell, at)
        passages.append(Passage(cell_id, 0, partial(str, view.source)))
        if outputs and view.type == "code" and len(cell["outputs"]):
            for number, output in enumerate(read_outputs(cell), 1):
                passages.append(Passage(cell_id, number, partial(_text_of, output, number)))
    return passages


def _text_of(output: object, number: int) -> str:
    """Return an output's text as `read_cell` shows and pages it."""
    return block_of(output, number).text


def _told(nb: LiveNotebook, hits: list[Hit], limit: int, budget: int) -> str:
    found = f"{len(hits)}{' or more' if len(hits) == MOST_HITS else ''}"
    cells = len({hit.cell_id for hit in hits})
    lines = [
        f"{nb.shown} · {found} {'line fits' if found == '1' else 'lines fit'} in "
        f"{count(cells, 'cell')}"
    ]
    room = budget - len(lines[0]) - 200
    shown = 0
    for cell_id, group in groupby(hits[:limit], key=lambda hit: hit.cell_id):
        title = header(nb, live_cells.view_by_id(nb, cell_id))
        for hit in group:
            line = f"  {_place(hit)}: {clean(hit.words)}"
            room -= len(line) + len(title) + 2
            if room < 0:
                break
            lines += [title, line] if title else [line]
            title = ""
            shown += 1
        if room < 0:
            break
    if shown < len(hits):
        rest = "not shown; a narrower query or a higher limit shows them"
        lines.append(f"… {count(len(hits) - shown, 'more line')} {rest}.")
    return "\n".join(lines)


def _place(hit: Hit) -> str:
    if not hit.output:
        return f"line {hit.line}"
    return f"output {hit.output} at offset {hit.offset}"
