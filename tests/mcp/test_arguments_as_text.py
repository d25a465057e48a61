"""The arguments of a call as one JSON string, as a model gives them and some programs send them."""

from __future__ import annotations

import pytest

from ..support.endpoint import Door, http_client, open_session, tool_call
from .test_endings import MODERN_HEADERS, modern_call

ERAS = pytest.mark.parametrize("era", ["legacy", "modern"])


async def answer(door: Door, era: str, tool: str, arguments: object) -> str:
    """Call a tool without a client library, and return the text of the HTTP response."""
    _, token = door.mint()
    async with http_client(token) as http:
        if era == "legacy":
            headers, body = await open_session(http, door.url), tool_call(tool)
        else:
            headers, body = {**MODERN_HEADERS, "Mcp-Name": tool}, modern_call(tool)
        params = body["params"]
        assert isinstance(params, dict)
        params["arguments"] = arguments
        return (await http.post(door.url, json=body, headers=headers)).text


@ERAS
@pytest.mark.parametrize("arguments", ['{"text": "hello"}', ' {"text": ["hello"]} '])
async def test_arguments_may_be_a_json_string(door: Door, era: str, arguments: str) -> None:
    if "[" in arguments:
        assert "'text': Input should be a valid string" in await answer(
            door, era, "echo", arguments
        )
    else:
        assert ": hello" in await answer(door, era, "echo", arguments)


@ERAS
@pytest.mark.parametrize("arguments", ["", "{}", " "])
async def test_an_empty_string_is_a_call_without_arguments(
    door: Door, era: str, arguments: str
) -> None:
    assert "a pixel" in await answer(door, era, "draw", arguments)


@ERAS
@pytest.mark.parametrize("arguments", ["hello", "[1]", "[" * 100_000, [1], 3])
async def test_what_is_no_object_is_refused_as_ever(
    door: Door, era: str, arguments: object
) -> None:
    assert "-32602" in await answer(door, era, "draw", arguments)
