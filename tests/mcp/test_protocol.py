"""What clients of both eras of the protocol see."""

from __future__ import annotations

import asyncio
import logging

import mcp.types as types
import pytest
from mcp.shared.exceptions import MCPError

from ..support.endpoint import PIXEL, Door

ERAS = pytest.mark.parametrize("mode", ["legacy", "auto"])


@ERAS
async def test_a_client_connects_and_learns_the_servers_name(door: Door, mode: str) -> None:
    _, token = door.mint()
    async with door.client(token, mode) as client:
        assert client.server_info.name == "jupyter"
        assert client.server_info.version == "1.2.3"
        assert "get_context" in (client.instructions or "")
        expected = "2025-11-25" if mode == "legacy" else "2026-07-28"
        assert client.protocol_version == expected


@ERAS
async def test_every_tool_has_a_title_and_all_annotations(door: Door, mode: str) -> None:
    _, token = door.mint()
    async with door.client(token, mode) as client:
        tools = (await client.list_tools()).tools
    assert [tool.name for tool in tools] == list(door.dispatcher.tools)
    for tool in tools:
        assert tool.title
        assert tool.output_schema is None
        assert tool.annotations is not None
        hints = tool.annotations.model_dump(by_alias=True)
        names = ["readOnlyHint", "destructiveHint", "idempotentHint", "openWorldHint"]
        assert all(isinstance(hints[name], bool) for name in names)
    by_name = {tool.name: tool for tool in tools}
    assert by_name["echo"].annotations.read_only_hint is True
    assert by_name["block"].annotations.destructive_hint is True
    assert by_name["count"].annotations.idempotent_hint is True
    assert by_name["refuse"].annotations.open_world_hint is True
    assert by_name["echo"].input_schema["required"] == ["text"]


@ERAS
async def test_a_reply_is_text_then_images_and_sent_once(door: Door, mode: str) -> None:
    _, token = door.mint()
    async with door.client(token, mode) as client:
        result = await client.call_tool("draw", {})
    assert [block.type for block in result.content] == ["text", "image"]
    assert result.content[1].data == PIXEL
    assert result.structured_content is None
    assert not result.is_error


@ERAS
async def test_an_error_that_a_model_can_act_on_is_a_result(door: Door, mode: str) -> None:
    _, token = door.mint()
    async with door.client(token, mode) as client:
        result = await client.call_tool("refuse", {})
        wrong = await client.call_tool("echo", {"txt": "?"})
    assert result.is_error
    assert result.content[0].text == "Cell 3 changed meanwhile: read it again."
    assert wrong.is_error
    assert "'text' is missing" in wrong.content[0].text


@ERAS
async def test_a_defect_of_ours_reveals_no_secret_and_is_logged(
    door: Door, mode: str, caplog: pytest.LogCaptureFixture
) -> None:
    _, token = door.mint()
    with caplog.at_level(logging.ERROR, "jmcp-test"):
        async with door.client(token, mode) as client:
            result = await client.call_tool("break_", {})
    assert result.is_error
    assert result.content[0].text == (
        "Something went wrong inside jmcp_lab (RuntimeError); the server log has the details."
    )
    record = next(each for each in caplog.records if each.name == "jmcp-test")
    assert record.exc_info is not None


@ERAS
async def test_an_unknown_tool_is_an_error_of_the_protocol(door: Door, mode: str) -> None:
    _, token = door.mint()
    async with door.client(token, mode) as client:
        with pytest.raises(MCPError, match="Unknown tool: nothing") as caught:
            await client.call_tool("nothing", {})
    assert caught.value.code == types.INVALID_PARAMS


@ERAS
async def test_progress_is_forwarded_and_always_increases(door: Door, mode: str) -> None:
    _, token = door.mint()
    heard: list[tuple[float, str | None]] = []

    async def hear(progress: float, total: float | None, message: str | None) -> None:
        heard.append((progress, message))

    async with door.client(token, mode) as client:
        await client.call_tool("count", {"to": 4}, progress_callback=hear)
    assert heard[0][0] == 0
    assert [words for _, words in heard[1:]] == ["step 0", "step 1", "step 2", "step 3"]
    values = [value for value, _ in heard]
    assert values == sorted(set(values))


@ERAS
async def test_a_waiting_call_does_not_delay_others(door: Door, mode: str) -> None:
    _, token = door.mint()
    async with door.client(token, mode) as client:
        blocked = asyncio.create_task(client.call_tool("block", {}))
        await door.world.started.wait()
        assert (await client.call_tool("echo", {"text": "hi"})).content[0].text.endswith("hi")
        door.world.go_on.set()
        assert (await blocked).content[0].text == "went on"


@ERAS
async def test_the_client_says_what_it_is(door: Door, mode: str) -> None:
    agent, token = door.mint()
    info = types.Implementation(name="Sly\u202eTool\x07" + "x" * 99, version="2")
    assert agent.first_call is None
    async with door.client(token, mode, client_info=info) as client:
        await client.list_tools()
        assert door.registry.connected(agent)
    assert agent.claims is not None
    assert agent.claims["name"] == ("SlyTool" + "x" * 99)[:40]
    assert agent.claims["version"] == "2"
    assert agent.first_call is not None
