"""The whole product in a process of its own, below a prefix, with a page and an agent connected."""

from __future__ import annotations

import asyncio
import signal
from collections.abc import Iterator
from pathlib import Path

import httpx2
import nbformat
import pytest
from mcp import Client
from mcp.client.streamable_http import streamable_http_client
from nbformat.v4 import new_notebook

from ..support.endpoint import http_client, open_session, tool_call
from ..support.processes import TOKEN, Process, end, start

STOPS_WITHIN = 6
"""Seconds; promised are 3, and a busy machine gets twice that."""


@pytest.fixture
def process(tmp_path: Path) -> Iterator[Process]:
    process = start(tmp_path)
    yield process
    end(process)


@pytest.fixture
def process_without_sdk(tmp_path: Path) -> Iterator[Process]:
    broken = tmp_path / "broken" / "mcp"
    broken.mkdir(parents=True)
    (broken / "__init__.py").write_text("raise ImportError('made for the test')")
    process = start(tmp_path, PYTHONPATH=str(broken.parent))
    yield process
    end(process)


async def test_the_server_ends_at_once_with_a_page_and_agents_connected(process: Process) -> None:
    await process.up()
    async with http_client() as browser:
        await process.log_in(browser)
        page = await process.open_page(browser)
        answer = await browser.post(process.url + "jmcp-lab/api/agents", json={"label": "Ada's"})
        made = answer.json()
        assert made["url"] == process.url + "mcp"
        async with http_client(made["token"]) as http:
            async with Client(
                streamable_http_client(made["url"], http_client=http), mode="auto"
            ) as client:
                assert not (await client.call_tool("get_context", {})).is_error
            ring = await asyncio.wait_for(page.read_message(), 10)
            assert ring is not None
            await browser.get(process.url + "jmcp-lab/api/state?tab=page1")
            headers = await open_session(http, made["url"])
            create = tool_call("use_notebook", {"notebook": "a.ipynb", "create": True}, id=2)
            assert (await http.post(made["url"], json=create, headers=headers)).status_code == 200
            run = tool_call("insert_execute_code_cell", {"source": "1 + 1"}, id=3)
            async with (
                http.stream("GET", made["url"], headers=headers) as messages,
                http.stream("POST", made["url"], json=run, headers=headers) as waiting,
            ):
                assert messages.status_code == 200
                assert waiting.status_code == 200
                await _wait_for_the_card(browser, process)
                process.popen.send_signal(signal.SIGTERM)
                await asyncio.to_thread(process.popen.wait, STOPS_WITHIN)
        page.close()
    log = process.log.read_text()
    assert made["token"] not in log
    assert TOKEN not in log
    assert "did not stop cleanly" not in log
    assert "Task was destroyed" not in log


async def test_the_server_ends_after_agents_opened_many_notebooks_at_once(
    process: Process,
) -> None:
    await process.up()
    async with http_client() as browser:
        await process.log_in(browser)
        answer = await browser.post(process.url + "jmcp-lab/api/agents", json={"label": "Ada's"})
        made = answer.json()
        async with (
            http_client(made["token"]) as http,
            Client(streamable_http_client(made["url"], http_client=http), mode="auto") as client,
        ):
            work = process.log.parent / "work"
            names = [f"{number}.ipynb" for number in range(12)]
            for name in names:
                nbformat.write(new_notebook(), work / name)
            await asyncio.gather(
                *(
                    client.call_tool("insert_cell", {"notebook": name, "source": "x = 1"})
                    for name in names
                )
            )
    process.popen.send_signal(signal.SIGTERM)
    await asyncio.to_thread(process.popen.wait, STOPS_WITHIN)
    assert "Traceback" not in process.log.read_text()
    saved = [nbformat.read(work / name, as_version=4).cells[-1].source for name in names]
    assert saved == ["x = 1"] * 12


@pytest.mark.parametrize("signal_number", [signal.SIGTERM, signal.SIGKILL])
async def test_a_client_goes_on_in_its_notebook_after_the_server_was_restarted(
    process: Process, tmp_path: Path, signal_number: signal.Signals
) -> None:
    nbformat.write(new_notebook(), tmp_path / "work" / "a.ipynb")
    await process.up()
    async with http_client() as browser:
        await process.log_in(browser)
        answer = await browser.post(process.url + "jmcp-lab/api/agents", json={"label": "Ada's"})
        made = answer.json()
    again = None
    try:
        async with (
            http_client(made["token"]) as http,
            Client(streamable_http_client(made["url"], http_client=http), mode="legacy") as client,
        ):
            await client.call_tool("use_notebook", {"notebook": "a.ipynb"})
            process.popen.send_signal(signal_number)
            await asyncio.to_thread(process.popen.wait, STOPS_WITHIN)
            again = start(tmp_path, port=process.port)
            await again.up()
            result = await client.call_tool("insert_cell", {"source": "x = 1"})
            assert not result.is_error, result.content
            read = await client.call_tool("read_cells", {})
            assert "x = 1" in str(read.content)
    finally:
        if again is not None:
            end(again)


async def test_an_agent_that_connects_while_the_server_starts_is_accepted(process: Process) -> None:
    await process.up()
    async with http_client() as browser:
        # The server answers before the door is open; nobody is sent away for it.
        assert (await browser.post(process.url + "mcp", json={})).status_code == 401


async def _wait_for_the_card(browser: httpx2.AsyncClient, process: Process) -> None:
    async with asyncio.timeout(30):
        while True:
            answer = await browser.get(process.url + "jmcp-lab/api/state?since=0&tab=page1")
            states = [call["state"] for call in answer.json()["calls"]]
            if "waiting_for_approval" in states:
                return
            await asyncio.sleep(0.1)


async def test_an_endpoint_that_cannot_start_leaves_the_server_usable(
    process_without_sdk: Process,
) -> None:
    process = process_without_sdk
    await process.up()
    async with http_client() as browser:
        await process.log_in(browser)
        refused = await browser.post(process.url + "mcp", json={})
        assert refused.status_code == 503
        state = (await browser.get(process.url + "jmcp-lab/api/state")).json()
        assert "Agents cannot connect" in state["server"]["mcp_error"]
        assert refused.json()["error"]["message"] == state["server"]["mcp_error"]
        assert (await browser.get(process.url + "lab")).status_code == 200
    process.popen.send_signal(signal.SIGTERM)
    await asyncio.to_thread(process.popen.wait, STOPS_WITHIN)
    lines = [line for line in process.log.read_text().splitlines() if "Agents cannot" in line]
    assert len(lines) == 1
    assert "made for the test" in lines[0]
