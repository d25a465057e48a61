"""A changing list of names with fast lookup."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Sequence

PART: Final = 128
"""Number of names in one part; a part with more than twice as many is split."""


class Order:
    """A list of names stored in parts, for hundreds of changes to thousands of names.

    Parameters
    ----------
    names : sequence of str
        If a name occurs twice, lookups find the first one, as in a list.
    """

    def __init__(self, names: Sequence[str]) -> None:
        twice = len({*names}) != len(names)
        size = max(len(names), 1) if twice else PART
        self._parts = [list(names[at : at + size]) for at in range(0, len(names), size)] or [[]]
        self._most = None if twice else 2 * PART
        self._part_of = {name: part for part in self._parts for name in part}

    def names(self) -> list[str]:
        """Return all names, in order."""
        return [name for part in self._parts for name in part]

    def __len__(self) -> int:
        return sum(map(len, self._parts))

    def index(self, name: str) -> int | None:
        """Return the index of a name, from 0, or None."""
        part = self._part_of.get(name)
        if part is None:
            return None
        return self._start(part) + part.index(name)

    def at(self, index: int) -> str | None:
        """Return the name at an index, or None if the index is out of range."""
        if index < 0:
            return None
        for part in self._parts:
            if index < len(part):
                return part[index]
            index -= len(part)
        return None

    def neighbours(self, name: str) -> tuple[str | None, str | None, int]:
        """Return the names before and after an existing name, and its index."""
        index = self.index(name)
        assert index is not None
        return self.at(index - 1), self.at(index + 1), index

    def insert(self, index: int, name: str) -> None:
        """Insert a name at an index, as a list does."""
        for number, part in enumerate(self._parts):
            if index <= len(part) or number == len(self._parts) - 1:
                part.insert(index, name)
                self._part_of[name] = part
                if self._most is not None and len(part) > self._most:
                    self._halve(number)
                return
            index -= len(part)

    def remove(self, name: str) -> None:
        """Remove an existing name."""
        part = self._part_of[name]
        part.remove(name)
        if name not in part:
            del self._part_of[name]

    def _start(self, part: list[str]) -> int:
        start = 0
        for each in self._parts:
            if each is part:
                break
            start += len(each)
        return start

    def _halve(self, number: int) -> None:
        part = self._parts[number]
        half = part[len(part) // 2 :]
        del part[len(part) // 2 :]
        self._parts.insert(number + 1, half)
        self._part_of |= dict.fromkeys(half, half)
