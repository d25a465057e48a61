"""Values of a file that are found by what stands for them in the document, wherever it went."""

from __future__ import annotations

from typing import Any, Final

from .values import copied, file_form, fingerprint, weight

MOST_LEFT: Final = 64 << 20
"""Bytes of values that are kept although the notebook does not say them at present."""


class _Natural:
    """Says that the file has what the document's value tells by itself."""


NATURAL: Final = _Natural()


class _Found:
    """What the file may have where the document says one thing, the latest last.

    Mostly that is one thing in one cell, and there is one of these for each output of each run.

    Parameters
    ----------
    original : Any
    owner : str
        The id of the cell that it is in.
    """

    __slots__ = ("_more", "_natural", "_original", "_owner", "used")

    def __init__(self, original: Any, owner: str) -> None:  # noqa: ANN401 - JSON
        self._original = original
        self._owner = owner
        self._more: dict[str, Any] | None = None
        """All of them, by cell, as soon as it is in several."""
        self._natural = 0
        """How many of them are natural."""
        self.used = 0

    @property
    def weight(self) -> int:
        """About how many bytes they take."""
        found = (self._original,) if self._more is None else self._more.values()
        return sum(100 if value is NATURAL else weight(value) for value in found)

    def choose(self, owner: str) -> Any:  # noqa: ANN401 - JSON
        """Return what it is in this cell, else what it is by itself, else the latest."""
        if self._more is None:
            return self._original
        if owner in self._more:
            return self._more[owner]
        return NATURAL if self._natural else next(reversed(self._more.values()))

    def add(self, original: Any, owner: str) -> None:  # noqa: ANN401 - JSON
        """Remember what the file has in one cell."""
        if self._more is None:
            if owner == self._owner:
                self._original = original
                return
            self._more = {self._owner: self._original}
            self._natural = int(self._original is NATURAL)
            self._original = None
        self._natural += (original is NATURAL) - (self._more.pop(owner, None) is NATURAL)
        self._more[owner] = original


class Variants:
    """What the file may have for what the document says, by kind and content."""

    def __init__(self) -> None:
        self._found: dict[tuple[str, int], _Found] = {}
        self.inexact = False
        """Whether there has been one that a document's value does not tell."""
        self._written = 0
        self._growth = 0

    def add(self, kind: str, mark: int, original: Any, owner: str) -> None:  # noqa: ANN401 - JSON
        """Take note of what the file has in one cell.

        Parameters
        ----------
        kind : str
            The key of the cell.
        mark : int
            The fingerprint of the document's value.
        original : Any
            What the file has, or `NATURAL`.
        owner : str
            The id of the cell.
        """
        found = self._found.pop((kind, mark), None)
        if found is None:
            found = _Found(original, owner)
        else:
            found.add(original, owner)
        # At the end, as the latest.
        self._found[kind, mark] = found
        if original is NATURAL:
            self._growth += 100
        else:
            self._growth += weight(original)
            self.inexact = True

    def know(self, kind: str, mark: int) -> bool:
        """Return whether the file has had something for a document's value."""
        return (kind, mark) in self._found

    def restored(self, kind: str, form: Any, owner: str, mark: int | None = None) -> Any:  # noqa: ANN401
        """Return what the file is to have for a document's value."""
        found = self._found.get((kind, fingerprint(form) if mark is None else mark))
        if found is None:
            return file_form(form)
        found.used = self._written
        return copy_of(found.choose(owner), form)

    def starts(self) -> int:
        """Say that the whole notebook is about to be written; return what `ends` asks for."""
        self._written += 1
        return self._written

    def ends(self, started: int) -> None:
        """Forget what was not asked for since, the oldest first, beyond a bound."""
        if self._growth <= MOST_LEFT:
            return
        unused = {key: found.weight for key, found in self._found.items() if found.used < started}
        over = sum(unused.values()) - MOST_LEFT // 2
        for key, size in unused.items():
            if over > 0:
                over -= size
                del self._found[key]
        self._growth = 0


def copy_of(original: Any, form: Any) -> Any:  # noqa: ANN401 - JSON
    """Return a copy of what the file has, which may be what the document's value tells."""
    return file_form(form) if original is NATURAL else copied(original)
