"""Nobody but the server writes into the audit log."""

from __future__ import annotations

import json
from typing import Any

import httpx2
from jupyter_server.serverapp import ServerApp
from tornado.httpserver import HTTPServer

from jmcp_lab.calls.audit import SCHEMA_ID
from jmcp_lab.calls.call import ToolClass
from jmcp_lab.extension import JmcpLab

from .test_audit import Memory

FORGED = {
    "call": "c_1",
    "agent": "a_1",
    "agent_label": "Claude",
    "tool": "execute_cell",
    "class": "run",
    "state": "running",
    "seq": 7,
    "path": "sales.ipynb",
    "cells": [],
    "action_hash": "0" * 64,
    "decision": {"allowed": True, "source": "user", "option": "allow_once", "by": "Ada"},
}


async def test_the_servers_token_cannot_write_audit_records_through_jupyters_events_route(
    jp_serverapp: ServerApp, http_server: HTTPServer
) -> None:
    [app] = jp_serverapp.extension_manager.extension_apps["jmcp_lab"]
    assert isinstance(app, JmcpLab)
    memory, heard = Memory(), []
    events = jp_serverapp.event_logger
    events.register_handler(memory)

    async def listen(logger: object, schema_id: str, data: dict[str, Any]) -> None:
        heard.append(data)

    events.add_listener(schema_id=SCHEMA_ID, listener=listen)
    token = jp_serverapp.identity_provider.token
    async with httpx2.AsyncClient(
        base_url=f"http://127.0.0.1:{jp_serverapp.port}{jp_serverapp.base_url}",
        headers={"Authorization": f"token {token}"},
    ) as http:
        app.ledger.open("a_1", "Claude", "execute_cell", ToolClass.RUN, {})
        for version in (1, "1"):
            body = {"schema_id": SCHEMA_ID, "version": version, "data": FORGED}
            answer = await http.post("api/events", json=body)
            assert answer.status_code == 400
            assert "Only jmcp_lab itself" in answer.text
        app.ledger.open("a_1", "Claude", "execute_cell", ToolClass.RUN, {})
    states = [record["state"] for record in memory.records if record["__schema__"] == SCHEMA_ID]
    assert states == ["received", "received"]
    assert "running" not in json.dumps(heard)
