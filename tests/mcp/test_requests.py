"""Requests that are not what the protocol wants."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator

import httpx2
import pytest

from jmcp_lab.mcp import traffic as sessions

from ..support.endpoint import ACCEPT, INITIALIZE, Door, http_client, open_session, tool_call

MODERN = {"MCP-Protocol-Version": "2026-07-28"}
JSON = {"Content-Type": "application/json"}


@pytest.mark.parametrize(
    "content_type", ["text/plain", "multipart/form-data", "application/json-seq", ""]
)
async def test_only_json_is_accepted(door: Door, content_type: str) -> None:
    _, token = door.mint()
    body = json.dumps(INITIALIZE)
    async with http_client(token) as http:
        headers = ACCEPT | {"Content-Type": content_type}
        answer = await http.post(door.url, content=body, headers=headers)
    assert answer.status_code == 415


@pytest.mark.parametrize("era", [{}, MODERN], ids=["legacy", "modern"])
@pytest.mark.parametrize(
    "body",
    [
        pytest.param("{", id="broken"),
        pytest.param("", id="empty"),
        pytest.param("[" * 10_000 + "]" * 10_000, id="deep"),
        pytest.param(
            '{"jsonrpc": "2.0", "id": 1, "method": "ping", "params": {"a": NaN}}', id="nan"
        ),
        pytest.param('[{"jsonrpc": "2.0", "id": 1, "method": "ping"}]', id="batch"),
        pytest.param('{"jsonrpc": "1.0", "id": 1, "method": "ping"}', id="version"),
        pytest.param('"text"', id="text"),
        pytest.param('{"id": {}, "jsonrpc": "2.0", "method": "ping"}', id="id"),
        pytest.param("\xff\xfe", id="bytes"),
    ],
)
async def test_a_body_that_is_not_a_message_is_400(
    door: Door, body: str, era: dict[str, str]
) -> None:
    _, token = door.mint()
    async with http_client(token) as http:
        content = body.encode("latin-1")
        answer = await http.post(door.url, content=content, headers=ACCEPT | JSON | era)
    assert answer.status_code == 400, answer.text
    assert "error" in answer.json()


async def test_a_large_body_is_refused_before_it_is_read(door: Door, jp_http_port: int) -> None:
    _, token = door.mint()
    reader, writer = await asyncio.open_connection("127.0.0.1", jp_http_port)
    head = [
        f"POST {door.url.split(str(jp_http_port))[1]} HTTP/1.1",
        f"Host: 127.0.0.1:{jp_http_port}",
        f"Authorization: Bearer {token}",
        "Content-Type: application/json",
        f"Content-Length: {10 * 1024 * 1024}",
    ]
    writer.write(("\r\n".join(head) + "\r\n\r\n").encode())
    async with asyncio.timeout(10):
        answer = await reader.readline()
    writer.close()
    assert b" 413 " in answer


async def test_a_large_body_of_unknown_length_is_cut_off(door: Door) -> None:
    _, token = door.mint()
    sent = 0

    async def body() -> AsyncIterator[bytes]:
        nonlocal sent
        for _ in range(200):
            sent += 100_000
            yield b" " * 100_000

    async with http_client(token) as http:
        try:
            answer = await http.post(door.url, content=body(), headers=ACCEPT | JSON)
        except httpx2.TransportError:
            return  # the connection was closed while we were still sending
    assert answer.status_code == 400


async def test_a_modern_request_needs_headers_that_match_its_body(door: Door) -> None:
    _, token = door.mint()
    meta = {
        "io.modelcontextprotocol/protocolVersion": "2026-07-28",
        "io.modelcontextprotocol/clientCapabilities": {},
    }
    message = tool_call("draw")
    message["params"] = {"name": "draw", "arguments": {}, "_meta": meta}
    good = ACCEPT | MODERN | {"Mcp-Method": "tools/call", "Mcp-Name": "draw"}
    async with http_client(token) as http:
        assert (await http.post(door.url, json=message, headers=good)).status_code == 200
        for name, value in [("Mcp-Method", "tools/list"), ("Mcp-Name", "echo")]:
            answer = await http.post(door.url, json=message, headers=good | {name: value})
            assert answer.status_code == 400
            missing = {key: held for key, held in good.items() if key != name}
            assert (await http.post(door.url, json=message, headers=missing)).status_code == 400
        wrong = good | {"MCP-Protocol-Version": "1999-01-01"}
        assert (await http.post(door.url, json=message, headers=wrong)).status_code == 400


async def test_a_session_has_one_stream_and_ends_with_delete(door: Door) -> None:
    agent, token = door.mint()
    async with http_client(token) as http:
        headers = await open_session(http, door.url)
        async with http.stream("GET", door.url, headers=headers) as stream:
            assert stream.status_code == 200
            assert stream.headers["content-type"].startswith("text/event-stream")
            assert stream.headers["x-accel-buffering"] == "no"
            second = await http.get(door.url, headers=headers)
            assert second.status_code == 409
            assert door.registry.connected(agent)
            assert (await http.delete(door.url, headers=headers)).status_code == 200
            async for _ in stream.aiter_bytes():
                pass  # until it ends
        answer = await http.post(door.url, json=tool_call("draw"), headers=headers)
        assert answer.status_code == 404


@pytest.mark.parametrize("method", ["PUT", "PATCH", "HEAD"])
async def test_other_methods_are_405(door: Door, method: str) -> None:
    _, token = door.mint()
    async with http_client(token) as http:
        answer = await http.request(method, door.url)
    assert answer.status_code == 405
    assert answer.headers["allow"] == "GET, POST, DELETE"


async def test_one_agent_cannot_take_all_sessions(door: Door) -> None:
    _, greedy = door.mint("greedy")
    _, other = door.mint("other")
    async with http_client(greedy) as http:
        first = await open_session(http, door.url)
        for _ in range(70):
            last = await open_session(http, door.url)
        assert len(door.service.sessions) <= sessions.MAX_SESSIONS_PER_AGENT
        again = await http.post(door.url, json=tool_call("draw"), headers=first)
        assert again.status_code == 200
        assert len(door.service.sessions) <= sessions.MAX_SESSIONS_PER_AGENT
        still = await http.post(door.url, json=tool_call("draw"), headers=last)
        assert still.status_code == 200
    async with http_client(other) as http:
        await open_session(http, door.url)


def events(text: str) -> list[tuple[str, str]]:
    """Return id and data of each event of a stream."""
    found = []
    for block in text.replace("\r\n", "\n").split("\n\n"):
        lines = dict(line.split(": ", 1) for line in block.splitlines() if ": " in line)
        if "id" in lines:
            found.append((lines["id"], lines.get("data", "")))
    return found


async def test_missed_messages_can_be_replayed_in_their_own_session_only(door: Door) -> None:
    _, token = door.mint()
    async with http_client(token) as http:
        one, two = await open_session(http, door.url), await open_session(http, door.url)
        call = tool_call("echo", {"text": "for session one"}, id=7)
        answer = await http.post(door.url, json=call, headers=one)
        first_id, _ = events(answer.text)[0]
        await http.post(door.url, json=tool_call("echo", {"text": "two"}, id=7), headers=two)
        again = await _replay(door, token, one | {"Last-Event-ID": first_id}, "for session one")
        assert "two" not in again
        other = await _replay(door, token, two | {"Last-Event-ID": first_id}, "two")
        assert "for session one" not in other


async def _replay(door: Door, token: str, headers: dict[str, str], until: str) -> str:
    text = ""
    async with (
        http_client(token) as http,
        http.stream("GET", door.url, headers=headers) as stream,
    ):
        async for chunk in stream.aiter_text():
            text += chunk
            if until in text:
                break
    return text


async def test_the_open_requests_of_one_agent_are_limited(
    door: Door, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sessions, "MAX_REQUESTS_PER_AGENT", 2)
    _, token = door.mint()
    _, other = door.mint("other")
    async with http_client(token) as http, http_client(other) as others:
        one, two = await open_session(http, door.url), await open_session(http, door.url)
        async with (
            http.stream("GET", door.url, headers=one),
            http.stream("GET", door.url, headers=two),
        ):
            call = tool_call("draw")
            assert (await http.post(door.url, json=call, headers=one)).status_code == 429
            await open_session(others, door.url)
