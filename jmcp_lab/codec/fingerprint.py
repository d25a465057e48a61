"""Compact versions of a notebook file, for comparisons.

A version can be stored on disk, because its hashes are the same in every process.
"""

from __future__ import annotations

import json
import secrets
import zlib
from dataclasses import dataclass
from hashlib import blake2b
from typing import TYPE_CHECKING, Any, Self

from ..text.diff import sequence_opcodes
from .cell_form import document_id

if TYPE_CHECKING:
    from collections.abc import Mapping

from .cell_form import source_of

RESULTS = ("outputs", "execution_count")
LOOKS = ("cell_type", "metadata", "attachments")

DEFAULTS = {"language_info": {"name": ""}, "kernelspec": {"name": "", "display_name": ""}}
"""The metadata that jupyter-ydoc adds to a notebook that has none."""


@dataclass(frozen=True, slots=True)
class CellVersion:
    """One cell: its text, and hashes of the other parts for comparison."""

    source: str
    looks: int
    results: int

    @classmethod
    def of(cls, cell: dict[str, Any]) -> CellVersion:
        """Return the version of a cell in nbformat form.

        It excludes ``trusted``, which is not in the file: the contents manager adds it on reading.
        """
        looks = {key: cell.get(key) or None for key in LOOKS}
        metadata = cell.get("metadata")
        looks["metadata"] = without_trust(metadata if isinstance(metadata, dict) else {})
        results = {key: cell.get(key) or None for key in RESULTS}
        return cls(source_of(cell), mark(looks), mark(results))

    def unless_kept(self, said: CellVersion, given: CellVersion) -> CellVersion:
        """Return this cell with the `given` value for each part that still equals `said`."""
        return CellVersion(
            given.source if self.source == said.source else self.source,
            given.looks if self.looks == said.looks else self.looks,
            given.results if self.results == said.results else self.results,
        )


@dataclass(frozen=True, slots=True)
class Version:
    """A whole notebook.

    Cells have no ids before nbformat 4.5. A notebook also counts as having none if an id is missing
    or not unique, so that it does not identify a cell of the document. Then cells are matched by
    their texts.
    """

    ids: tuple[str, ...] | None
    cells: tuple[CellVersion, ...]
    metadata: dict[str, int]

    @classmethod
    def of(cls, content: dict[str, Any]) -> Version:
        """Return the version of a notebook in nbformat form."""
        ids = [document_id(cell) for cell in content["cells"]]
        known = tuple(cell_id for cell_id in ids if cell_id is not None)
        return cls(
            known if len(set(known)) == len(ids) else None,
            tuple(CellVersion.of(cell) for cell in content["cells"]),
            {key: mark(value) for key, value in metadata_of(content).items()},
        )

    @property
    def digest(self) -> str:
        """A short text that is the same for equal versions."""
        return blake2b(self._json(), digest_size=16).hexdigest()

    def pack(self) -> bytes:
        """Return the version in its on-disk form."""
        return zlib.compress(self._json(), 1)

    @classmethod
    def unpack(cls, data: bytes) -> Self:
        """Return the version that `pack` turned into these bytes."""
        found = json.loads(zlib.decompress(data))
        ids = found["ids"]
        return cls(
            None if ids is None else tuple(ids),
            tuple(CellVersion(*cell) for cell in found["cells"]),
            found["metadata"],
        )

    def metadata_unless_kept(self, said: Version, given: Version) -> dict[str, int]:
        """Return the hashes of the metadata; see `CellVersion.unless_kept`."""
        found = {}
        for key in {*self.metadata, *given.metadata}:
            kept = self.metadata.get(key) == said.metadata.get(key)
            if (value := (given if kept else self).metadata.get(key)) is not None:
                found[key] = value
        return found

    def _json(self) -> bytes:
        cells = [(cell.source, cell.looks, cell.results) for cell in self.cells]
        return _json({"ids": self.ids, "cells": cells, "metadata": self.metadata})

    def named(self, others: list[tuple[str, str]]) -> dict[str, CellVersion]:
        """Return the cells by id, in order.

        Parameters
        ----------
        others : list of tuple
            Ids and texts of the earlier or later state of these cells. If the file has no ids, a
            cell gets the id of the one with the same text, or of the one at the same place among
            the others.
        """
        ids = self.ids or aligned([cell.source for cell in self.cells], others)
        return dict(zip(ids, self.cells, strict=True))


def metadata_of(content: dict[str, Any]) -> dict[str, Any]:
    """Return the metadata of a notebook as its open document has it."""
    metadata = content.get("metadata")
    return DEFAULTS | (metadata if isinstance(metadata, dict) else {})


def without_trust(metadata: dict[str, Any]) -> dict[str, Any]:
    """Return the metadata of a cell in file form."""
    return {key: value for key, value in metadata.items() if key != "trusted"}


def aligned(sources: list[str], others: list[tuple[str, str]]) -> list[str]:
    """Return an id for each text: that of the matching cell, or a new one."""
    found = [secrets.token_hex(4) for _ in sources]
    texts = [text for _, text in others]
    for kind, start, end, first, last in sequence_opcodes(texts, sources):
        if kind == "equal" or (kind == "replace" and end - start == last - first):
            found[first:last] = [cell_id for cell_id, _ in others[start:end]]
    return found


def renamed(old: Mapping[str, str], new: Mapping[str, str], *, made_up: bool) -> dict[str, str]:
    """Return the earlier ids of cells that another program has given new ids, as nbstripout does.

    Parameters
    ----------
    old, new : mapping
        The texts of the cells by id, in order.
    made_up : bool
        Whether the old ids were generated rather than read from a file.

    Returns
    -------
    dict
        The old id of each cell by its new one. Only cells with unchanged texts count. But if all
        ids are new, and some texts are unchanged, the cells between those count as well.
    """
    gone = {cell_id: text for cell_id, text in old.items() if cell_id not in new}
    fresh = [cell_id for cell_id in new if cell_id not in old]
    if not gone or not fresh:
        return {}
    found = zip(fresh, aligned([new[i] for i in fresh], list(gone.items())), strict=True)
    pairs = {cell_id: before for cell_id, before in found if before in gone}
    same = {cell_id: before for cell_id, before in pairs.items() if gone[before] == new[cell_id]}
    return pairs if made_up or (same and len(gone) == len(old)) else same


def mark(value: Any) -> int:  # noqa: ANN401 - JSON
    """Return a hash of JSON that is the same in every process.

    Types matter: 1.0 differs from 1. Large texts, such as images, are hashed without conversion.
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
