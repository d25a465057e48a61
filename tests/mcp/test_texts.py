"""Texts that are none: halves of surrogate pairs in requests and in replies."""

from __future__ import annotations

import json
from typing import Any

import httpx2
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from jmcp_lab.text.surrogates import dump_json, has_half, without_halves

from ..support.endpoint import ACCEPT, Door, http_client, open_session, tool_call

ERAS = pytest.mark.parametrize("mode", ["legacy", "auto"])
JSON = {"Content-Type": "application/json"}
HALVES = ["\\ud83d", "\\uDE00", "a\\udce9b", "\\ud83d \\ude00", "\\udE00\\uD83d"]

values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(st.characters(codec=None)),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(st.characters(codec=None)), inner),
    max_leaves=10,
)


@settings(max_examples=200, deadline=None)
@given(values)
def test_everything_the_server_sends_is_valid_for_every_program(value: object) -> None:
    text = dump_json(value)
    assert json.loads(text) == without_halves(value)
    json.dumps(json.loads(text), ensure_ascii=False).encode("utf-8")


@settings(max_examples=200, deadline=None)
@given(st.text(st.characters(codec=None)))
def test_only_half_surrogates_are_replaced(text: str) -> None:
    whole = without_halves(text)
    assert not has_half(whole)
    if not has_half(text):
        assert whole == text


def test_two_halves_that_belong_together_become_one_character() -> None:
    assert without_halves("\ud83d\ude00") == "\U0001f600"
    assert without_halves("\ude00\ud83d") == "\ufffd\ufffd"
    assert without_halves({"\udce9": ["a\ud83db"]}) == {"\ufffd": ["a\ufffdb"]}


@ERAS
async def test_a_reply_with_half_surrogates_is_sent_and_the_session_continues(
    door: Door, mode: str
) -> None:
    _, token = door.mint()
    heard: list[str | None] = []

    async def hear(progress: float, total: float | None, message: str | None) -> None:
        heard.append(message)

    async with door.client(token, mode) as client:
        result = await client.call_tool("half", {}, progress_callback=hear)
        assert result.content[0].text == "caf\ufffd.txt and \U0001f600"
        assert not result.is_error
        assert heard[-1] == "half \ufffd"
        assert not (await client.call_tool("echo", {"text": "still here"})).is_error


@ERAS
@pytest.mark.parametrize("kind", ["bytes", "none", "object", "exit", "panic"])
async def test_a_reply_that_cannot_be_sent_is_an_error_and_the_session_continues(
    door: Door, mode: str, kind: str
) -> None:
    _, token = door.mint()
    async with door.client(token, mode) as client:
        result = await client.call_tool("odd", {"kind": kind})
        assert result.is_error
        assert "Something went wrong inside jmcp_lab" in result.content[0].text
        assert not (await client.call_tool("echo", {"text": "still here"})).is_error


async def ask(
    http: httpx2.AsyncClient, door: Door, headers: dict[str, str], body: str
) -> dict[str, Any]:
    answer = await http.post(door.url, content=body, headers=headers | JSON)
    assert answer.status_code == 200, answer.text
    text = answer.text
    if answer.headers["Content-Type"].startswith("text/event-stream"):
        text = [line[6:] for line in text.splitlines() if line.startswith("data: {")][-1]
    found: dict[str, Any] = json.loads(text)
    return found


def written(message: object, half: str) -> str:
    """Return a message as JSON, with half of a pair as a client would escape it."""
    return json.dumps(message).replace("HALF", half)


@pytest.mark.parametrize("half", HALVES)
async def test_half_a_surrogate_pair_in_an_argument_is_an_error_with_the_requests_id(
    door: Door, half: str
) -> None:
    _, token = door.mint()
    async with http_client(token) as http:
        headers = await open_session(http, door.url)
        call = tool_call("echo", {"text": "x = 'HALF'"}, id=7)
        answer = await ask(http, door, headers, written(call, half))
        assert answer["id"] == 7
        assert answer["result"]["isError"]
        assert "half of a surrogate pair" in answer["result"]["content"][0]["text"]
        assert door.world.agents == []
        again = await ask(http, door, headers, json.dumps(tool_call("echo", {"text": "x"}, id=8)))
        assert not again["result"]["isError"]


async def test_an_escaped_whole_pair_is_an_ordinary_character(door: Door) -> None:
    _, token = door.mint()
    async with http_client(token) as http:
        headers = await open_session(http, door.url)
        call = written(tool_call("echo", {"text": "HALF"}), "\\ud83d\\uDE00 \\\\ud83d")
        answer = await ask(http, door, headers, call)
    assert answer["result"]["content"][0]["text"].endswith(": \U0001f600 \\ud83d")


@pytest.mark.parametrize("half", HALVES)
@pytest.mark.parametrize(
    "message",
    [
        {"jsonrpc": "2.0", "id": 3, "method": "HALF"},
        {"jsonrpc": "2.0", "id": 3, "method": "tools/call", "params": {"name": "HALF"}},
        {"jsonrpc": "2.0", "id": 3, "method": "tools/call", "params": {"HALF": "HALF"}},
        {"jsonrpc": "2.0", "id": "HALF", "method": "nothing"},
        {"jsonrpc": "2.0", "id": 3, "method": "ping", "params": {"_meta": {"HALF": ["HALF"]}}},
    ],
)
async def test_half_a_surrogate_pair_anywhere_else_leaves_the_session_usable(
    door: Door, message: dict[str, object], half: str
) -> None:
    _, token = door.mint()
    async with http_client(token) as http:
        headers = await open_session(http, door.url)
        answer = await http.post(
            door.url, content=written(message, half), headers=headers | JSON | ACCEPT
        )
        assert answer.status_code in (200, 400, 404), answer.text
        assert answer.content.decode("utf-8")
        assert "not valid JSON" not in answer.text
        again = await ask(http, door, headers, json.dumps(tool_call("echo", {"text": "x"}, id=8)))
        assert not again["result"]["isError"]
