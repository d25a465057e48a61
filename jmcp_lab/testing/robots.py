"""Provides an agent that calls tools and a person who answers, without going through HTTP."""

from __future__ import annotations

import asyncio
import re
from pathlib import Path
from typing import TYPE_CHECKING, Any

import nbformat as untyped_nbformat

from ..calls.call import Call, CallState, Reply

if TYPE_CHECKING:
    from ..agents.agent import Agent
    from ..extension import JmcpLab
    from ..notebooks.live_notebook import LiveNotebook

# nbformat 5.10 has no type hints.
nbformat: Any = untyped_nbformat

LIMIT = 60.0
"""Maximum number of seconds to wait for anything."""


class Robot:
    """An agent that calls tools, and the person who answers its requests."""

    def __init__(self, app: JmcpLab, agent: Agent) -> None:
        self.app = app
        self.agent = agent
        app.pages.seen("test")

    @property
    def tools(self) -> list[str]:
        """Names of the tools that the agent can call, in the order of the list."""
        return list(self.app.dispatcher.tools)

    async def call(self, tool: str, **arguments: Any) -> Reply:
        """Call a tool, and return its reply."""
        async with asyncio.timeout(LIMIT):
            return await self.app.dispatcher.call(self.agent, tool, arguments)

    async def say(self, tool: str, **arguments: Any) -> str:
        """Call a tool that must succeed, and return the text of its reply."""
        reply = await self.call(tool, **arguments)
        assert not reply.is_error, reply.text
        return reply.text

    async def fail(self, tool: str, **arguments: Any) -> str:
        """Call a tool that must fail, and return the text of its reply."""
        reply = await self.call(tool, **arguments)
        assert reply.is_error, reply.text
        return reply.text

    def start(self, tool: str, **arguments: Any) -> asyncio.Task[Reply]:
        """Start a call that asks, while the test continues as the person."""
        return asyncio.create_task(self.call(tool, **arguments))

    async def request(self) -> Call:
        """Wait until this agent has a waiting request, and return its call."""
        ledger = self.app.ledger
        async with asyncio.timeout(LIMIT):
            while True:
                for call in ledger.active(self.agent.id):
                    if call.state is CallState.WAITING:
                        return call
                await asyncio.sleep(0)

    async def allow(self, option: str = "allow_once") -> Call:
        """Allow the waiting request as the person."""
        call = await self.request()
        assert call.action_hash is not None
        self.app.gate.decide(call.id, option, call.action_hash, by="Ada")
        return call

    async def deny(self, reason: str | None = None) -> Call:
        """Deny the waiting request as the person."""
        call = await self.request()
        assert call.action_hash is not None
        self.app.gate.decide(call.id, "reject_once", call.action_hash, reason=reason, by="Ada")
        return call

    async def run(self, tool: str, **arguments: Any) -> Reply:
        """Call a tool that asks, allow the request, and return the reply."""
        task = self.start(tool, **arguments)
        await self.allow()
        return await task

    async def open(self, path: str) -> LiveNotebook:
        """Open a notebook and return the live notebook."""
        return await self.app.rooms.open(path)

    async def sources(self, path: str) -> list[str]:
        """Return the texts of a notebook's cells, as all open pages show them."""
        notebook = await self.open(path)
        return [str(notebook.source(cell_id)) for cell_id in notebook.ids]


def write_notebook(root: Path, path: str, *sources: str, **metadata: Any) -> list[str]:
    """Write a notebook of code cells, and return their ids."""
    return _write(root, path, [nbformat.v4.new_code_cell(source) for source in sources], metadata)


def write_markdown(root: Path, path: str, *sources: str, **metadata: Any) -> list[str]:
    """Write a notebook of Markdown cells, and return their ids."""
    return _write(
        root, path, [nbformat.v4.new_markdown_cell(source) for source in sources], metadata
    )


def _write(root: Path, path: str, cells: list[Any], metadata: dict[str, Any]) -> list[str]:
    kernel = {"kernelspec": {"name": "python3", "display_name": "Python 3"}}
    notebook = nbformat.v4.new_notebook(cells=cells, metadata=kernel | metadata)
    (root / path).parent.mkdir(parents=True, exist_ok=True)
    nbformat.write(notebook, root / path)
    return [cell["id"] for cell in notebook.cells]


def ids_in(text: str) -> list[str]:
    """Return the cell ids that a reply names."""
    return re.findall(r"id (\w+)", text)
