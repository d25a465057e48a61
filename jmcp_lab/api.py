"""Defines the public interface for tools of other packages.

It stays the same from one minor release to the next; everything else in jmcp_lab may change at any
time. A tool is an async function::

    from jmcp_lab.api import NotebookPath, Reply, Tool, ToolClass, ToolContext, tool

    @tool(title="Count words", tool_class=ToolClass.READ, read_only=True, idempotent=True)
    async def count_words(ctx: ToolContext, notebook: NotebookPath = None) -> Reply:
        \"\"\"Count the words in a notebook's Markdown cells.\"\"\"
        opened = await ctx.open(notebook)
        ...

    TOOLS: list[Tool] = [count_words]

An entry point in the group ``jmcp_lab.tools`` names the list; see ``docs/building-on.md``.
"""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from .calls.call import ImagePart, Reply, TextPart, ToolClass
from .errors import (
    ConflictError,
    DeniedError,
    InvalidArgumentError,
    NotFoundError,
    ToolError,
    UnavailableError,
)
from .extending.context import Cell, OpenNotebook, ToolContext
from .render.marked import marked
from .runtime.argument_forms import Kind, StringKind
from .runtime.tool import Tool, tool
from .tools.arguments import MAX_CHARACTERS

NotebookPath = (
    Annotated[str, Field(max_length=1000), StringKind(Kind.NAME, "analysis.ipynb")] | None
)
"""Argument type for the path of a notebook; None means the agent's current one."""

CellId = Annotated[str, Field(max_length=200), StringKind(Kind.ID, "1a2b3c4d")]
"""Argument type for the id of a cell, or a unique prefix of it."""

CellIds = Annotated[list[CellId], Field(max_length=50)]
"""Argument type for the ids of several cells."""

SourceText = Annotated[str, Field(max_length=MAX_CHARACTERS), StringKind(Kind.LINES, "x = 1")]
"""Argument type for the text of a cell or a file; models may also send a list of lines."""

__all__ = [
    "Cell",
    "CellId",
    "CellIds",
    "ConflictError",
    "DeniedError",
    "ImagePart",
    "InvalidArgumentError",
    "NotFoundError",
    "NotebookPath",
    "OpenNotebook",
    "Reply",
    "SourceText",
    "TextPart",
    "Tool",
    "ToolClass",
    "ToolContext",
    "ToolError",
    "UnavailableError",
    "quoted",
    "tool",
]


def quoted(text: str) -> str:
    """Return a text from a cell, a file or a program between markers, for use in a reply.

    The markers tell a model that the text is data and not written by the server.
    """
    return marked("text", text)
