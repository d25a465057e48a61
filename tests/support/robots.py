"""Provides tools on a real server with real rooms and kernels, without going through HTTP."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from pycrdt import Doc

from jmcp_lab.extension import JmcpLab
from jmcp_lab.testing.fixtures import MakeRobot
from jmcp_lab.testing.robots import LIMIT, Robot, ids_in, write_notebook

from .room_page import Fetch, OpenPage, Page

__all__ = ["LIMIT", "MakeRobot", "Robot", "ids_in", "open_as_page", "write_notebook"]


@pytest.fixture
def app(jmcp_app: JmcpLab) -> JmcpLab:
    return jmcp_app


@pytest.fixture
def root(jmcp_root: Path) -> Path:
    return jmcp_root


@pytest.fixture
def make_robot(app: JmcpLab, make_jmcp_robot: MakeRobot) -> MakeRobot:
    return make_jmcp_robot


@pytest.fixture
def robot(make_robot: MakeRobot) -> Robot:
    return make_robot()


async def open_as_page(robot: Robot, path: str, kind: str = "file") -> None:
    """Open the room of a file as a page does, without jmcp_lab's own rooms."""
    server = robot.app.serverapp
    assert server is not None
    (extension,) = server.extension_manager.extension_apps["jupyter_server_ydoc"]
    form = "json" if kind == "notebook" else "text"
    await extension.get_document(
        path=path, content_type=kind, file_format=form, copy=False, create=True
    )


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
