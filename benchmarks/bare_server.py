"""Runs the baseline for many agents: the official SDK under uvicorn, with tools that do nothing.

`python bare_server.py PORT` serves ``http://127.0.0.1:PORT/mcp`` until it is stopped.
"""

from __future__ import annotations

import contextlib
import sys
from collections.abc import AsyncIterator
from typing import Any

import uvicorn
from mcp import types
from mcp.server.lowlevel import Server
from mcp.server.streamable_http_manager import StreamableHTTPSessionManager
from starlette.applications import Starlette
from starlette.routing import Mount

TOOLS = ("insert_cell", "edit_cell", "overwrite_cell_source", "move_cell", "delete_cell")


async def list_tools(_ctx: object, _params: object) -> types.ListToolsResult:
    """Return tools with the names that the agents call."""
    return types.ListToolsResult(
        tools=[types.Tool(name=name, input_schema={"type": "object"}) for name in TOOLS]
    )


async def call_tool(_ctx: object, _params: object) -> types.CallToolResult:
    """Do nothing, and return a reply in the form that the agents expect."""
    text = "Inserted cell 1 (id 00000000) in nothing.ipynb."
    return types.CallToolResult(content=[types.TextContent(text=text)])


def app() -> Starlette:
    """Return the application."""
    server: Server[Any] = Server("bare", on_list_tools=list_tools, on_call_tool=call_tool)
    manager = StreamableHTTPSessionManager(server)

    @contextlib.asynccontextmanager
    async def lifespan(_app: Starlette) -> AsyncIterator[None]:
        async with manager.run():
            yield

    return Starlette(routes=[Mount("/", app=manager.handle_request)], lifespan=lifespan)


if __name__ == "__main__":
    # Connections stay open while the other server is measured.
    uvicorn.run(
        app(),
        host="127.0.0.1",
        port=int(sys.argv[1]),
        log_level="warning",
        timeout_keep_alive=600,
    )
