"""What becomes of each request of `jmcp-lab stdio`, beside a server that does what a test wants."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

import pytest

from ..support.processes import free_port
from ..support.stdio_program import MODERN, Program, program
from .test_stdio import environment  # noqa: F401 - a fixture

Environment = dict[str, str]

TOOLS = [
    {"name": "look", "inputSchema": {"type": "object"}, "annotations": {"readOnlyHint": True}},
    {"name": "change", "inputSchema": {"type": "object"}, "annotations": {}},
]


@dataclass
class Server:
    """A server that answers each call of a tool when the test lets it."""

    tools: list[dict[str, Any]] = field(default_factory=lambda: list(TOOLS))
    breaks: int = 0
    """How many calls it breaks off."""

    proxied: bool = False
    """Whether a proxy before it says that, with a page of its own."""

    status: int = 200
    """What it answers to everything."""

    seen: list[tuple[str, dict[str, str], Any]] = field(default_factory=list)
    news: asyncio.Queue[bytes] = field(default_factory=asyncio.Queue)
    go: asyncio.Event = field(default_factory=asyncio.Event)
    came: asyncio.Event = field(default_factory=asyncio.Event)
    gone: asyncio.Event = field(default_factory=asyncio.Event)
    withdrawn: asyncio.Event = field(default_factory=asyncio.Event)

    @asynccontextmanager
    async def at(self, port: int) -> AsyncIterator[None]:
        connections: dict[asyncio.Task[Any], asyncio.StreamWriter] = {}

        async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            task = asyncio.current_task()
            assert task is not None
            connections[task] = writer
            try:
                await self._serve(reader, writer)
            except (ConnectionError, asyncio.IncompleteReadError):
                self.gone.set()
            except asyncio.CancelledError:
                return  # The server ends here, and its connections with it.
            finally:
                writer.close()

        listening = await asyncio.start_server(serve, "127.0.0.1", port)
        try:
            yield
        finally:
            listening.close()
            for task, writer in connections.items():
                task.cancel()
                writer.transport.abort()
            await asyncio.gather(*connections, return_exceptions=True)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while True:
            head = (await reader.readuntil(b"\r\n\r\n")).decode().splitlines()
            pairs = (line.split(": ", 1) for line in head[1:] if line)
            headers = {name.lower(): value for name, value in pairs}
            body = await reader.readexactly(int(headers.get("content-length", 0)))
            message = json.loads(body) if body else {}
            method = head[0].split()[0]
            self.seen.append((method, headers, message))
            if message.get("method") == "notifications/cancelled":
                self.withdrawn.set()
            if self.status != 200:
                refused = {"jsonrpc": "2.0", "id": None, "error": {"code": 1, "message": "No."}}
                _answer(writer, json.dumps(refused).encode(), self.status)
            elif method == "GET":
                await self._tell_news(writer)
            elif "id" not in message:
                _answer(writer, b"", 202)
            elif message["method"] == "tools/call":
                await self._call(reader, writer, message)
            else:
                results = {"initialize": {"protocolVersion": "2025-11-25"}}
                results["tools/list"] = {"tools": self.tools}
                _result(writer, message, results[message["method"]])
            await writer.drain()

    async def _tell_news(self, writer: asyncio.StreamWriter) -> None:
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n\r\n")
        while True:
            writer.write(b"data: " + await self.news.get() + b"\r\n\r\n")
            await writer.drain()

    async def _call(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, message: dict[str, Any]
    ) -> None:
        self.came.set()
        if self.breaks:
            self.breaks -= 1
            if self.proxied:
                return _answer(writer, b"<html>Bad gateway</html>", 502)
            raise ConnectionError
        if message["params"]["name"] == "look":
            # While another call is served.
            return _result(writer, message, {"content": []})
        left = asyncio.create_task(reader.read(1))
        go = asyncio.create_task(self.go.wait())
        await asyncio.wait({left, go}, return_when=asyncio.FIRST_COMPLETED)
        go.cancel()
        if left.done():
            raise ConnectionError
        left.cancel()
        await asyncio.wait({left})
        _result(writer, message, {"content": [{"type": "text", "text": "\u2028 done"}]})

    def calls(self) -> list[Any]:
        return [message for _, _, message in self.seen if message.get("method") == "tools/call"]


def _result(writer: asyncio.StreamWriter, message: dict[str, Any], result: object) -> None:
    answer = {"jsonrpc": "2.0", "id": message["id"], "result": result}
    _answer(writer, json.dumps(answer, ensure_ascii=False).encode())


def _answer(writer: asyncio.StreamWriter, body: bytes, status: int = 200) -> None:
    head = f"HTTP/1.1 {status} Said\r\nMcp-Session-Id: s\r\nContent-Type: application/json\r\n"
    writer.write(f"{head}Content-Length: {len(body)}\r\n\r\n".encode() + body)


@asynccontextmanager
async def beside(environment: Environment, port: int) -> AsyncIterator[Program]:  # noqa: F811
    environment["JMCP_TOKEN"] = "jml_given"
    async with program(environment, "--url", f"http://127.0.0.1:{port}/mcp") as running:
        yield running


def call(tool: str, meta: object = None) -> dict[str, Any]:
    return {"name": tool, "arguments": {}} | ({} if meta is None else {"_meta": meta})


async def test_a_call_made_while_the_server_is_away_is_answered_when_it_is_back(
    environment: Environment,  # noqa: F811
) -> None:
    server, port = Server(), free_port()
    server.go.set()
    async with beside(environment, port) as client:
        await client.greet()
        client.send("tools/call", call("change"), id=1)
        # It is served at once, although the call waits.
        await client.ask(2, "tools/list")
        async with server.at(port):
            result = (await client.hear(id=1))["result"]
            assert result["content"][0]["text"] == "\u2028 done"
        async with server.at(port):
            assert "content" in await client.call(3, "change")
            # It ended one session, and had no other.
    assert [m["method"] for _, _, m in server.seen if m.get("method")].count("initialize") == 1
    assert len(server.calls()) == 2


async def test_calls_are_served_beside_each_other(environment: Environment) -> None:  # noqa: F811
    server, port = Server(), free_port()
    async with server.at(port), beside(environment, port) as client:
        await client.greet()
        client.send("tools/call", call("change"), id="slow")
        await client.call("fast", "look")
        server.go.set()
        await client.hear(id="slow")


@pytest.mark.parametrize(("tool", "sent"), [("look", 2), ("change", 1)])
@pytest.mark.parametrize("proxied", [False, True], ids=["closed", "a proxy's 502"])
async def test_only_what_changes_nothing_is_called_again_when_the_connection_broke(
    environment: Environment,  # noqa: F811
    proxied: bool,
    tool: str,
    sent: int,
) -> None:
    server, port = Server(breaks=1, proxied=proxied), free_port()
    async with server.at(port), beside(environment, port) as client:
        await client.greet()
        result = await client.call(1, tool)
        assert len(server.calls()) == sent
        if tool == "change":
            assert result["isError"]
            assert "it is not known whether this was done" in result["content"][0]["text"]
        else:
            assert result == {"content": []}
        # And the next call finds the server.
        assert await client.call(2, "look") == {"content": []}


@pytest.mark.parametrize("era", ["2025-11-25", "2026-07-28"])
async def test_a_client_learns_that_a_server_came_back_with_other_tools(
    environment: Environment,  # noqa: F811
    era: str,
) -> None:
    server, port = Server(), free_port()
    meta = {"_meta": MODERN} if era == "2026-07-28" else {}
    async with beside(environment, port) as client:
        if meta:
            wanted = {"notifications": {"toolsListChanged": True}} | meta
            client.send("subscriptions/listen", wanted, id="news")
            acknowledged = await client.hear(method="notifications/subscriptions/acknowledged")
            assert acknowledged["params"]["notifications"] == {"toolsListChanged": True}
        else:
            await client.greet()
        shipped = (await client.ask(1, "tools/list", meta))["result"]["tools"]
        assert "get_context" in [tool["name"] for tool in shipped]
        async with server.at(port):
            await client.hear(method="notifications/tools/list_changed")
            assert (await client.ask(2, "tools/list", meta))["result"]["tools"] == TOOLS
        # They are the same for a while; then there is one more.
        server.tools.append({"name": "more", "inputSchema": {"type": "object"}})
        async with server.at(port):
            changed = await client.hear(method="notifications/tools/list_changed")
            if meta:
                key = "io.modelcontextprotocol/subscriptionId"
                assert changed["params"]["_meta"][key] == "news"
            assert (await client.ask(3, "tools/list", meta))["result"]["tools"] == server.tools
        assert client.said == []
    # The next start knows them without a server.
    async with beside(environment, port) as client:
        assert (await client.ask(1, "tools/list", meta))["result"]["tools"] == server.tools


async def test_what_the_server_says_by_itself_reaches_the_client(
    environment: Environment,  # noqa: F811
) -> None:
    server, port = Server(), free_port()
    async with server.at(port), beside(environment, port) as client:
        await client.greet()
        server.news.put_nowait(b'{"jsonrpc":"2.0","method":"notifications/message","params":{}}')
        await client.hear(method="notifications/message")


@pytest.mark.parametrize("era", ["2025-11-25", "2026-07-28"])
async def test_a_withdrawn_call_is_withdrawn_at_the_server(
    environment: Environment,  # noqa: F811
    era: str,
) -> None:
    server, port = Server(), free_port()
    async with server.at(port), beside(environment, port) as client:
        await client.greet()
        meta = MODERN if era == "2026-07-28" else None
        client.send("tools/call", call("change", meta), id=1)
        await server.came.wait()
        _, headers, _ = server.seen[-1]
        assert headers.get("mcp-name") == ("change" if meta else None)
        client.send("notifications/cancelled", {"requestId": 1})
        if meta:
            await server.gone.wait()
        else:
            server.go.set()
            await client.ask(2, "ping")
            async with asyncio.timeout(30):
                await server.withdrawn.wait()


async def test_a_call_withdrawn_before_the_server_came_is_never_sent(
    environment: Environment,  # noqa: F811
) -> None:
    server, port = Server(), free_port()
    async with beside(environment, port) as client:
        await client.greet()
        client.send("tools/call", call("change"), id=1)
        client.send("notifications/cancelled", {"requestId": 1})
        async with server.at(port):
            await client.call(2, "look")
        assert [message["id"] for message in server.calls()] == [2]
        assert client.said == []


async def test_a_token_that_is_refused_is_sent_once(environment: Environment) -> None:  # noqa: F811
    server, port = Server(status=401), free_port()
    async with server.at(port), beside(environment, port) as client:
        await client.greet()
        for number in (1, 2):
            result = await client.call(number, "look")
            assert (result["isError"], result["content"][0]["text"]) == (True, "No.")
        assert len(server.seen) == 1


async def test_what_is_no_message_is_answered(environment: Environment) -> None:  # noqa: F811
    async with beside(environment, free_port()) as client:
        assert client.process.stdin is not None
        for line, code in ((b"{", -32700), (b"[]", -32600)):
            client.process.stdin.write(line + b"\n")
            assert (await client.hear(id=None))["error"]["code"] == code
        modern = {"_meta": MODERN | {"io.modelcontextprotocol/protocolVersion": "2099-01-01"}}
        answer = await client.ask(1, "server/discover", modern)
        assert answer["error"]["data"] == {"supported": ["2026-07-28"], "requested": "2099-01-01"}


async def test_a_program_whose_session_ends_tells_the_server(
    environment: Environment,  # noqa: F811
) -> None:
    server, port = Server(), free_port()
    async with server.at(port):
        async with beside(environment, port) as client:
            await client.greet()
            await client.call(1, "look")
        method, headers, _ = server.seen[-1]
        assert (method, headers["mcp-session-id"]) == ("DELETE", "s")


@pytest.mark.parametrize("wrong", [{"a": 1}, [1], 1.5])
async def test_a_request_with_an_id_of_another_kind_is_refused_and_the_program_goes_on(
    environment: Environment,  # noqa: F811
    wrong: object,
) -> None:
    async with beside(environment, free_port()) as client:
        client.send("tools/call", {"name": "look"}, id=wrong)
        refused = await client.hear(id=None)
        assert refused["error"]["code"] == -32600
        assert (await client.ask(2, "ping"))["result"] == {}
