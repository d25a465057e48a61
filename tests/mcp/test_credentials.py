"""Who may open which door: an agent token opens the MCP endpoint, and nothing else does."""

from __future__ import annotations

import asyncio
import json
import logging
from datetime import UTC, datetime, timedelta
from pathlib import Path

import httpx2
import pytest
from jupyter_server.serverapp import ServerApp

from jmcp_lab.agents.registry import AgentRegistry
from jmcp_lab.agents.tokens import mint_token
from jmcp_lab.mcp.rate_limit import WrongTokens

from ..support.endpoint import ACCEPT, INITIALIZE, Door, http_client, open_session, tool_call


async def post(door: Door, url: str | None = None, **headers: str) -> httpx2.Response:
    async with http_client() as http:
        return await http.post(url or door.url, json=INITIALIZE, headers=ACCEPT | headers)


def assert_refused(answer: httpx2.Response, status: int) -> str:
    assert answer.status_code == status, answer.text
    assert answer.headers["content-type"] == "application/json"
    assert "set-cookie" not in answer.headers
    assert not [name for name in answer.headers if name.startswith("access-control-")]
    message: str = answer.json()["error"]["message"]
    assert "Traceback" not in message
    return message


async def test_without_credentials_it_is_401_with_a_challenge(door: Door) -> None:
    answer = await post(door)
    assert_refused(answer, 401)
    assert answer.headers["www-authenticate"].startswith("Bearer")


async def test_a_refusal_leaves_the_connection_usable(door: Door, jp_http_port: int) -> None:
    reader, writer = await asyncio.open_connection("127.0.0.1", jp_http_port)
    body = json.dumps(INITIALIZE | {"padding": "x" * 100_000}).encode()
    head = [
        f"POST {door.url.split(str(jp_http_port))[1]} HTTP/1.1",
        f"Host: 127.0.0.1:{jp_http_port}",
        "Content-Type: application/json",
        f"Content-Length: {len(body)}",
    ]
    request = ("\r\n".join(head) + "\r\n\r\n").encode() + body
    for _ in range(3):
        writer.write(request)
        async with asyncio.timeout(10):
            answer = (await reader.readuntil(b"\r\n\r\n")).decode().lower()
            length = int(answer.split("content-length: ")[1].split("\r\n")[0])
            await reader.readexactly(length)
        assert answer.startswith("http/1.1 401")
    writer.close()


@pytest.mark.parametrize("scheme", ["Bearer", "token"])
async def test_the_servers_token_in_a_header_gets_a_hint(
    door: Door, jp_serverapp: ServerApp, scheme: str
) -> None:
    token = jp_serverapp.identity_provider.token
    message = assert_refused(await post(door, Authorization=f"{scheme} {token}"), 401)
    assert "agent token" in message
    assert "Agents panel" in message
    assert token not in message


async def test_the_servers_token_in_the_url_gets_a_hint(
    door: Door, jp_serverapp: ServerApp
) -> None:
    token = jp_serverapp.identity_provider.token
    assert "agent token" in assert_refused(await post(door, f"{door.url}?token={token}"), 401)


async def test_a_login_cookie_does_not_open_the_endpoint(
    door: Door, jp_serverapp: ServerApp
) -> None:
    token = jp_serverapp.identity_provider.token
    async with http_client() as http:
        login = await http.get(door.url.removesuffix("mcp") + f"api/status?token={token}")
        assert login.status_code == 200
        assert http.cookies
        assert (await http.get(door.url.removesuffix("mcp") + "api/status")).status_code == 200
        assert_refused(await http.post(door.url, json=INITIALIZE, headers=ACCEPT), 401)


async def test_an_agent_token_in_the_url_is_refused_and_not_logged(
    door: Door, caplog: pytest.LogCaptureFixture
) -> None:
    _, token = door.mint()
    with caplog.at_level(logging.DEBUG):
        assert_refused(await post(door, f"{door.url}?token={token}"), 401)
    assert caplog.records
    ours = [each for each in caplog.records if not each.name.startswith(("httpx", "httpcore"))]
    assert not [each for each in ours if token in each.getMessage()]


@pytest.mark.parametrize(
    "value",
    [
        pytest.param("", id="empty"),
        pytest.param("Bearer", id="scheme only"),
        pytest.param("Bearer null", id="null"),
        pytest.param("Bearer jml_", id="prefix only"),
        pytest.param("Bearer " + mint_token(), id="of another server"),
        pytest.param("Bearer jml_" + "a" * 30_000, id="long"),
        pytest.param("Basic YTpi", id="basic"),
    ],
)
async def test_a_wrong_token_is_401(door: Door, value: str) -> None:
    message = assert_refused(await post(door, Authorization=value), 401)
    assert len(message) < 400


