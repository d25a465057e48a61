"""Versions of a file's content, reduced to what comparisons need."""

from __future__ import annotations

import zlib
from dataclasses import dataclass
from hashlib import blake2b
from typing import Protocol, Self


class ContentVersion(Protocol):
    """One version of a file's content, reduced to what comparisons need."""

    @property
    def digest(self) -> str:
        """A short text that is the same for equal versions."""

    def pack(self) -> bytes:
        """Return the version in its on-disk form."""


@dataclass(frozen=True, slots=True)
class TextVersion:
    """One version of a text file."""

    text: str

    @property
    def digest(self) -> str:
        """A short text that is the same for equal texts."""
        return blake2b(self.text.encode("utf-8", "surrogatepass"), digest_size=16).hexdigest()

    def pack(self) -> bytes:
        """Return the text in its on-disk form."""
        return zlib.compress(self.text.encode("utf-8", "surrogatepass"), 1)

    @classmethod
    def unpack(cls, data: bytes) -> Self:
        """Return the text that `pack` turned into these bytes."""
        return cls(zlib.decompress(data).decode("utf-8", "surrogatepass"))
