"""Addresses beside ours, with a secret in them: they answer, and no log holds them."""

from __future__ import annotations

import logging

import httpx2
import pytest

from .conftest import Robot


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
    paths = ("mcp/", "mcp//", "jmcp-lab/api/", "jmcp-lab/api/stat", f"jmcp-lab/api/nosuch/{token}")
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