async def test_a_token_that_was_revoked_is_401(door: Door) -> None:
    agent, token = door.mint()
    assert (await post(door, Authorization=f"Bearer {token}")).status_code == 200
    door.registry.revoke(agent.id)
    assert "revoked" in assert_refused(await post(door, Authorization=f"Bearer {token}"), 401)


def test_an_expired_token_does_not_come_back(tmp_path: Path) -> None:
    now = [datetime(2030, 1, 1, tzinfo=UTC)]
    registry = AgentRegistry(tmp_path / "agents.json", clock=lambda: now[0])
    agent, token = registry.add("short", expires_in=60)
    assert registry.verify(token) is agent
    now[0] += timedelta(seconds=61)
    assert registry.verify(token) is None
    now[0] -= timedelta(hours=1)
    assert registry.verify(token) is None


async def test_another_agents_session_does_not_exist(door: Door) -> None:
    _, mine = door.mint("mine")
    _, other = door.mint("other")
    async with http_client(mine) as http:
        headers = await open_session(http, door.url)
        assert (
            await http.post(door.url, json=tool_call("draw"), headers=headers)
        ).status_code == 200
    async with http_client(other) as http:
        for method in ("GET", "POST", "DELETE"):
            body = tool_call("draw") if method == "POST" else None
            answer = await http.request(method, door.url, json=body, headers=headers)
            assert answer.status_code == 404


@pytest.mark.parametrize(
    "origin",
    [
        "http://evil.example",
        "null",
        "http://127.0.0.1.evil.com",
        "http://127.0.0.1:{port}.evil.com",
        "http://localhost:{port}",
        "http://127.0.0.1.:{port}",
        "http://user@127.0.0.1:{port}",
        "http://127.0.0.1:{port}/",
        "http://127.0.0.1:1",
        "file://",
        "",
    ],
)
@pytest.mark.parametrize("with_token", [True, False])
async def test_another_pages_origin_is_403(
    door: Door, jp_http_port: int, origin: str, with_token: bool
) -> None:
    headers = {"Origin": origin.format(port=jp_http_port)}
    if with_token:
        headers["Authorization"] = f"Bearer {door.mint()[1]}"
    assert_refused(await post(door, **headers), 403)


async def test_the_pages_own_origin_is_accepted(door: Door, jp_http_port: int) -> None:
    _, token = door.mint()
    origin = f"http://127.0.0.1:{jp_http_port}"
    assert (await post(door, Authorization=f"Bearer {token}", Origin=origin)).status_code == 200


@pytest.mark.parametrize("with_token", [True, False])
async def test_a_foreign_host_is_403(door: Door, jp_http_port: int, with_token: bool) -> None:
    headers = {"Host": f"evil.example:{jp_http_port}"}
    if with_token:
        headers["Authorization"] = f"Bearer {door.mint()[1]}"
    assert_refused(await post(door, **headers), 403)


async def test_a_preflight_gets_no_information(door: Door, jp_http_port: int) -> None:
    for origin in ("http://evil.example", f"http://127.0.0.1:{jp_http_port}"):
        headers = {"Origin": origin, "Access-Control-Request-Method": "POST"}
        async with http_client() as http:
            answer = await http.options(door.url, headers=headers)
        assert_refused(answer, 403 if "evil" in origin else 401)


@pytest.mark.parametrize("path", ["api/kernels", "api/contents", "api/sessions", "api/terminals"])
async def test_an_agent_token_opens_nothing_else(door: Door, path: str) -> None:
    _, token = door.mint()
    base = door.url.removesuffix("mcp")
    for headers in ({"Authorization": f"Bearer {token}"}, {"Authorization": f"token {token}"}):
        async with http_client(**headers) as http:
            for method in ("GET", "POST"):
                answer = await http.request(method, base + path)
                assert answer.status_code == 403
                assert "username" not in answer.headers.get("set-cookie", "")
    async with http_client() as http:
        assert (await http.get(f"{base}{path}?token={token}")).status_code == 403


async def test_wrong_tokens_are_limited_but_right_ones_pass(door: Door) -> None:
    _, token = door.mint()
    for _ in range(5):  # the limit of this door
        assert_refused(await post(door, Authorization="Bearer wrong"), 401)
    limited = await post(door, Authorization="Bearer wrong")
    assert_refused(limited, 429)
    assert limited.headers["retry-after"] == "60"
    assert_refused(await post(door), 401)
    assert (await post(door, Authorization=f"Bearer {token}")).status_code == 200


def test_the_limit_is_per_address_and_expires() -> None:
    now = [0.0]
    limit = WrongTokens(2, clock=lambda: now[0])
    assert [limit.exceeded("a") for _ in range(3)] == [False, False, True]
    assert not limit.exceeded("b")
    now[0] = 61
    assert not limit.exceeded("a")
