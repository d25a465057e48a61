"""Make the server's file ids follow their folders, whatever these are called.

An open document is identified by the id of its file. `jupyter_server_fileid` moves and deletes ids
along with the contents manager's operations, but it has three faults:

- It moves the ids in a folder only if the folder has an id of its own.
- It treats a folder's name as a pattern: for `exp[12]`, it matches the files of `exp1`.
- A move fails if the new path has the id of a file that is gone.

A document whose id stays behind is never saved again, and a document whose id is deleted has no
file.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any, cast

if TYPE_CHECKING:
    from collections.abc import Callable
    from types import ModuleType

    from jupyter_server_fileid.manager import BaseFileIdManager

# Paths may be unique in the table, so REPLACE drops the id of a file that is gone.
MOVE = """
UPDATE OR REPLACE Files SET path = :new || substr(path, length(:old) + 1)
WHERE path = :old OR substr(path, 1, length(:below)) = :below
"""
DELETE = "DELETE FROM Files WHERE substr(path, 1, length(:below)) = :below"


def follow_folders() -> None:
    """Make file ids follow their folders from now on, if the server has file ids."""
    try:
        from jupyter_server_fileid import manager
    except ImportError:
        return
    base = cast("Any", manager.BaseFileIdManager)
    if base._move_recursive is _move_below:
        return
    base._move_recursive = _move_below
    base._delete_recursive = _delete_below
    for kind in cast(
        "tuple[Any, ...]", (manager.ArbitraryFileIdManager, manager.LocalFileIdManager)
    ):
        kind.move = _with_what_is_below(kind.move)


def _with_what_is_below(move: Callable[..., str | None]) -> Callable[..., str | None]:
    def moved(self: BaseFileIdManager, old_path: str, new_path: str) -> str | None:
        old, new = self._normalize_path(old_path), self._normalize_path(new_path)
        # Each manager uses its own path separator.
        separator = self._normalize_path("a/b")[-2]
        with self.con:
            _move(self, old, new, separator)
        return move(self, old_path, new_path)

    return moved


def _move_below(
    self: BaseFileIdManager, old_path: str, new_path: str, path_mgr: ModuleType = os.path
) -> None:
    _move(self, old_path, new_path, path_mgr.sep)


def _move(manager: BaseFileIdManager, old: str, new: str, separator: str) -> None:
    manager.con.execute(MOVE, {"old": old, "new": new, "below": old + separator})


def _delete_below(self: BaseFileIdManager, path: str, path_mgr: ModuleType = os.path) -> None:
    self.con.execute(DELETE, {"below": path + path_mgr.sep})
