"""Whether a notebook is still the one that a person meant: by its file and by what is in it.

The id of a file stays with its name when a shell puts another file there, and what was allowed for
the old one would hold for the new. So a document has an id of its own, which goes with it when the
server renames the file and ends when another program brings other contents: in a file that took the
place of the old one, or in the same file when most of its cells are others. A program that saves
what it has changed writes into the same file; where it puts a new one in its place, as git does,
people are asked once more.
"""

from __future__ import annotations

import os
import secrets
from collections import Counter, OrderedDict
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Sequence

    from ..codec.fingerprint import Version

KEPT = 64
"""How many notebooks that were closed are known again when they are opened."""

MOST_ENDED = 10_000


@dataclass(frozen=True, slots=True)
class _Left:
    """A notebook as it was closed."""

    id: str
    version: Version
    number: int | None


_left: OrderedDict[str, _Left] = OrderedDict()
_ended: OrderedDict[str, None] = OrderedDict()


def has_ended(document_id: str) -> bool:
    """Return whether the file of a document is known to be another one by now."""
    return document_id in _ended


class Identity:
    """The id of one open document, which what people allow is bound to.

    Parameters
    ----------
    file_id : str
        The id that stays with the file when the server renames it.
    """

    def __init__(self, file_id: str) -> None:
        self._file_id = file_id
        self._number: int | None = None
        self.id = _new_id(file_id)

    def enter(self, version: Version, number: int | None) -> None:
        """Be who the notebook was before it was closed, if its file is what it was then.

        Parameters
        ----------
        version : Version
            What the file says.
        number : int or None
            What stays the same when a file is written in place.
        """
        self._number = number
        known = _left.pop(self._file_id, None)
        if known is None:
            return
        if _same(known.version, version, known.number, number):
            self.id = known.id
        else:
            _end(known.id)

    def meet(self, before: Version, now: Version, number: int | None) -> None:
        """Become another one if another program brought the contents of another notebook."""
        if not _same(before, now, self._number, number):
            _end(self.id)
            self.id = _new_id(self._file_id)
        self._number = number

    def leave(self, version: Version, number: int | None) -> None:
        """Remember who the notebook is, for when it is opened again."""
        _left[self._file_id] = _Left(self.id, version, number)
        if len(_left) > KEPT:
            _end(_left.popitem(last=False)[1].id)


def number_of(manager: Any, path: str) -> int | None:  # noqa: ANN401 - of any kind
    """Return what stays the same when a file is written in place; None where nothing does."""
    root = getattr(manager, "root_dir", None)
    try:
        return os.stat(os.path.join(root, path)).st_ino if root else None
    except OSError:
        return None


def _same(before: Version, now: Version, number: int | None, new_number: int | None) -> bool:
    old, new = _sources(before), _sources(now)
    if None not in (number, new_number) and number != new_number:
        return (before.ids, old) == (now.ids, new)
    if _mostly(old, new) or not (old or new):
        return True
    return before.ids is not None and now.ids is not None and _mostly(before.ids, now.ids)


def _sources(version: Version) -> list[str]:
    return [cell.source for cell in version.cells]


def _mostly(old: Sequence[str], new: Sequence[str]) -> bool:
    """Return whether most of what was there is there still."""
    return 2 * (Counter(old) & Counter(new)).total() > len(old)


def _new_id(file_id: str) -> str:
    return f"{file_id}:{secrets.token_hex(8)}"


def _end(document_id: str) -> None:
    _ended[document_id] = None
    if len(_ended) > MOST_ENDED:
        _ended.popitem(last=False)
