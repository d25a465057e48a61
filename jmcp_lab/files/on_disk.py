"""Find where files really are on disk, across links and moves."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from ..errors import ConflictError
from .names import is_notebook, shown

if TYPE_CHECKING:
    from collections.abc import Callable

MAX_SEARCHED = 20_000
"""Maximum number of files inspected to find one that was moved without the server's knowledge."""

FileKey = tuple[int, int]
"""Device and inode, which survive a move; the system reuses them after a deletion."""


def as_it_lies(root: str | None, path: str) -> str:
    """Return a path below the root with all links resolved."""
    if not root:
        return path
    root = os.path.realpath(root)
    real = os.path.relpath(os.path.realpath(os.path.join(root, path)), root)
    return real.replace(os.sep, "/")


def stays(root: str | None, path: str) -> Callable[[], None]:
    """Return a check for later that a path still leads to the same place.

    While a person answers a request, a link may replace a folder.
    """
    place = as_it_lies(root, path)

    def check() -> None:
        if as_it_lies(root, path) != place:
            raise ConflictError(led_elsewhere(path))

    return check


def led_elsewhere(path: str) -> str:
    """Return the message that a path now leads to another place."""
    return (
        f"'{shown(path)}' now leads to another place: a link has replaced it or one of its "
        "folders. Nothing was done. Look at it again."
    )


def found_by_key(root: str, key: FileKey, notebook: bool) -> str | None:
    """Search visible folders, nearest to the root first, for a file with this key."""
    seen = 0
    folders = [root]
    while folders and seen < MAX_SEARCHED:
        folder = folders.pop(0)
        try:
            entries = list(os.scandir(folder))
        except OSError:
            continue
        for entry in entries:
            seen += 1
            if entry.name.startswith("."):
                continue
            if entry.is_dir(follow_symlinks=False):
                folders.append(entry.path)
            elif is_notebook(entry.name) != notebook:
                continue
            elif entry.inode() == key[1] and entry.stat(follow_symlinks=False).st_dev == key[0]:
                return os.path.relpath(entry.path, root).replace(os.sep, "/")
    return None
