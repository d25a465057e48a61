"""The panel's REST interface on a real Jupyter server, with the services behind it."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace

import pytest
from jupyter_server.serverapp import ServerApp
from jupyter_server.utils import url_path_join
from tornado.httpserver import HTTPServer

from jmcp_lab.agents.pairing import Pairings
from jmcp_lab.agents.registry import AgentRegistry
from jmcp_lab.calls.ledger import Ledger
from jmcp_lab.panel.doorbell import Doorbell
from jmcp_lab.panel.handlers import routes
from jmcp_lab.permissions.gate import Gate
from jmcp_lab.runtime.open_pages import OpenPages
from jmcp_lab.runtime.supervisor import Supervisor

from ..support.rest import Panel, PanelApp


@pytest.fixture
def jp_server_config() -> dict[str, object]:
    """Return a server without extensions: the routes are added by hand."""
    return {"ServerApp": {"jpserver_extensions": {}}}


@pytest.fixture
def trust_outputs() -> str:
    """Return the setting; a test may be parametrized with another."""
    return "allowed"


@pytest.fixture
def panel(
    jp_serverapp: ServerApp,
    http_server: HTTPServer,
    jp_http_port: int,
    jp_base_url: str,
    jp_asyncio_loop: asyncio.AbstractEventLoop,
    tmp_path: Path,
    trust_outputs: str,
) -> Iterator[Panel]:
    agents = AgentRegistry(tmp_path / "agents" / "agents.json")
    ledger = Ledger()
    gate = Gate(ledger, agents)
    services = SimpleNamespace(ledger=ledger, gate=gate, agents=agents, runs={}, executor=None)
    app = PanelApp(
        ledger=ledger,
        agents=agents,
        gate=gate,
        pages=OpenPages(),
        supervisor=Supervisor(services),
        doorbell=Doorbell(jp_serverapp.event_logger, ledger, agents),
        pairings=Pairings(agents),
        trust_outputs=trust_outputs,
    )
    base = url_path_join(jp_base_url, "jmcp-lab", "api")
    jp_serverapp.web_app.add_handlers(".*$", routes(base, app.services()))
    origin = f"http://127.0.0.1:{jp_http_port}"
    panel = Panel(app, origin + jp_base_url, jp_serverapp.identity_provider.token)
    yield panel
    jp_asyncio_loop.run_until_complete(panel.close())
