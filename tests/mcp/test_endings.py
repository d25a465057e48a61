"""How calls, streams and the door itself end."""

from __future__ import annotations

import asyncio
import subprocess
import sys
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

import anyio
import httpx2
import pytest

from jmcp_lab.mcp import sdk_server as sdk_side

from ..support.endpoint import INITIALIZE, Door, http_client, open_session, tool_call, within

MODERN_HEADERS = {
    "Accept": "application/json, text/event-stream",
    "MCP-Protocol-Version": "2026-07-28",
    "Mcp-Method": "tools/call",
    "Mcp-Name": "block",
}


def modern_call(name: str) -> dict[str, object]:
    message = tool_call(name)
    message["params"] = {
        "name": name,
        "arguments": {},
        "_meta": {
            "io.modelcontextprotocol/protocolVersion": "2026-07-28",
            "io.modelcontextprotocol/clientCapabilities": {},
            "progressToken": 1,
        },
    }
    return message


@asynccontextmanager
async def blocked_call(
    door: Door, http: httpx2.AsyncClient, era: str
) -> AsyncIterator[httpx2.Response]:
    """Start a call that waits, and yield its stream."""
    if era == "legacy":
        headers, body = await open_session(http, door.url), tool_call("block")
    else:
        headers, body = MODERN_HEADERS, modern_call("block")
    async with http.stream("POST", door.url, json=body, headers=headers) as stream:
        assert stream.status_code == 200
        await within(10, door.world.started)
        yield stream


@pytest.mark.parametrize("mode", ["legacy", "auto"])
async def test_a_client_that_cancels_ends_its_call(door: Door, mode: str) -> None:
    _, token = door.mint()
    async with door.client(token, mode) as client:
        with anyio.move_on_after(30):
            async with anyio.create_task_group() as group:
                group.start_soon(client.call_tool, "block", {})
                await within(10, door.world.started)
                group.cancel_scope.cancel()
        await within(10, door.world.cancelled)
        assert (await client.call_tool("echo", {"text": "still here"})).content


async def test_a_modern_client_that_goes_away_ends_its_call(door: Door) -> None:
    _, token = door.mint()
    async with http_client(token) as http, blocked_call(door, http, "modern"):
        pass
    await within(10, door.world.cancelled)


async def test_a_legacy_client_that_stays_away_ends_its_call(door: Door) -> None:
    _, token = door.mint()
    async with http_client(token) as http, blocked_call(door, http, "legacy"):
        pass
    await within(10, door.world.cancelled)


async def test_a_legacy_client_that_comes_back_keeps_its_call(
    build_door: Callable[..., Door],
) -> None:
    door = build_door(left_after=1.0)
    await door.service.start()
    _, token = door.mint()
    async with http_client(token) as http:
        headers = await open_session(http, door.url)
        async with http.stream("POST", door.url, json=tool_call("block"), headers=headers) as call:
            await within(10, door.world.started)
            first = await anext(call.aiter_text())
        last_id = next(line[4:] for line in first.splitlines() if line.startswith("id: "))
        headers["Last-Event-ID"] = last_id
        async with http.stream("GET", door.url, headers=headers) as stream:
            with pytest.raises(TimeoutError):
                await within(1.5, door.world.cancelled)  # longer than `left_after`
            door.world.go_on.set()
            async for text in stream.aiter_text():
                if "went on" in text:
                    break
    await door.service.stop()


@pytest.mark.parametrize("era", ["legacy", "modern"])
async def test_revoking_an_agent_ends_its_streams_and_calls(door: Door, era: str) -> None:
    agent, token = door.mint()
    other, other_token = door.mint("other")
    async with http_client(token) as http, http_client(other_token) as others:
        other_headers = await open_session(others, door.url)
        async with blocked_call(door, http, era) as stream:
            door.registry.revoke(agent.id)
            async with asyncio.timeout(1):
                async for _ in stream.aiter_bytes():
                    pass
        await within(1, door.world.cancelled)
        refused = await http.post(door.url, json=INITIALIZE)
        assert refused.status_code == 401
        answer = await others.post(door.url, json=tool_call("draw"), headers=other_headers)
        assert answer.status_code == 200
    assert door.registry.all() == [other]


async def test_revoking_an_agent_ends_its_message_stream(door: Door) -> None:
    agent, token = door.mint()
    async with http_client(token) as http:
        headers = await open_session(http, door.url)
        async with http.stream("GET", door.url, headers=headers) as stream:
            assert stream.status_code == 200
            door.registry.revoke(agent.id)
            async with asyncio.timeout(1):
                async for _ in stream.aiter_bytes():
                    pass


async def test_the_endpoint_stops_at_once_with_agents_connected(
    door: Door, caplog: pytest.LogCaptureFixture
) -> None:
    _, token = door.mint()
    async with http_client(token) as http, http_client(token) as second:
        await open_session(second, door.url)
        async with blocked_call(door, http, "legacy"), blocked_call(door, second, "modern"):
            async with asyncio.timeout(2):
                await door.service.stop()
        await within(1, door.world.cancelled)
        answer = await http.post(door.url, json=INITIALIZE)
        assert answer.status_code == 503
    assert not [each for each in caplog.records if each.name == "jmcp-test"]
    names = {getattr(task.get_coro(), "__name__", "") for task in asyncio.all_tasks()}
    assert "_shutdown_watcher" not in names


async def test_a_failed_start_is_reported_and_breaks_nothing_else(
    build_door: Callable[..., Door],
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    def broken(*args: object, **kwargs: object) -> None:
        raise ImportError("no such module\nin /home/somebody")

    monkeypatch.setattr(sdk_side, "build_manager", broken)
    door = build_door()
    await door.service.start()
    assert door.service.error is not None
    assert "ImportError" in door.service.error
    assert "/home" not in door.service.error
    lines = [each.getMessage() for each in caplog.records if each.name == "jmcp-test"]
    assert len(lines) == 1
    assert "no such module" in lines[0]
    agent, token = door.mint()
    async with http_client(token) as http:
        answer = await http.post(door.url, json=INITIALIZE)
        assert answer.status_code == 503
        assert answer.json()["error"]["message"] == door.service.error
        base = door.url.removesuffix("mcp")
        assert (await http.get(base + "login")).status_code == 200
    door.registry.revoke(agent.id)
    await door.service.stop()


async def test_an_endpoint_that_never_started_can_be_stopped(
    build_door: Callable[..., Door],
) -> None:
    await build_door().service.stop()


def test_loading_the_extension_does_not_import_the_sdk() -> None:
    code = (
        "import sys, jmcp_lab.extension, jmcp_lab.mcp.endpoint, jmcp_lab.mcp.handler\n"
        "print([name for name in sys.modules if name == 'mcp' or name.startswith('mcp.')])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


async def test_a_client_is_told_whether_the_server_is_starting_or_stopping(
    build_door: Callable[..., Door],
) -> None:
    door = build_door()
    _, token = door.mint()
    async with http_client(token) as http:
        knocking = asyncio.create_task(http.post(door.url, json=INITIALIZE))
        await asyncio.wait([knocking], timeout=0.5)
        assert not knocking.done()
        assert "still starting" in door.service.closed_because
        # A server that ends does not wait for its own start.
        await door.service.stop()
        async with asyncio.timeout(30):
            answer = await knocking
    assert answer.status_code == 503
    assert "The server is stopping" in answer.json()["error"]["message"]
