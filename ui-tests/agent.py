"""Provides an agent for the browser tests: the official MCP client, driven by synchronous code."""

from __future__ import annotations

import sys
import time
from contextlib import AsyncExitStack
from typing import TYPE_CHECKING, Any, Self

import mcp
from anyio.from_thread import start_blocking_portal
from mcp.client.stdio import StdioServerParameters
from mcp.client.streamable_http import streamable_http_client
from mcp.shared._httpx_utils import create_mcp_http_client
from mcp.types import Implementation, TextContent

if TYPE_CHECKING:
    from concurrent.futures import Future
    from contextlib import AbstractAsyncContextManager
    from pathlib import Path
    from types import TracebackType

    from mcp.client.client import ConnectMode
    from mcp.types import CallToolResult

CALL_LIMIT = 120.0
"""Maximum number of seconds for a call."""


class Agent:
    """The official MCP client over HTTP.

    Its event loop runs in a thread of its own, so that a call can wait for an approval while
    the test works in the browser.

    Parameters
    ----------
    url
        The MCP endpoint.
    token
        The agent's token.
    mode
        How the protocol is negotiated: ``auto`` (the newest both know), ``legacy`` (handshake
        and session), or a version.
    name
        What the client says it is.
    """

    def __init__(
        self, url: str, token: str, *, mode: ConnectMode = "auto", name: str = "ui-test"
    ) -> None:
        self.url = url
        self._token = token
        self._mode = mode
        self._name = name
        self.progress: list[str] = []
        """Messages of the progress notifications received so far, oldest first."""
        self._portal_context = start_blocking_portal()

    def __enter__(self) -> Self:
        """Connect."""
        self._portal = self._portal_context.__enter__()
        try:
            self._connection = self._portal.wrap_async_context_manager(self._connect())
            self._client = self._connection.__enter__()
        except BaseException as error:
            self._portal_context.__exit__(type(error), error, error.__traceback__)
            raise
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Disconnect, and cancel running calls."""
        try:
            self._connection.__exit__(kind, error, trace)
        finally:
            self._portal_context.__exit__(kind, error, trace)

    def start(self, tool: str, **arguments: Any) -> Future[CallToolResult]:
        """Call a tool in the background; cancelling the future cancels the call."""
        return self._portal.start_task_soon(self._call, tool, arguments)

    def call(self, tool: str, **arguments: Any) -> CallToolResult:
        """Call a tool and wait for its result, which may be an error."""
        return self.start(tool, **arguments).result(CALL_LIMIT)

    def say(self, tool: str, **arguments: Any) -> str:
        """Call a tool that must succeed, and return its text."""
        result = self.call(tool, **arguments)
        assert not result.is_error, f"{tool} failed: {text_of(result)}"
        return text_of(result)

    def wait_for_progress(self, words: str) -> None:
        """Wait until a progress notification contains `words`; one comes every 2 s."""
        end = time.monotonic() + CALL_LIMIT
        while not any(words in message for message in self.progress):
            assert time.monotonic() < end, self.progress
            time.sleep(0.02)

    def tools(self) -> list[str]:
        """Return the names of the tools on offer."""
        return [tool.name for tool in self._portal.call(self._client.list_tools).tools]

    def _connect(self) -> AbstractAsyncContextManager[mcp.Client]:
        return _Connection(self.url, self._token, self._mode, self._name)

    async def _call(self, tool: str, arguments: dict[str, Any]) -> CallToolResult:
        return await self._client.call_tool(tool, arguments, progress_callback=self._note_progress)

    async def _note_progress(
        self, progress: float, total: float | None, message: str | None
    ) -> None:
        self.progress.append(message or "")


class ProgramAgent(Agent):
    """The official MCP client of a program, `jmcp-lab stdio`, that it starts itself.

    The program answers before it is let in; tools wait for that.

    Parameters
    ----------
    environment
        The program's, with Jupyter's folders.
    folder
        Where the program runs.
    name
        What the client says it is.
    """

    def __init__(self, environment: dict[str, str], folder: Path, *, name: str) -> None:
        super().__init__("", "", name=name)
        self._parameters = StdioServerParameters(
            command=sys.executable,
            args=["-m", "jmcp_lab.cli", "stdio"],
            env=environment,
            cwd=str(folder),
        )

    def _connect(self) -> AbstractAsyncContextManager[mcp.Client]:
        info = Implementation(name=self._name, version="1.0")
        return mcp.Client(self._parameters, mode=self._mode, client_info=info)


class _Connection:
    """The HTTP client and the MCP client, entered and left as one."""

    def __init__(self, url: str, token: str, mode: ConnectMode, name: str) -> None:
        self._url = url
        self._token = token
        self._mode: ConnectMode = mode
        self._name = name
        self._stack = AsyncExitStack()

    async def __aenter__(self) -> mcp.Client:
        http = create_mcp_http_client({"Authorization": f"Bearer {self._token}"})
        async with AsyncExitStack() as stack:
            await stack.enter_async_context(http)
            client = await stack.enter_async_context(
                mcp.Client(
                    streamable_http_client(self._url, http_client=http),
                    mode=self._mode,
                    client_info=Implementation(name=self._name, version="1.0"),
                )
            )
            self._stack = stack.pop_all()
        return client

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        await self._stack.__aexit__(kind, error, trace)


def text_of(result: CallToolResult) -> str:
    """Return all text of a result."""
    return "\n".join(part.text for part in result.content if isinstance(part, TextContent))
