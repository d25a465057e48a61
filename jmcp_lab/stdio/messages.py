"""What the program says itself, in both eras of the protocol.

Up to 2025-11-25 a client begins with `initialize`. From 2026-07-28 on there is no beginning: each
request says by itself who asks, and in which version.
"""

from __future__ import annotations

import base64
import re
from collections.abc import Mapping
from typing import Any

Json = dict[str, Any]

HANDSHAKE_VERSIONS = ("2024-11-05", "2025-03-26", "2025-06-18", "2025-11-25")
MODERN_VERSIONS = ("2026-07-28",)

UNNAMED = "An MCP client"

_META = "io.modelcontextprotocol/"
VERSION_KEY = f"{_META}protocolVersion"
CLIENT_KEY = f"{_META}clientInfo"
SERVER_KEY = f"{_META}serverInfo"
SUBSCRIPTION_KEY = f"{_META}subscriptionId"

PARSE_ERROR = -32700
INVALID_REQUEST = -32600
UNAVAILABLE = -32000
UNSUPPORTED_VERSION = -32022

_NAMED_BY = {"tools/call": "name", "prompts/get": "name", "resources/read": "uri"}
"""Parameter that a header repeats, by method."""

_SAFE_HEADER = re.compile(r"[\x21-\x7e](?:[\x20-\x7e]*[\x21-\x7e])?")
_ENCODED_HEADER = re.compile(r"=\?base64\?.*\?=")


def params_of(message: Mapping[str, Any]) -> Json:
    """Return the parameters of a message, empty where there are none."""
    params = message.get("params")
    return params if isinstance(params, dict) else {}


def meta_of(message: Mapping[str, Any]) -> Json:
    """Return what a message says about itself, empty where that is nothing."""
    meta = params_of(message).get("_meta")
    return meta if isinstance(meta, dict) else {}


def modern_version(message: Mapping[str, Any]) -> str:
    """Return the version that a message names, or an empty text in the era of handshakes."""
    version = meta_of(message).get(VERSION_KEY)
    return version if isinstance(version, str) and version not in HANDSHAKE_VERSIONS else ""


def modern_headers(message: Mapping[str, Any]) -> dict[str, str]:
    """Return the headers that repeat what a message says, as the protocol wants."""
    method = str(message.get("method"))
    headers = {"MCP-Protocol-Version": modern_version(message), "Mcp-Method": method}
    if (key := _NAMED_BY.get(method)) is not None:
        headers["Mcp-Name"] = str(params_of(message).get(key, ""))
    return {name: _header(value) for name, value in headers.items()}


def _header(value: str) -> str:
    if _SAFE_HEADER.fullmatch(value) and not _ENCODED_HEADER.fullmatch(value):
        return value
    encoded = base64.b64encode(value.encode("utf-8", "replace")).decode("ascii")
    return f"=?base64?{encoded}?="


def greeting(message: Mapping[str, Any]) -> Json:
    """Return the handshake for a client: its own, or one made of what its first message says."""
    if message.get("method") == "initialize":
        return params_of(message)
    client = meta_of(message).get(CLIENT_KEY)
    return {
        "protocolVersion": HANDSHAKE_VERSIONS[-1],
        "capabilities": {},
        "clientInfo": client if isinstance(client, dict) else {"name": UNNAMED, "version": "0"},
    }


def client_name(greeted: Mapping[str, Any]) -> str:
    """Return the name that a client gives itself in its handshake."""
    info = greeted.get("clientInfo")
    name = info.get("title") or info.get("name") if isinstance(info, dict) else None
    return name if isinstance(name, str) else UNNAMED


def result(request: Mapping[str, Any], content: Json) -> Json:
    """Return the answer to a request."""
    return {"jsonrpc": "2.0", "id": request["id"], "result": content}


def error(
    request: Mapping[str, Any] | None, code: int, words: str, data: Json | None = None
) -> Json:
    """Return the answer to a request that failed; None stands for one that could not be read."""
    found: Json = {"code": code, "message": words}
    if data is not None:
        found["data"] = data
    return {"jsonrpc": "2.0", "id": None if request is None else request["id"], "error": found}


def refusal(request: Mapping[str, Any], words: str) -> Json:
    """Say in words why a request got no answer: models read the results of tools, not errors."""
    if request.get("method") != "tools/call":
        return error(request, UNAVAILABLE, words)
    content: Json = {"content": [{"type": "text", "text": words}], "isError": True}
    if modern_version(request):
        content["resultType"] = "complete"
    return result(request, content)


def is_request(message: Mapping[str, Any]) -> bool:
    """Return whether a message waits for an answer."""
    return "method" in message and message.get("id") is not None


def has_valid_id(message: Mapping[str, Any]) -> bool:
    """Return whether the id of a message is one that JSON-RPC and MCP allow."""
    return isinstance(message.get("id"), str | int | None)
