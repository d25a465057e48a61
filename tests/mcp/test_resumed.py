"""Clients that ask for what followed an answer, as Gemini CLI does after every call."""

from __future__ import annotations

import asyncio

from jmcp_lab.mcp.traffic import MAX_REQUESTS_PER_AGENT

from ..support.endpoint import Door, http_client, open_session, tool_call
from .test_requests import events

LIMIT = 30.0


async def test_a_client_that_resumes_each_finished_stream_is_never_refused(door: Door) -> None:
    _, token = door.mint()
    async with http_client(token) as http, asyncio.timeout(LIMIT):
        headers = await open_session(http, door.url)
        for number in range(MAX_REQUESTS_PER_AGENT + 20):
            # Some clients begin to count anew.
            call = tool_call("echo", {"text": "hello"}, id=number % 7)
            answer = await http.post(door.url, json=call, headers=headers)
            assert answer.status_code == 200
            last, _ = events(answer.text)[-1]
            again = await http.get(door.url, headers=headers | {"Last-Event-ID": last})
            assert again.status_code == 200
            assert "hello" not in again.text


async def test_a_replay_ends_after_the_answer(door: Door) -> None:
    _, token = door.mint()
    async with http_client(token) as http, asyncio.timeout(LIMIT):
        headers = await open_session(http, door.url)
        call = tool_call("echo", {"text": "hello"}, id=1)
        answer = await http.post(door.url, json=call, headers=headers)
        first, _ = events(answer.text)[0]
        again = await http.get(door.url, headers=headers | {"Last-Event-ID": first})
        assert "hello" in again.text


async def test_a_replay_after_an_unknown_event_ends(door: Door) -> None:
    _, token = door.mint()
    async with http_client(token) as http, asyncio.timeout(LIMIT):
        headers = await open_session(http, door.url)
        for unknown in ("999", "x", "-1"):
            again = await http.get(door.url, headers=headers | {"Last-Event-ID": unknown})
            assert again.text == ""
