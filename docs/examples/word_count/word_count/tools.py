"""The tools: one that reads, and one that edits."""

from __future__ import annotations

import re

from jmcp_lab.api import (
    CellIds,
    InvalidArgumentError,
    NotebookPath,
    Reply,
    Tool,
    ToolClass,
    ToolContext,
    tool,
)

_COUNT_LINE = re.compile(r"\n\n\*\d+ words?\*\Z")


def words_in(text: str) -> int:
    """Return how many words a text has, without the line that says so."""
    return len(_COUNT_LINE.sub("", text).split())


def with_count(text: str) -> str:
    """Return a text with the number of its words as its last line."""
    number = words_in(text)
    return f"{_COUNT_LINE.sub('', text)}\n\n*{number} word{'' if number == 1 else 's'}*"


@tool(title="Count words", tool_class=ToolClass.READ, read_only=True, idempotent=True)
async def count_words(ctx: ToolContext, notebook: NotebookPath = None) -> Reply:
    """Count the words in each Markdown cell of a notebook."""
    opened = await ctx.open(notebook)
    counts = {cell.id: words_in(cell.source) for cell in opened.cells() if cell.type == "markdown"}
    lines = [f"{opened.name}: {sum(counts.values())} words in Markdown"]
    lines += [f"- {opened.cell_name(cell_id)}: {count}" for cell_id, count in counts.items()]
    return Reply.of("\n".join(lines))


@tool(title="Write word counts", tool_class=ToolClass.EDIT, idempotent=True)
async def write_word_counts(
    ctx: ToolContext, cells: CellIds, notebook: NotebookPath = None
) -> Reply:
    """Put the number of words at the end of Markdown cells, as their last line."""
    opened = await ctx.open(notebook)
    chosen = [opened.cell(ref) for ref in cells]
    for cell in chosen:
        if cell.type != "markdown":
            name = opened.cell_name(cell.id)
            raise InvalidArgumentError(f"{name} is no Markdown cell. Nothing was changed.")
    # Here the person is asked, where the agent's mode says so; what they see is what is written.
    changed = await ctx.edit_cells(opened, {cell.id: with_count for cell in chosen})
    return Reply.of(f"Wrote the number of words into {len(changed)} of {len(chosen)} cells.")


TOOLS: list[Tool] = [count_words, write_word_counts]
