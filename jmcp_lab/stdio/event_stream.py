"""Reads the messages in an answer of the server: one as JSON, or several as events.

The lines of events are split here, as bytes: an HTTP client's own lines also end at characters that
may stand inside JSON.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    import httpx2


async def messages(answer: httpx2.Response) -> AsyncIterator[tuple[bytes, dict[str, Any]]]:
    """Yield each message as it comes: as it was sent, on one line, and read."""
    kind = answer.headers.get("content-type", "").lower()
    if kind.startswith("text/event-stream"):
        async for data in _events(answer):
            if (message := _read(data)) is not None:
                yield data, message
    else:
        data = (await answer.aread()).replace(b"\r", b" ").replace(b"\n", b" ")
        if (message := _read(data)) is not None:
            yield data, message


def _read(data: bytes) -> dict[str, Any] | None:
    try:
        message = json.loads(data)
    except (ValueError, RecursionError):
        return None
    return message if isinstance(message, dict) else None


async def _events(answer: httpx2.Response) -> AsyncIterator[bytes]:
    rest, data = b"", list[bytes]()
    async for chunk in answer.aiter_bytes():
        *lines, rest = (rest + chunk).split(b"\n")
        for line in lines:
            line = line.removesuffix(b"\r")
            if line.startswith(b"data:"):
                data.append(line.removeprefix(b"data:").removeprefix(b" "))
            elif not line and data:
                yield b" ".join(data)
                data = []
