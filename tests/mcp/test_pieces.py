"""In how many pieces an answer leaves: each costs more than working out a small answer does."""

from __future__ import annotations

import asyncio

from ..support.endpoint import Door, http_client, open_session, tool_call
from .test_requests import events

LIMIT = 30.0


async def test_a_quick_answer_is_sent_in_one_piece(door: Door) -> None:
    _, token = door.mint()
    async with http_client(token) as http, asyncio.timeout(LIMIT):
        headers = await open_session(http, door.url)
        call = tool_call("echo", {"text": "hello"}, id=1)
        answer = await http.post(door.url, json=call, headers=headers)
        assert answer.headers["Content-Type"].startswith("text/event-stream")
        assert "Transfer-Encoding" not in answer.headers
        assert int(answer.headers["Content-Length"]) == len(answer.content)
        assert "hello" in events(answer.text)[-1][1]


async def test_a_slow_answer_starts_before_it_is_complete(door: Door) -> None:
    _, token = door.mint()
    async with http_client(token) as http, asyncio.timeout(LIMIT):
        headers = await open_session(http, door.url)
        call = tool_call("block", {}, id=1)
        async with http.stream("POST", door.url, json=call, headers=headers) as answer:
            assert answer.status_code == 200
            assert not door.world.go_on.is_set()
            door.world.go_on.set()
            text = (await answer.aread()).decode()
        assert "went on" in text


async def test_the_first_part_of_an_answer_does_not_wait_for_its_end(door: Door) -> None:
    _, token = door.mint()
    async with http_client(token) as http, asyncio.timeout(LIMIT):
        headers = await open_session(http, door.url)
        call = tool_call("block", {}, id=1)
        call["params"]["_meta"] = {"progressToken": 1}
        async with http.stream("POST", door.url, json=call, headers=headers) as answer:
            async for line in answer.aiter_lines():
                if "blocked" in line:
                    door.world.go_on.set()
                if "went on" in line:
                    break
        assert door.world.go_on.is_set()


async def test_a_large_answer_is_not_buffered(door: Door) -> None:
    _, token = door.mint()
    async with http_client(token) as http, asyncio.timeout(LIMIT):
        headers = await open_session(http, door.url)
        call = tool_call("echo", {"text": "x" * 200_000}, id=1)
        answer = await http.post(door.url, json=call, headers=headers)
        assert "x" * 200_000 in answer.text
