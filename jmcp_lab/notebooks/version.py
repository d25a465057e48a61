"""What the file of a notebook said, in as little memory as a comparison needs.

A version can be kept on disk: its marks are the same in every process.
"""

from __future__ import annotations

import json
import secrets
import zlib
from dataclasses import dataclass
from difflib import SequenceMatcher
from hashlib import blake2b
from typing import Any, Self

from .cell_form import source_of

RESULTS = ("outputs", "execution_count")
LOOKS = ("cell_type", "metadata", "attachments")

DEFAULTS = {"language_info": {"name": ""}, "kernelspec": {"name": "", "display_name": ""}}
"""What jupyter-ydoc puts into the metadata of a notebook that has none of it."""


@dataclass(frozen=True, slots=True)
class CellVersion:
    """One cell: its text, and marks of the rest that are equal when the rest is."""

    source: str
    looks: int
    results: int

    @classmethod
    def of(cls, cell: dict[str, Any]) -> CellVersion:
        """Return the version of a cell as nbformat has it.

        ``trusted`` is no part of the file: the contents manager says it on reading.
        """
        looks = {key: cell.get(key) or None for key in LOOKS}
        metadata = cell.get("metadata")
        looks["metadata"] = without_trust(metadata if isinstance(metadata, dict) else {})
        results = {key: cell.get(key) or None for key in RESULTS}
        return cls(source_of(cell), mark(looks), mark(results))


@dataclass(frozen=True, slots=True)
class Version:
    """A whole notebook. Before nbformat 4.5 cells have no ids."""

    ids: tuple[str, ...] | None
    cells: tuple[CellVersion, ...]
    metadata: dict[str, int]

    @classmethod
    def of(cls, content: dict[str, Any]) -> Version:
        """Return the version of a notebook as nbformat has it."""
        ids = tuple(str(cell["id"]) for cell in content["cells"] if cell.get("id"))
        return cls(
            ids if len(set(ids)) == len(content["cells"]) else None,
            tuple(CellVersion.of(cell) for cell in content["cells"]),
            {key: mark(value) for key, value in metadata_of(content).items()},
        )

    @property
    def digest(self) -> str:
        """A short text that is the same for versions that are equal."""
        return blake2b(self._json(), digest_size=16).hexdigest()

    def pack(self) -> bytes:
        """Return the version as it is kept on disk."""
        return zlib.compress(self._json(), 1)

    @classmethod
    def unpack(cls, data: bytes) -> Self:
        """Return the version that `pack` made these bytes of."""
        found = json.loads(zlib.decompress(data))
        ids = found["ids"]
        return cls(
            None if ids is None else tuple(ids),
            tuple(CellVersion(*cell) for cell in found["cells"]),
            found["metadata"],
        )

    def _json(self) -> bytes:
        cells = [(cell.source, cell.looks, cell.results) for cell in self.cells]
        return _json({"ids": self.ids, "cells": cells, "metadata": self.metadata})

    def named(self, others: list[tuple[str, str]]) -> dict[str, CellVersion]:
        """Return the cells by id, in order.

        Parameters
        ----------
        others : list of tuple
            Ids and texts of the cells that these were or became: where a file has no ids, a cell
            is the one of them which has its text, or which stands where it stands among those.
        """
        ids = self.ids or aligned([cell.source for cell in self.cells], others)
        return dict(zip(ids, self.cells, strict=True))


def metadata_of(content: dict[str, Any]) -> dict[str, Any]:
    """Return the metadata of a notebook as its open document has it."""
    metadata = content.get("metadata")
    return DEFAULTS | (metadata if isinstance(metadata, dict) else {})


def without_trust(metadata: dict[str, Any]) -> dict[str, Any]:
    """Return the metadata of a cell as the file has it."""
    return {key: value for key, value in metadata.items() if key != "trusted"}


def aligned(sources: list[str], others: list[tuple[str, str]]) -> list[str]:
    """Return an id for each text: that of the fitting cell, or a new one."""
    found = [secrets.token_hex(4) for _ in sources]
    matcher = SequenceMatcher(None, [text for _, text in others], sources, autojunk=False)
    for kind, start, end, first, last in matcher.get_opcodes():
        if kind == "equal" or (kind == "replace" and end - start == last - first):
            found[first:last] = [cell_id for cell_id, _ in others[start:end]]
    return found


def mark(value: Any) -> int:  # noqa: ANN401 - JSON
    """Return a number that is the same for the same JSON, in every process.

    Types count: 1.0 is not 1. Large texts, such as images, are hashed as they are.
    """
    if isinstance(value, str):
        data = b"s" + value.encode("utf-8", "surrogatepass")
    elif isinstance(value, dict):
        pairs = sorted((str(key), mark(item)) for key, item in value.items())
        data = b"d" + _json(pairs)
    elif isinstance(value, list | tuple) and any(isinstance(item, dict | str) for item in value):
        data = b"l" + _json([mark(item) for item in value])
    else:
        data = b"v" + _json(value)
    return int.from_bytes(blake2b(data, digest_size=8).digest())


def _json(value: Any) -> bytes:  # noqa: ANN401 - JSON
    return json.dumps(value, sort_keys=True, separators=(",", ":")).encode()
