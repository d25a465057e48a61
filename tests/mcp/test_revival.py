"""Clients whose session this server does not know: after a restart, or after a long silence."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

import httpx2
import pytest

from jmcp_lab.mcp.traffic import IDLE_SECONDS, MAX_SESSIONS, MAX_SESSIONS_PER_AGENT

from ..support.endpoint import (
    ACCEPT,
    INITIALIZE,
    Door,
    http_client,
    open_session,
    tool_call,
)

LIMIT = 30.0


async def say(http: httpx2.AsyncClient, door: Door, headers: dict[str, str], id: int = 1) -> str:
    """Call the tool that says something again, and return its reply."""
    call = tool_call("echo", {"text": "hello"}, id=id)
    answer = await http.post(door.url, json=call, headers=headers)
    assert answer.status_code == 200, answer.text
    assert answer.headers["mcp-session-id"] == headers["Mcp-Session-Id"]
    return answer.text


async def test_the_official_client_goes_on_after_a_restart(door: Door) -> None:
    _, token = door.mint()
    async with asyncio.timeout(LIMIT), door.client(token, mode="legacy") as client:
        await client.list_tools()
        await door.restart()
        result = await client.call_tool("echo", {"text": "hello"})
    assert not result.is_error
    assert "hello" in result.content[0].text  # type: ignore[union-attr]


async def test_a_client_goes_on_after_two_restarts_in_one_session(door: Door) -> None:
    _, token = door.mint()
    async with http_client(token) as http, asyncio.timeout(LIMIT):
        headers = await open_session(http, door.url)
        for number in range(2):
            await door.restart()
            assert "hello" in await say(http, door, headers, id=number)
            assert "hello" in await say(http, door, headers, id=number)
            assert len(door.service.sessions) == 1


async def test_requests_at_the_same_time_share_one_new_session(door: Door) -> None:
    _, token = door.mint()
    async with http_client(token) as http, asyncio.timeout(LIMIT):
        headers = await open_session(http, door.url)
        await door.restart()
        replies = await asyncio.gather(*(say(http, door, headers, id=n) for n in range(8)))
        assert all("hello" in reply for reply in replies)
        assert len(door.service.sessions) == 1


async def test_the_stream_of_messages_opens_again_after_a_restart(door: Door) -> None:
    agent, token = door.mint()
    async with http_client(token) as http, asyncio.timeout(LIMIT):
        headers = await open_session(http, door.url)
        await door.restart()
        async with http.stream("GET", door.url, headers=headers) as stream:
            assert stream.status_code == 200
            assert stream.headers["mcp-session-id"] == headers["Mcp-Session-Id"]
            assert door.registry.connected(door.registry.get(agent.id))
            assert (await http.delete(door.url, headers=headers)).status_code == 200
            async for _ in stream.aiter_bytes():
                pass  # until it ends


async def test_a_client_is_still_known_by_its_name_after_a_restart(door: Door) -> None:
    agent, token = door.mint()
    async with http_client(token) as http, asyncio.timeout(LIMIT):
        headers = await open_session(http, door.url)
        await door.restart()
        await say(http, door, headers)
    assert door.registry.get(agent.id).claims == {"name": "raw", "version": "0"}


async def test_a_session_that_its_client_ended_stays_ended(door: Door) -> None:
    _, token = door.mint()
    async with http_client(token) as http, asyncio.timeout(LIMIT):
        for restarted in (False, True):
            headers = await open_session(http, door.url)
            if restarted:
                await door.restart()
                await say(http, door, headers)
            assert (await http.delete(door.url, headers=headers)).status_code == 200
            call = tool_call("echo", {"text": "hello"})
            for answer in (
                await http.post(door.url, json=call, headers=headers),
                await http.get(door.url, headers=headers),
                await http.delete(door.url, headers=headers),
            ):
                assert answer.status_code == 404
        assert not door.service.sessions


async def test_an_unknown_session_that_is_ended_first_stays_ended(door: Door) -> None:
    _, token = door.mint()
    async with http_client(token) as http, asyncio.timeout(LIMIT):
        headers = await open_session(http, door.url)
        await door.restart()
        assert (await http.delete(door.url, headers=headers)).status_code == 404
        call = tool_call("echo", {"text": "hello"})
        assert (await http.post(door.url, json=call, headers=headers)).status_code == 404


async def test_nobody_takes_over_the_session_of_another_agent(door: Door) -> None:
    _, token = door.mint("one")
    _, foreign = door.mint("two")
    call = tool_call("echo", {"text": "hello"})
    async with http_client(token) as http, http_client(foreign) as other, asyncio.timeout(LIMIT):
        headers = await open_session(http, door.url)
        assert (await other.post(door.url, json=call, headers=headers)).status_code == 404
        await door.restart()
        assert "one: hello" in await say(http, door, headers)
        # Under the same name, but its own.
        assert "two: hello" in await say(other, door, headers)
        assert (await other.delete(door.url, headers=headers)).status_code == 200
        assert "one: hello" in await say(http, door, headers)


async def test_a_client_that_begins_anew_under_its_old_session_gets_a_new_one(door: Door) -> None:
    _, token = door.mint()
    async with http_client(token) as http, asyncio.timeout(LIMIT):
        headers = await open_session(http, door.url)
        await door.restart()
        old = ACCEPT | {"Mcp-Session-Id": headers["Mcp-Session-Id"]}
        answer = await http.post(door.url, json=INITIALIZE, headers=old)
        assert answer.status_code == 200
        assert answer.headers["mcp-session-id"] != headers["Mcp-Session-Id"]


@pytest.mark.parametrize(
    "name",
    [
        pytest.param("x" * 129, id="long"),
        pytest.param("two words", id="with a space"),
        pytest.param("naïve", id="not ASCII"),
    ],
)
async def test_a_session_id_that_the_protocol_does_not_allow_is_unknown(
    door: Door, name: str
) -> None:
    _, token = door.mint()
    async with http_client(token) as http, asyncio.timeout(LIMIT):
        call = tool_call("echo", {"text": "hello"})
        headers = ACCEPT | {"Mcp-Session-Id": name.encode("latin-1")}
        answer = await http.post(door.url, json=call, headers=headers)
        assert answer.status_code == 404
        assert not door.service.sessions


async def test_invented_session_ids_open_no_more_sessions_than_an_agent_may_have(
    door: Door,
) -> None:
    _, token = door.mint()
    async with http_client(token) as http, asyncio.timeout(LIMIT):
        for number in range(2 * MAX_SESSIONS_PER_AGENT):
            await say(http, door, ACCEPT | {"Mcp-Session-Id": f"invented-{number}"})
        assert len(door.service.sessions) <= MAX_SESSIONS_PER_AGENT


async def test_a_server_full_of_idle_sessions_has_room_for_each_client(door: Door) -> None:
    tokens = [door.mint(f"agent {number}")[1] for number in range(5)]
    async with asyncio.timeout(2 * LIMIT):
        first: dict[str, dict[str, str]] = {}
        for token in tokens:
            async with http_client(token) as http:
                for _ in range(MAX_SESSIONS_PER_AGENT):
                    headers = await open_session(http, door.url)
                    first.setdefault(token, headers)
                    assert len(door.service.sessions) <= MAX_SESSIONS
        for token, headers in first.items():
            async with http_client(token) as http:
                assert "hello" in await say(http, door, headers)
                assert len(door.service.sessions) <= MAX_SESSIONS


async def test_a_client_goes_on_after_a_long_silence(build_door: Callable[..., Door]) -> None:
    now = 1000.0
    door = build_door(clock=lambda: now)
    await door.service.start()
    _, token = door.mint()
    async with http_client(token) as http, asyncio.timeout(LIMIT):
        quiet = await open_session(http, door.url)
        now += IDLE_SECONDS + 1
        other = await open_session(http, door.url)
        assert door.service.sessions == {other["Mcp-Session-Id"]}
        assert "hello" in await say(http, door, quiet)
    await door.service.stop()
