"""Find a file's original values by their document form, wherever they were moved."""

from __future__ import annotations

from typing import Any, Final

from .values import copied, file_form, fingerprint, weight

MAX_LEFT: Final = 64 << 20
"""Maximum bytes of values kept that the notebook does not currently have."""


class _Natural:
    """A marker: the file has what the document's value itself determines."""


NATURAL: Final = _Natural()


class _Found:
    """The originals that may belong to one document value, the latest last.

    Usually this is one original in one cell, and there is one such object for each output of each
    run.

    Parameters
    ----------
    original : Any
    owner : str
        The id of the cell that contains it.
    """

    __slots__ = ("_more", "_natural", "_original", "_owner", "used")

    def __init__(self, original: Any, owner: str) -> None:  # noqa: ANN401 - JSON
        self._original = original
        self._owner = owner
        self._more: dict[str, Any] | None = None
        """All originals by cell, once there are several cells."""
        self._natural = 0
        """The number of cells whose original is natural."""
        self.used = 0

    @property
    def weight(self) -> int:
        """Their approximate size in bytes."""
        found = (self._original,) if self._more is None else self._more.values()
        return sum(100 if value is NATURAL else weight(value) for value in found)

    def choose(self, owner: str) -> Any:  # noqa: ANN401 - JSON
        """Return this cell's original, or the natural value if a cell has it, or the latest."""
        if self._more is None:
            return self._original
        if owner in self._more:
            return self._more[owner]
        return NATURAL if self._natural else next(reversed(self._more.values()))

    def add(self, original: Any, owner: str) -> None:  # noqa: ANN401 - JSON
        """Record the original of one cell."""
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
    """The originals that may belong to a document value, by kind and content."""

    def __init__(self) -> None:
        self._found: dict[tuple[str, int], _Found] = {}
        self.inexact = False
        """Whether any original differed from its natural value."""
        self._written = 0
        self._growth = 0

    def add(self, kind: str, mark: int, original: Any, owner: str) -> None:  # noqa: ANN401 - JSON
        """Record the original of one cell.

        Parameters
        ----------
        kind : str
            The key of the cell.
        mark : int
            The fingerprint of the document's value.
        original : Any
            The file's value, or `NATURAL`.
        owner : str
            The id of the cell.
        """
        found = self._found.pop((kind, mark), None)
        if found is None:
            found = _Found(original, owner)
        else:
            found.add(original, owner)
        # Insert it at the end, as the latest.
        self._found[kind, mark] = found
        if original is NATURAL:
            self._growth += 100
        else:
            self._growth += weight(original)
            self.inexact = True

    def know(self, kind: str, mark: int) -> bool:
        """Return whether the file has had an original for a document's value."""
        return (kind, mark) in self._found

    def restored(self, kind: str, form: Any, owner: str, mark: int | None = None) -> Any:  # noqa: ANN401
        """Return the file form of a document's value."""
        found = self._found.get((kind, fingerprint(form) if mark is None else mark))
        if found is None:
            return file_form(form)
        found.used = self._written
        return copy_of(found.choose(owner), form)

    def starts(self) -> int:
        """Announce that the whole notebook will be written; return a token for `ends`."""
        self._written += 1
        return self._written

    def ends(self, started: int) -> None:
        """Forget what was not used since, the oldest first, beyond a limit."""
        if self._growth <= MAX_LEFT:
            return
        unused = {key: found.weight for key, found in self._found.items() if found.used < started}
        over = sum(unused.values()) - MAX_LEFT // 2
        for key, size in unused.items():
            if over > 0:
                over -= size
                del self._found[key]
        self._growth = 0


def copy_of(original: Any, form: Any) -> Any:  # noqa: ANN401 - JSON
    """Return a copy of the original, or the natural file form if that is the original."""
    return file_form(form) if original is NATURAL else copied(original)
