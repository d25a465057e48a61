"""Yjs deltas: what an event says about the items of a shared array."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence


def replacements(delta: Sequence[dict[str, Any]]) -> Iterator[tuple[int, int, Sequence[Any]]]:
    """Yield for each change its index, how many items it deletes there and what it inserts.

    An index counts from after the changes before it, so a list follows with
    ``held[index : index + deleted] = inserted``.
    """
    at = 0
    for change in delta:
        if "retain" in change:
            at += int(change["retain"])
        elif "insert" in change:
            yield at, 0, change["insert"]
            at += len(change["insert"])
        else:
            yield at, int(change["delete"]), ()
