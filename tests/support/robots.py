"""Tools at work: a real server, real rooms, real kernels; only HTTP is left out."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import nbformat
import pytest
from jupyter_server.serverapp import ServerApp
from nbformat.v4 import new_code_cell, new_notebook
from pycrdt import Doc

from jmcp_lab.agents.agent import Agent
from jmcp_lab.agents.modes import EDIT, Mode
from jmcp_lab.calls.call import Call, CallState, Reply
from jmcp_lab.extension import JmcpLab
from jmcp_lab.notebooks.live_notebook import LiveNotebook

from .room_page import Fetch, OpenPage, Page

LIMIT = 60.0
"""Seconds until something must have happened."""


class Robot:
    """An agent that calls tools, and the person who answers its requests."""

    def __init__(self, app: JmcpLab, agent: Agent) -> None:
        self.app = app
        self.agent = agent
        app.pages.seen("test")

    async def call(self, tool: str, **arguments: Any) -> Reply:
        async with asyncio.timeout(LIMIT):
            return await self.app.dispatcher.call(self.agent, tool, arguments)

    async def say(self, tool: str, **arguments: Any) -> str:
        """Call a tool that must succeed."""
        reply = await self.call(tool, **arguments)
        assert not reply.is_error, reply.text
        return reply.text

    async def fail(self, tool: str, **arguments: Any) -> str:
        """Call a tool that must fail."""
        reply = await self.call(tool, **arguments)
        assert reply.is_error, reply.text
        return reply.text

    def start(self, tool: str, **arguments: Any) -> asyncio.Task[Reply]:
        return asyncio.create_task(self.call(tool, **arguments))

    async def request(self) -> Call:
        """Return the request of this agent that waits, once there is one."""
        ledger = self.app.ledger
        async with asyncio.timeout(LIMIT):
            while True:
                for call in ledger.active(self.agent.id):
                    if call.state is CallState.WAITING:
                        return call
                await asyncio.sleep(0)

    async def allow(self, option: str = "allow_once") -> Call:
        call = await self.request()
        assert call.action_hash is not None
        self.app.gate.decide(call.id, option, call.action_hash, by="Ada")
        return call

    async def deny(self, reason: str | None = None) -> Call:
        call = await self.request()
        assert call.action_hash is not None
        self.app.gate.decide(call.id, "reject_once", call.action_hash, reason=reason, by="Ada")
        return call

    async def run(self, tool: str, **arguments: Any) -> Reply:
        """Call a tool that asks, and allow it."""
        task = self.start(tool, **arguments)
        await self.allow()
        return await task

    async def open(self, path: str) -> LiveNotebook:
        return await self.app.rooms.open(path)


MakeRobot = Callable[..., Robot]


@pytest.fixture
def app(jp_serverapp: ServerApp) -> JmcpLab:
    (found,) = jp_serverapp.extension_manager.extension_apps["jmcp_lab"]
    assert isinstance(found, JmcpLab)
    return found


@pytest.fixture
def root(jp_root_dir: Path) -> Path:
    return jp_root_dir


@pytest.fixture
def make_robot(app: JmcpLab) -> MakeRobot:
    def make(mode: Mode = EDIT, label: str = "Robot", **rights: Any) -> Robot:
        return Robot(app, app.agents.add(label, mode, **rights)[0])

    return make


@pytest.fixture
def robot(make_robot: MakeRobot) -> Robot:
    return make_robot()


def write_notebook(root: Path, path: str, *sources: str, **metadata: Any) -> list[str]:
    """Write a notebook of code cells, and return their ids."""
    notebook = new_notebook(
        cells=[new_code_cell(source) for source in sources],
        metadata={"kernelspec": {"name": "python3", "display_name": "Python 3"}} | metadata,
    )
    (root / path).parent.mkdir(parents=True, exist_ok=True)
    nbformat.write(notebook, root / path)
    return [cell["id"] for cell in notebook.cells]


async def open_as_page(robot: Robot, path: str, kind: str = "file") -> None:
    """Open the room of a file as a page does, past our own rooms."""
    server = robot.app.serverapp
    assert server is not None
    (extension,) = server.extension_manager.extension_apps["jupyter_server_ydoc"]
    form = "json" if kind == "notebook" else "text"
    await extension.get_document(
        path=path, content_type=kind, file_format=form, copy=False, create=True
    )


def ids_in(text: str) -> list[str]:
    """Return the cell ids that a reply names."""
    return re.findall(r"id (\w+)", text)


@pytest.fixture
def open_page(
    jp_fetch: Fetch,
    jp_http_port: int,
    jp_base_url: str,
    jp_auth_header: dict[str, str],
    jp_asyncio_loop: asyncio.AbstractEventLoop,
) -> Iterator[OpenPage]:
    pages = []
    base = f"ws://localhost:{jp_http_port}{jp_base_url}"

    async def open_one(path: str, ydoc: Doc[Any] | None = None) -> Page:
        page = await Page.open(jp_fetch, base, jp_auth_header, path, ydoc)
        pages.append(page)
        return page

    yield open_one
    for page in pages:
        jp_asyncio_loop.run_until_complete(page.close())
