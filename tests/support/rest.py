"""Provides a browser and other callers of the panel's REST interface."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field

import httpx2

from jmcp_lab.agents.agent import Agent
from jmcp_lab.agents.pairing import Pairings
from jmcp_lab.agents.registry import AgentRegistry
from jmcp_lab.calls.call import Action, Call, Preview, PreviewItem, Target, ToolClass
from jmcp_lab.calls.ledger import Ledger
from jmcp_lab.panel.doorbell import Doorbell
from jmcp_lab.panel.services import PanelServices
from jmcp_lab.permissions.gate import Gate
from jmcp_lab.rooms.liveness import NotLive
from jmcp_lab.rooms.troubles import Troubles
from jmcp_lab.rooms.upstream.names import Name
from jmcp_lab.runtime.open_pages import OpenPages
from jmcp_lab.runtime.supervisor import Supervisor


@dataclass
class PanelApp:
    """The services that the panel uses, without anything that runs behind them."""

    ledger: Ledger
    agents: AgentRegistry
    gate: Gate
    pages: OpenPages
    supervisor: Supervisor
    doorbell: Doorbell
    pairings: Pairings
    trust_outputs: str
    mcp_error: str | None = None
    not_live: NotLive | None = None
    missing: tuple[Name, ...] = ()
    troubles: Callable[[], Troubles] = Troubles

    def services(self) -> PanelServices:
        """Return the services for the panel's handlers."""
        return PanelServices(
            agents=self.agents,
            pairings=self.pairings,
            ledger=self.ledger,
            gate=self.gate,
            pages=self.pages,
            supervisor=self.supervisor,
            doorbell=self.doorbell,
            version="1.2.3",
            mcp_path="mcp",
            protection="standard",
            trust_outputs=self.trust_outputs,
            mcp_error=lambda: self.mcp_error,
            not_live=lambda: self.not_live,
            missing=lambda: self.missing,
            troubles=lambda: self.troubles(),
            where_to_open=lambda: "JupyterLab",
        )

    def ask(
        self,
        agent: Agent,
        source: str = "1 + 1",
        path: str = "sales.ipynb",
        *,
        also: tuple[ToolClass, ...] = (),
    ) -> tuple[Call, asyncio.Task[Action]]:
        """Let an agent ask to run a cell; return the call and the task that waits."""
        call = self.ledger.open(agent.id, agent.label, "execute_cell", ToolClass.RUN, {}, also=also)
        action = Action(
            tool="execute_cell",
            tool_class=ToolClass.RUN,
            summary=f"Run cell 1 in {path}",
            target=Target(path, ("ab12",), (1,), "python3", "file-1"),
            preview=Preview("code", (PreviewItem("Cell 1", "ab12", source),)),
        )
        task = asyncio.create_task(self.gate.permit(call, agent, lambda: action))
        return call, task

    async def waiting(self, call: Call) -> Call:
        """Wait until a call waits for the person."""
        async with asyncio.timeout(5):
            while call.state != "waiting_for_approval":
                await self.ledger.changed(call, call.seq)
        return call


@dataclass
class Panel:
    """The interface under test, and the callers that come to it."""

    app: PanelApp
    base: str
    server_token: str
    clients: list[httpx2.AsyncClient] = field(default_factory=list)

    @property
    def url(self) -> str:
        return self.base + "jmcp-lab/api/"

    def stranger(self, **headers: str) -> httpx2.AsyncClient:
        """Return a caller without any credentials."""
        client = httpx2.AsyncClient(base_url=self.url, headers=headers, timeout=20)
        self.clients.append(client)
        return client

    async def browser(self, **headers: str) -> httpx2.AsyncClient:
        """Return a browser that has logged in, and sends the XSRF header as our page does."""
        client = self.stranger(**headers)
        login = await client.get(self.base + "login")
        xsrf = client.cookies.get("_xsrf")
        if login.status_code == 200:
            form = {"password": self.server_token, "_xsrf": xsrf}
            answer = await client.post(self.base + "login", data=form)
            assert answer.status_code == 302, answer.text
        client.headers["X-XSRFToken"] = client.cookies.get("_xsrf") or ""
        return client

    async def close(self) -> None:
        """Close what the callers left open."""
        for client in self.clients:
            await client.aclose()
