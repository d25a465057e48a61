"""Where files really lie on disk, whatever links lead there and wherever they went."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from ..errors import ConflictError
from .names import is_notebook, shown

if TYPE_CHECKING:
    from collections.abc import Callable

MOST_SEARCHED = 20_000
"""Files looked at to find one that was moved behind the server."""

FileKey = tuple[int, int]
"""Device and inode: what stays the same when a file is moved. A deleted file's is given anew."""


def as_it_lies(root: str | None, path: str) -> str:
    """Return a path below the root without the links that lead there."""
    if not root:
        return path
    root = os.path.realpath(root)
    real = os.path.relpath(os.path.realpath(os.path.join(root, path)), root)
    return real.replace(os.sep, "/")


def stays(root: str | None, path: str) -> Callable[[], None]:
    """Return what makes sure later that a path leads where it leads now.

    When a person has answered a request, there may be a link in the place of a folder.
    """
    place = as_it_lies(root, path)

    def check() -> None:
        if as_it_lies(root, path) != place:
            raise ConflictError(led_elsewhere(path))

    return check


def led_elsewhere(path: str) -> str:
    """Return in words that a path leads elsewhere than it did."""
    return (
        f"'{shown(path)}' leads elsewhere by now: a link has taken the place of it or of a folder. "
        "Nothing was done. Look at it again."
    )


def found_by_key(root: str, key: FileKey, notebook: bool) -> str | None:
    """Look through visible folders, nearest to the root first, for a file with this key."""
    seen = 0
    folders = [root]
    while folders and seen < MOST_SEARCHED:
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
