"""Addresses beside ours, with a secret in them: they answer, and no log holds them."""

from __future__ import annotations

import logging

import httpx2
import pytest
from mcp.client.auth import OAuthClientProvider, OAuthRegistrationError
from mcp.shared.auth import OAuthClientMetadata
from pydantic import AnyUrl

from .support.robots import Robot


@pytest.mark.usefixtures("jp_fetch")
@pytest.mark.parametrize("method", ["GET", "POST", "DELETE"])
async def test_a_slip_in_an_address_puts_no_secret_into_the_log(
    robot: Robot,
    jp_http_port: int,
    jp_base_url: str,
    caplog: pytest.LogCaptureFixture,
    method: str,
) -> None:
    caplog.set_level(logging.DEBUG)
    _, token = robot.app.agents.add("Claude")
    base = f"http://localhost:{jp_http_port}{jp_base_url}"
    paths = (
        "mcp/",
        "mcp//",
        "jmcp-lab/api/",
        "jmcp-lab/api/stat",
        f"jmcp-lab/api/nosuch/{token}",
        f"mcp/{token}",
        "mcp/x/y",
    )
    async with httpx2.AsyncClient(base_url=base, timeout=20) as client:
        for path in paths:
            for headers in ({}, {"Origin": "http://evil.example"}):
                asked = f"{path}?token={token}&api_key={token}"
                answer = await client.request(method, asked, headers=headers)
                assert (answer.status_code, token in answer.text) == (404, False), path
                assert "without a slash" in answer.json()["message"]
                assert not answer.cookies
    ours = [each for each in caplog.records if not each.name.startswith("http")]
    assert ours
    assert not [each for each in ours if token in each.getMessage()]


@pytest.mark.usefixtures("jp_fetch")
async def test_a_token_in_any_address_or_exception_is_in_no_log_line(
    robot: Robot, jp_http_port: int, jp_base_url: str, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    _, token = robot.app.agents.add("Claude")
    address = f"http://localhost:{jp_http_port}"
    coded = token.replace("_", "%5F")
    paths = (
        f"{jp_base_url}jmcp_lab/api/{token}",
        f"{jp_base_url}api/contents/{token}",
        f"{jp_base_url}lab/tree/{coded}",
        f"{jp_base_url}{token}",
        f"/{token}",
        f"{jp_base_url}static/{token}.js?v={token}",
        f"{jp_base_url}nbextensions/x?x={token}",
    )
    async with httpx2.AsyncClient(base_url=address, timeout=20) as client:
        for path in paths:
            for headers in ({}, {"Referer": f"{address}/{token}"}):
                await client.get(path, headers=headers)
    log = robot.app.log
    log.error("A body %s that does not fit: %d", token, "x")
    try:
        raise ValueError(f"no such thing: {token}")
    except ValueError:
        log.exception("A tool failed with %s", {"Authorization": f"Bearer {token}"})
    ours = [each for each in caplog.records if not each.name.startswith("http")]
    assert any("jml_…" in each.getMessage() for each in ours)
    lines = "\n".join([*(each.getMessage() for each in ours), caplog.text])
    kept = [line for line in lines.split("\n") if token[4:] in line and "httpx" not in line]
    assert not kept
    assert "ValueError: no such thing: jml_…" in caplog.text


@pytest.mark.usefixtures("jp_fetch")
@pytest.mark.parametrize("method", ["GET", "POST"])
async def test_a_client_that_looks_for_a_sign_in_is_told_in_json_that_there_is_none(
    robot: Robot, jp_http_port: int, jp_base_url: str, method: str
) -> None:
    base = f"http://localhost:{jp_http_port}{jp_base_url}"
    paths = (
        ".well-known/oauth-protected-resource",
        ".well-known/oauth-protected-resource/mcp",
        ".well-known/oauth-authorization-server",
        ".well-known/oauth-authorization-server/a/mcp",
        ".well-known/openid-configuration",
        "mcp/.well-known/openid-configuration",
        "register",
        "token",
        "authorize?client_id=x",
        "revoke",
    )
    async with httpx2.AsyncClient(base_url=base, timeout=20) as client:
        for path in paths:
            answer = await client.request(method, path, json={"redirect_uris": []})
            assert answer.status_code == 404, path
            assert answer.headers["content-type"].startswith("application/json"), path
            assert "Agents panel" in answer.json()["message"]
            # No client mistakes it for metadata or for a registered client.
            assert not {"issuer", "resource", "client_id", "access_token"} & answer.json().keys()


@pytest.mark.usefixtures("jp_fetch")
async def test_the_sdks_own_sign_in_finds_none_and_ends(
    robot: Robot, jp_http_port: int, jp_base_url: str
) -> None:
    base = f"http://localhost:{jp_http_port}{jp_base_url}mcp"

    async def nobody(_url: str) -> None:
        raise AssertionError("no browser is opened")

    provider = OAuthClientProvider(
        base,
        OAuthClientMetadata(redirect_uris=[AnyUrl("http://localhost:1/callback")]),
        NoTokens(),
        redirect_handler=nobody,
    )
    await robot.app.endpoint.start()
    try:
        async with httpx2.AsyncClient(auth=provider, timeout=20) as client:
            with pytest.raises(OAuthRegistrationError, match="There is no sign-in"):
                await client.post(base, json={})
    finally:
        await robot.app.endpoint.stop()


class NoTokens:
    """Keeps nothing."""

    async def get_tokens(self) -> None:
        return None

    async def set_tokens(self, tokens: object) -> None: ...

    async def get_client_info(self) -> None:
        return None

    async def set_client_info(self, client_info: object) -> None: ...
