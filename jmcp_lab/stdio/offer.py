"""What this program says that there is, before a server has answered.

Clients ask for the tools when they start, often before JupyterLab runs. `offer.json` holds the
tools of this package. What other packages add is only known from a server, so the last list that
differed is kept, for the folder in which the program starts.
"""

from __future__ import annotations

import hashlib
import json
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..version import __version__
from .messages import HANDSHAKE_VERSIONS, MODERN_VERSIONS, SERVER_KEY

if TYPE_CHECKING:
    from collections.abc import Callable

    from .messages import Json

OFFER = Path(__file__).parent / "offer.json"

FRESH_MS = 60_000
"""Milliseconds that a client of 2026-07-28 may use a server's list of tools without asking."""

_CAPABILITIES = {"tools": {"listChanged": True}}


class Offer:
    """The tools, and what the server says of itself.

    Parameters
    ----------
    folder : callable
        Returns where lists are kept; called when it is needed.
    place : str
        What decides which server is found.
    """

    def __init__(self, folder: Callable[[], Path], place: str) -> None:
        self._folder = folder
        self._name = hashlib.sha256(place.encode()).hexdigest()[:24]
        self._shipped: Json = json.loads(OFFER.read_text("utf-8"))
        self._tools: list[Json] | None = None
        self._fresh = False

    @property
    def tools(self) -> list[Json]:
        """The tools as the server listed them, else as kept, else as this package has them."""
        if self._tools is None:
            self._tools = self._kept() or self._shipped["tools"]
        return self._tools

    def update(self, tools: list[Json]) -> None:
        """Take a server's list, and keep it for the next start where it differs from the shipped.

        Raises
        ------
        OSError
            It cannot be kept.
        """
        known, self._tools, self._fresh = self.tools, tools, True
        if tools == known:
            return
        from ..server.private_file import write_private

        if tools == self._shipped["tools"]:
            self._path().unlink(missing_ok=True)
        else:
            write_private(self._path(), json.dumps({"version": __version__, "tools": tools}))

    def stale(self) -> None:
        """Note that the server has gone, and may come back with other tools."""
        self._fresh = False

    def read_only(self, name: object) -> bool:
        """Return whether a tool changes nothing, so that it can be called twice."""
        found = (tool for tool in self.tools if tool.get("name") == name)
        return any(tool.get("annotations", {}).get("readOnlyHint") is True for tool in found)

    def initialized(self, version: object) -> Json:
        """Return the result of `initialize`."""
        return {
            "protocolVersion": version if version in HANDSHAKE_VERSIONS else HANDSHAKE_VERSIONS[-1],
            "capabilities": _CAPABILITIES,
            "serverInfo": self._server,
            "instructions": self._shipped["instructions"],
        }

    def discovered(self) -> Json:
        """Return the result of `server/discover`."""
        found = {
            "supportedVersions": [*MODERN_VERSIONS],
            "capabilities": _CAPABILITIES,
            "instructions": self._shipped["instructions"],
        }
        return self._modern(found, 0)

    def listed(self, *, modern: bool) -> Json:
        """Return the result of `tools/list`."""
        found: Json = {"tools": self.tools}
        return self._modern(found, FRESH_MS if self._fresh else 0) if modern else found

    def _modern(self, found: Json, fresh_ms: int) -> Json:
        own = {"resultType": "complete", "ttlMs": fresh_ms, "cacheScope": "private"}
        return found | own | {"_meta": {SERVER_KEY: self._server}}

    @property
    def _server(self) -> Json:
        return {**self._shipped["serverInfo"], "version": __version__}

    def _path(self) -> Path:
        return self._folder() / f"{self._name}.json"

    def _kept(self) -> list[Json]:
        kept: Any = None
        with suppress(OSError, ValueError):
            kept = json.loads(self._path().read_text("utf-8"))
        # Another version of this package may have other tools.
        if not isinstance(kept, dict) or kept.get("version") != __version__:
            return []
        tools = kept.get("tools")
        return tools if isinstance(tools, list) else []
