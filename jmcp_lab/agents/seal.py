"""A seal on the list of agents that shows what Jupyter servers wrote, and what others did.

The key is a private file of the user. Code that runs as the same user can read it, and so can
create seals. Against a program that sets out to do that, only kernels that run as another user
help. A running server keeps the key and the latest seal in memory.
"""

from __future__ import annotations

import hashlib
import hmac
import json
import secrets
from contextlib import suppress
from typing import TYPE_CHECKING, Any

from ..server.private_file import write_private

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

KEY_BYTES = 32


class Seal:
    """Seals what the servers of one root write.

    Parameters
    ----------
    path : Path
        The file of the key, which is created when something is sealed for the first time.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._key: bytes | None = None

    def make(self, content: Mapping[str, Any]) -> str:
        """Return the seal of JSON content."""
        return _digest(self._read() or self._create(), content)

    def holds(self, content: Mapping[str, Any], seal: object) -> bool:
        """Return whether one of the user's servers has sealed exactly this content."""
        key = self._read()
        if key is None or not isinstance(seal, str) or not seal.isascii():
            return False
        return hmac.compare_digest(_digest(key, content), seal)

    def _read(self) -> bytes | None:
        if self._key is None:
            with suppress(OSError):
                found = self._path.read_bytes()
                self._key = found if len(found) == KEY_BYTES else None
        return self._key

    def _create(self) -> bytes:
        """Create the key. If it cannot be saved, sealed changes wait for review after a restart."""
        key = secrets.token_bytes(KEY_BYTES)
        with suppress(OSError):
            # The existing file is not a valid key, so nothing can be sealed with it.
            write_private(self._path, key)
        self._key = key
        return key


def _digest(key: bytes, content: Mapping[str, Any]) -> str:
    text = json.dumps(content, sort_keys=True, separators=(",", ":"))
    return hmac.new(key, text.encode(), hashlib.sha256).hexdigest()
