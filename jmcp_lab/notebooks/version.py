"""What the file of a notebook said, in as little memory as a comparison needs."""

from __future__ import annotations

import secrets
from dataclasses import dataclass
from difflib import SequenceMatcher
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterable

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
        return cls(str(cell.get("source", "")), mark(looks), mark(results))


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
    """Return a number that is the same for the same JSON, within this process.

    Whole numbers come back from the shared document as floats.
    """
    if isinstance(value, dict):
        return _mark_all((mark(key), mark(item)) for key, item in value.items())
    if isinstance(value, (list, tuple)):
        return hash(tuple(mark(item) for item in value))
    if isinstance(value, str):
        return hash(value)
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    return hash((repr(value),))


def _mark_all(pairs: Iterable[tuple[int, int]]) -> int:
    return hash(frozenset(pairs))
