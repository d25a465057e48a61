"""Addresses beside ours, with a secret in them: they answer, and no log holds them."""

from __future__ import annotations

import logging

import httpx2
import pytest

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
