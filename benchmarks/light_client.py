"""Provides an MCP client with minimal cost, so that benchmarks measure the server only.

It implements only the handshake, and tool calls with an answer as JSON or as a stream.
"""

from __future__ import annotations

import http.client
import json
from contextlib import suppress
from typing import Any
from urllib.parse import urlsplit

VERSION = "2025-06-18"


class LightClient:
    """One agent with one connection; not thread-safe.

    Parameters
    ----------
    url : str
        The MCP endpoint.
    token : str, optional
    """

    def __init__(self, url: str, token: str | None = None) -> None:
        parts = urlsplit(url)
        self._path = parts.path
        self._connection = http.client.HTTPConnection(parts.netloc, timeout=60)
        self._headers = {
            "Content-Type": "application/json",
            "Accept": "application/json, text/event-stream",
            "MCP-Protocol-Version": VERSION,
        }
        if token is not None:
            self._headers["Authorization"] = f"Bearer {token}"
        self._number = 0
        client = {"name": "light", "version": "1.0"}
        hello = {"protocolVersion": VERSION, "capabilities": {}, "clientInfo": client}
        self._ask("initialize", hello)
        self._post({"jsonrpc": "2.0", "method": "notifications/initialized"})

    def close(self) -> None:
        """Close the connection."""
        self._connection.close()

    def end(self) -> None:
        """End the session and close the connection, even if they are already broken."""
        with suppress(OSError, http.client.HTTPException):
            self.close()
            self._connection.request("DELETE", self._path, headers=self._headers)
            self._connection.getresponse().read()
        self.close()

    def call(self, tool: str, **arguments: Any) -> str:
        """Call a tool and return its first text.

        Raises
        ------
        RuntimeError
            The tool failed.
        """
        text, failed = self.tried(tool, **arguments)
        if failed:
            raise RuntimeError(f"{tool} failed: {text}")
        return text

    def tried(self, tool: str, **arguments: Any) -> tuple[str, bool]:
        """Call a tool that may fail; return its first text, and whether it failed."""
        result = self._ask("tools/call", {"name": tool, "arguments": arguments})
        return result["content"][0]["text"], result.get("isError", False)

    def _ask(self, method: str, params: dict[str, Any]) -> dict[str, Any]:
        self._number += 1
        message = {"jsonrpc": "2.0", "id": self._number, "method": method, "params": params}
        for answer in self._post(message):
            if answer.get("id") == self._number:
                if "result" not in answer:
                    raise RuntimeError(f"{method} was refused: {answer.get('error')}")
                result: dict[str, Any] = answer["result"]
                return result
        raise RuntimeError(f"{method} was not answered")

    def _post(self, message: dict[str, Any]) -> list[dict[str, Any]]:
        self._connection.request("POST", self._path, json.dumps(message).encode(), self._headers)
        response = self._connection.getresponse()
        body = response.read().decode()
        if response.status >= 300:
            raise RuntimeError(f"HTTP {response.status}: {body[:300]}")
        if session := response.headers.get("Mcp-Session-Id"):
            self._headers["Mcp-Session-Id"] = session
        if response.headers.get_content_type() != "text/event-stream":
            return [json.loads(body)] if body else []
        data = [line[5:].strip() for line in body.splitlines() if line.startswith("data:")]
        return [json.loads(one) for one in data if one]
