"""The shared cells of a document in their order, each at hand.

pycrdt finds an element of a shared array by walking to it from the start, also where it goes
through all of them: in a notebook of 5,000 cells that is 12 million steps. So they are kept in a
list of Python's, which follows the array.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, cast

from .pycrdt_types import RawMap, RawText

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pycrdt import Array, Map


class CellOrder:
    """The elements of one shared array.

    Parameters
    ----------
    array : Array

    Notes
    -----
    It follows when a transaction ends: inside of one that takes cells out or puts some in, it says
    what was there before.
    """

    def __init__(self, array: Array[Any]) -> None:
        self._array = array
        # What Yjs itself holds, so that nothing here keeps the document alive.
        self._followed = _Followed([_held(cell) for cell in array])
        # It ends with this object: pycrdt drops it.
        self._subscription = array.integrated.observe(self._followed.follow)

    def __len__(self) -> int:
        return len(self._array if self._followed.lost else self._followed.held)

    def __getitem__(self, index: int) -> Any:  # noqa: ANN401 - a Map, if nobody put something else
        if self._followed.lost:
            return self._array[index]
        return self._array._maybe_as_type_or_doc(self._followed.held[index])

    def __iter__(self) -> Iterator[Any]:
        if self._followed.lost:
            return iter(self._array)
        return map(self._array._maybe_as_type_or_doc, list(self._followed.held))


class _Followed:
    """A list that follows an array by what is told of its changes."""

    def __init__(self, held: list[Any]) -> None:
        self.held = held
        self.lost = False
        """Whether something could not be followed: then the array alone is to be asked."""

    def follow(self, event: Any) -> None:  # noqa: ANN401 - pycrdt's own, before it is wrapped
        try:
            followed(self.held, event.delta)
        except Exception:
            # Nobody hears of what is raised here, and the list would be wrong from now on.
            self.lost = True


def followed(held: list[Any], delta: list[dict[str, Any]]) -> None:
    """Apply what was told of a change of an array to a list."""
    at = 0
    for change in delta:
        if "retain" in change:
            at += int(change["retain"])
        elif "insert" in change:
            held[at:at] = change["insert"]
            at += len(change["insert"])
        else:
            del held[at : at + int(change["delete"])]


def _held(value: Any) -> Any:  # noqa: ANN401
    return getattr(value, "integrated", value)


def plain(cell: Map[Any], *keys: str) -> list[Any]:
    """Return what a shared cell has under some keys, and its texts as texts; None where nothing is.

    As `Map.get` does, in a tenth of the time: of many cells many keys are read.
    """
    with cell.doc.transaction() as transaction:
        held, now = cell.integrated, cast("Any", transaction._txn)
        found = [held.get(now, key) if held.has(now, key) else None for key in keys]
        return [each.get_string(now) if isinstance(each, RawText) else each for each in found]


def has_nothing_in(cell: Map[Any], key: str) -> bool:
    """Return whether what a shared cell has under a key is a shared map with nothing in it."""
    with cell.doc.transaction() as transaction:
        held, now = cell.integrated, cast("Any", transaction._txn)
        found = held.get(now, key) if held.has(now, key) else None
        return isinstance(found, RawMap) and found.len(now) == 0
