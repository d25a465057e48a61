"""What a file said, as far as a comparison needs it."""

from __future__ import annotations

import zlib
from dataclasses import dataclass
from hashlib import blake2b
from typing import Protocol, Self


class ContentVersion(Protocol):
    """What a file said, as far as a comparison needs it."""

    @property
    def digest(self) -> str:
        """A short text that is the same for versions that are equal."""

    def pack(self) -> bytes:
        """Return the version as it is kept on disk."""


@dataclass(frozen=True, slots=True)
class TextVersion:
    """What a text file said."""

    text: str

    @property
    def digest(self) -> str:
        """A short text that is the same for texts that are equal."""
        return blake2b(self.text.encode("utf-8", "surrogatepass"), digest_size=16).hexdigest()

    def pack(self) -> bytes:
        """Return the text as it is kept on disk."""
        return zlib.compress(self.text.encode("utf-8", "surrogatepass"), 1)

    @classmethod
    def unpack(cls, data: bytes) -> Self:
        """Return the text that `pack` made these bytes of."""
        return cls(zlib.decompress(data).decode("utf-8", "surrogatepass"))
