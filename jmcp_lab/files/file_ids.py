"""The ids by which the server knows its files: they go with a folder, whatever it is called.

An open document is known by the id of its file. `jupyter_server_fileid` moves and deletes ids with
what the contents manager does. But it moves those in a folder only if the folder has an id of its
own, it takes the name of a folder for a pattern (in `exp[12]` it finds the files of `exp1`), and a
move fails where the new name has the id of a file that is gone. A document whose id stays behind is
never saved again, and one whose id is deleted has no file.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any, cast

if TYPE_CHECKING:
    from collections.abc import Callable
    from types import ModuleType

    from jupyter_server_fileid.manager import BaseFileIdManager

# Where paths are unique, the id of a file that is gone gives way.
MOVE = """
UPDATE OR REPLACE Files SET path = :new || substr(path, length(:old) + 1)
WHERE path = :old OR substr(path, 1, length(:below)) = :below
"""
DELETE = "DELETE FROM Files WHERE substr(path, 1, length(:below)) = :below"


def follow_folders() -> None:
    """Let the ids of files go with their folders from now on, where the server has such ids."""
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
        # Its own sign between folders.
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
