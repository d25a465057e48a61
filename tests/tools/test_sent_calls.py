"""Calls as models really send them, through the gate and through the official client."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path

import pytest
from jupyter_server.serverapp import ServerApp
from mcp import Client
from mcp.client.streamable_http import streamable_http_client
from tornado.httpserver import HTTPServer

from jmcp_lab.agents.modes import ASK, EDIT
from jmcp_lab.calls.call import CallState
from jmcp_lab.errors import InvalidArgumentError
from jmcp_lab.extension import JmcpLab
from jmcp_lab.tools.table import TOOLS

from ..support.endpoint import http_client
from ..support.robots import LIMIT, MakeRobot, Robot, write_notebook
from .test_table import FORBIDDEN, MAX_LIST, keywords

ERAS = pytest.mark.parametrize("mode", ["legacy", "auto"])


@ERAS
async def test_what_clients_get_is_small_and_plain_and_takes_what_models_send(
    app: JmcpLab, jp_serverapp: ServerApp, http_server: HTTPServer, root: Path, mode: str
) -> None:
    await app._start_jupyter_server_extension(jp_serverapp)
    (cell,) = write_notebook(root, "a.ipynb", "x = 1")
    _, token = app.agents.add("Claude")
    url = f"http://127.0.0.1:{jp_serverapp.port}{jp_serverapp.base_url}mcp"
    async with http_client(token) as http:
        transport = streamable_http_client(url, http_client=http)
        async with Client(transport, mode=mode, cache=None) as client:
            listed = await client.list_tools()
            sent = listed.model_dump(by_alias=True, exclude_none=True, mode="json")
            ours = [tool for tool in sent["tools"] if tool["name"] in TOOLS]
            assert len(ours) == len(TOOLS)
            assert len(json.dumps({**sent, "tools": ours}, separators=(",", ":"))) < MAX_LIST
            for tool in ours:
                assert not FORBIDDEN & set(keywords(tool["inputSchema"]))

            async def say(tool: str, **arguments: object) -> str:
                result = await client.call_tool(tool, arguments)
                assert not result.is_error, result.content
                return "\n".join(part.text for part in result.content)

            edits = json.dumps([{"old_string": "1", "new_string": "null"}])
            await say("edit_cell", cell_id=cell[:6], edits=edits, notebook_path="a.ipynb")
            assert "x = null" in await say("read_cells", cells=f'["{cell}"]', notebook="a.ipynb")
            await say("insert_cell", source=["y = 2\n", "z = 3"], notebook="a.ipynb", index="")
            assert "y = 2" in await say("list_cells", notebook="a.ipynb", start="null", limit=None)
            wrong = await client.call_tool("edit_cell", {"cell": cell, "edits": [{"olds": "1"}]})
            assert wrong.is_error
            assert "There is no 'edits[0].olds'" in wrong.content[0].text


async def test_a_card_shows_what_the_tool_takes_however_it_was_sent(
    make_robot: MakeRobot, root: Path
) -> None:
    (cell,) = write_notebook(root, "a.ipynb", "x = 1")
    robot = make_robot(ASK)
    ways: list[dict[str, object]] = [
        {"cell": cell, "edits": [{"old": "1", "new": "2"}]},
        {"cellId": cell, "edits": json.dumps({"old_text": "1", "new_text": "2"})},
        {"cells": f'["{cell}"]', "old_string": "1", "new_string": ["2"]},
    ]
    tasks = [robot.start("edit_cell", notebook="a.ipynb", **arguments) for arguments in ways]
    call = await robot.request()
    assert call.action is not None
    (item,) = call.action.preview.items
    assert (item.cell_id, item.old, item.new) == (cell, "x = 1", "x = 2")
    # The same action is asked for once: the other two calls follow the first one.
    async with asyncio.timeout(LIMIT):
        while sum(c.follows == call.id for c in robot.app.ledger.since(0)) < 2:  # noqa: ASYNC110
            await asyncio.sleep(0)
    await robot.allow()
    for task in tasks:
        assert not (await task).is_error
    assert await robot.sources("a.ipynb") == ["x = 2"]


@pytest.mark.parametrize("nothing", [[], "[]", "", " ", ",", [""], '[""]', "[null]", [None]])
async def test_a_list_of_nothing_never_means_all(
    make_robot: MakeRobot, root: Path, nothing: object
) -> None:
    write_notebook(root, "a.ipynb", "x = 1", "y = 2")
    robot = make_robot(EDIT)
    notebook = await robot.open("a.ipynb")
    before = notebook.items()
    for tool, more in (
        ("execute_cell", {}),
        ("clear_outputs", {}),
        ("delete_cell", {}),
        ("move_cell", {"index": 0}),
        ("read_cells", {}),
    ):
        assert await refused(robot, tool, notebook="a.ipynb", cells=nothing, **more)
    assert await refused(robot, "inspect_variables", notebook="a.ipynb", names=nothing)
    assert notebook.items() == before
    assert not [c for c in robot.app.ledger.since(0) if c.state is CallState.WAITING]


async def refused(robot: Robot, tool: str, **arguments: object) -> bool:
    try:
        return (await robot.call(tool, **arguments)).is_error
    except InvalidArgumentError:
        return True


async def test_a_number_is_not_the_id_that_starts_with_it(robot: Robot, root: Path) -> None:
    write_notebook(root, "a.ipynb", "x = 1", "y = 2")
    for sent in (3, [3], "[3]"):
        with pytest.raises(InvalidArgumentError, match="give the id of a cell"):
            await robot.call("delete_cell", notebook="a.ipynb", cells=sent)
