"""The connection to a kernel gateway: what it brings, and what happens when it breaks."""

from __future__ import annotations

import asyncio
import json
from typing import TYPE_CHECKING, Any

import pytest
from jupyter_client.session import Session
from jupyter_server.gateway.gateway_client import GatewayClient
from tornado.httpserver import HTTPServer
from tornado.testing import bind_unused_port
from tornado.web import Application
from tornado.websocket import WebSocketHandler

from jmcp_lab.kernels.connection.gateway import GatewayChannels

from .conftest import LOG, until

if TYPE_CHECKING:
    from collections.abc import Iterator


class Gateway:
    """A gateway with one kernel: what it was sent, and the connection that is open."""

    def __init__(self) -> None:
        self.got: list[dict[str, Any]] = []
        self.open: WebSocketHandler | None = None
        self._session = Session(key=b"")

    def publish(self, kind: str, content: object) -> None:
        message = self._session.msg(kind, {})
        text = json.dumps(message | {"channel": "iopub", "content": content}, default=str)
        assert self.open is not None
        self.open.write_message(text)


class Listener:
    """Notes what a connection brings."""

    def __init__(self) -> None:
        self.texts: list[str] = []
        self.unreachable = False

    def on_iopub(self, message: dict[str, Any]) -> None:
        self.texts.append(message["content"]["text"].upper())

    def on_shell(self, message: dict[str, Any]) -> None:
        raise AssertionError(message)

    on_stdin = on_shell

    def on_batch(self) -> None:
        pass

    def on_unreachable(self) -> None:
        self.unreachable = True


@pytest.fixture
def gateway(jp_asyncio_loop: asyncio.AbstractEventLoop) -> Iterator[Gateway]:
    found = Gateway()

    class Handler(WebSocketHandler):
        def open(self, *_: str) -> None:
            found.open = self

        def on_message(self, message: str | bytes) -> None:
            found.got.append(json.loads(message))

        def on_close(self) -> None:
            found.open = None

    async def begin() -> tuple[HTTPServer, int]:
        socket, port = bind_unused_port()
        server = HTTPServer(Application([("/api/kernels/k/channels", Handler)]))
        server.add_socket(socket)
        return server, port

    async def end(server: HTTPServer) -> None:
        server.stop()
        await server.close_all_connections()

    server, port = jp_asyncio_loop.run_until_complete(begin())
    GatewayClient.clear_instance()
    GatewayClient.instance().url = f"http://127.0.0.1:{port}"
    yield found
    jp_asyncio_loop.run_until_complete(end(server))
    GatewayClient.clear_instance()


async def test_a_meaningless_message_does_not_stop_the_reader(gateway: Gateway) -> None:
    listener = Listener()
    channels = GatewayChannels("k", listener, LOG)
    await channels.start()
    await until(lambda: gateway.open is not None)
    gateway.publish("stream", {"text": "one"})
    gateway.publish("stream", ["no object"])
    gateway.publish("stream", {"text": 2})
    gateway.publish("stream", {"text": "\ud83d"})
    await until(lambda: len(listener.texts) == 2)
    assert listener.texts == ["ONE", "\ufffd"]
    await channels.close()


async def test_code_sent_while_the_connection_is_broken_arrives_once_it_is_back(
    gateway: Gateway, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("jmcp_lab.kernels.connection.gateway.PAUSE_SECONDS", 0.2)
    channels = GatewayChannels("k", Listener(), LOG)
    await channels.start()
    await until(lambda: gateway.open is not None)
    first = channels.execute("1", may_ask=False)
    await until(lambda: len(gateway.got) == 1)
    assert gateway.open is not None
    gateway.open.close()
    await until(lambda: gateway.open is None)
    second = channels.execute("2", may_ask=False)
    await until(lambda: len(gateway.got) == 2)
    assert [message["header"]["msg_id"] for message in gateway.got] == [first, second]
    await channels.close()
