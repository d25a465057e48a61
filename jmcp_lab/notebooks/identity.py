"""Decide whether a notebook is still the one that a person meant, by its file and its content.

A file's id stays with its name when a shell puts another file there. Grants for the old notebook
would then apply to the new one. So each document has an id of its own. It follows the file when the
server renames it. It ends when another program brings other content: a file that replaces the old
one, or the same file with mostly different cells. A program that saves its edits usually writes to
the same file. If it replaces the file, as git does, people are asked once more.
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

MAX_LEFT = 64
"""Maximum number of closed notebooks that are recognized when they are reopened."""

MAX_ENDED = 10_000


@dataclass(frozen=True, slots=True)
class _Left:
    """A notebook as it was when it was closed."""

    id: str
    version: Version
    number: int | None


_left: OrderedDict[str, _Left] = OrderedDict()
_ended: OrderedDict[str, None] = OrderedDict()


def has_ended(document_id: str) -> bool:
    """Return whether a document's file is known to be a different notebook by now."""
    return document_id in _ended


class Identity:
    """The id of one open document, to which grants are bound.

    Parameters
    ----------
    file_id : str
        The file's id, which survives renames by the server.
    """

    def __init__(self, file_id: str) -> None:
        self._file_id = file_id
        self._number: int | None = None
        self.id = _new_id(file_id)

    def enter(self, version: Version, number: int | None) -> None:
        """Take over the id from before the notebook was closed, if its file is still the same.

        Parameters
        ----------
        version : Version
            The version of the file.
        number : int or None
            The file's inode, which a write in place preserves.
        """
        self._number = number
        known = _left.pop(self._file_id, None)
        if known is None:
            return
        if _same(known.version, version, known.number, number):
            self.id = known.id
        else:
            _end(known.id)

    def file_changed(self, before: Version, now: Version, number: int | None) -> None:
        """Take a new id if another program has brought the content of another notebook."""
        if not _same(before, now, self._number, number):
            _end(self.id)
            self.id = _new_id(self._file_id)
        self._number = number

    def leave(self, version: Version, number: int | None) -> None:
        """Remember the id for when the notebook is reopened."""
        _left[self._file_id] = _Left(self.id, version, number)
        if len(_left) > MAX_LEFT:
            _end(_left.popitem(last=False)[1].id)


def number_of(manager: Any, path: str) -> int | None:  # noqa: ANN401 - of any kind
    """Return the file's inode, which a write in place preserves; None if there is none."""
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
    """Return whether most of the old items still exist."""
    return 2 * (Counter(old) & Counter(new)).total() > len(old)


def _new_id(file_id: str) -> str:
    return f"{file_id}:{secrets.token_hex(8)}"


def _end(document_id: str) -> None:
    _ended[document_id] = None
    if len(_ended) > MAX_ENDED:
        _ended.popitem(last=False)
