"""The door alone: a real Jupyter server on a real HTTP port."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from jupyter_server.serverapp import ServerApp
from jupyter_server.utils import url_path_join
from tornado.httpserver import HTTPServer

from jmcp_lab.agents.registry import AgentRegistry
from jmcp_lab.mcp.endpoint import McpEndpoint
from jmcp_lab.mcp.handler import McpHandler
from jmcp_lab.mcp.rate_limit import WrongTokens

from ..support.endpoint import Door, FixtureDispatcher


@pytest.fixture
def jp_server_config() -> dict[str, object]:
    """Return a server without extensions: the door is added by hand."""
    return {"ServerApp": {"jpserver_extensions": {}}}


@pytest.fixture
def registry_file(tmp_path: Path) -> Path:
    return tmp_path / "agents" / "agents.json"


@pytest.fixture
def registry(registry_file: Path) -> AgentRegistry:
    return AgentRegistry(registry_file)


@pytest.fixture
def build_door(
    jp_serverapp: ServerApp,
    http_server: HTTPServer,
    jp_http_port: int,
    jp_base_url: str,
    registry: AgentRegistry,
    registry_file: Path,
) -> Callable[..., Door]:
    """Return a maker of a door that has not been started."""

    def build(left_after: float = 0.2, **named: Any) -> Door:
        dispatcher = FixtureDispatcher()
        log = logging.getLogger("jmcp-test")
        services: dict[str, Any] = {"wrong_tokens": WrongTokens(5)}

        def make_service(agents: AgentRegistry) -> McpEndpoint:
            service = McpEndpoint(
                dispatcher, agents, version="1.2.3", log=log, left_after=left_after, **named
            )
            services.update(endpoint=service, registry=agents)
            return service

        async def restart() -> None:
            await door.service.stop()
            door.registry = AgentRegistry(registry_file)
            door.service = make_service(door.registry)
            await door.service.start()

        service = make_service(registry)
        path = url_path_join(jp_base_url, "mcp")
        jp_serverapp.web_app.add_handlers(".*$", [(path, McpHandler, services)])
        url = f"http://127.0.0.1:{jp_http_port}{path}"
        door = Door(service, registry, dispatcher, url, restart)
        return door

    return build


@pytest.fixture
def door(
    build_door: Callable[..., Door], jp_asyncio_loop: asyncio.AbstractEventLoop
) -> Iterator[Door]:
    door = build_door()
    jp_asyncio_loop.run_until_complete(door.service.start())
    assert door.service.error is None
    yield door
    jp_asyncio_loop.run_until_complete(door.service.stop())
