"""Check whether a file can be written, before anything is changed."""

from __future__ import annotations

import os
import shutil
from typing import TYPE_CHECKING, Any

from .save_errors import SaveFailure

if TYPE_CHECKING:
    from collections.abc import Mapping

SPARE = 16_384
"""Bytes that a file system needs beyond a file's size, for whole blocks and growing folders."""


def obstacle(model: Mapping[str, Any], where: str | None, size: int) -> SaveFailure | None:
    """Return why a file could not be written now, or None.

    Parameters
    ----------
    model : mapping
        The contents manager's model of the file, or of the folder for a new file. Only the manager
        knows who may write.
    where : str or None
        The path on this machine's disk, if it is there.
    size : int
        The number of bytes to write. Jupyter keeps the old file until the new one is complete.
    """
    if not model.get("writable", True):
        on_read_only_disk = where is not None and _is_on_read_only_disk(where)
        return SaveFailure.READ_ONLY_DISK if on_read_only_disk else SaveFailure.READ_ONLY
    if where is not None and not _has_room(where, size):
        return SaveFailure.DISK_FULL
    return None


def _is_on_read_only_disk(where: str) -> bool:
    if not hasattr(os, "statvfs"):
        return False
    try:
        return bool(os.statvfs(where).f_flag & os.ST_RDONLY)
    except OSError:
        return False


def _has_room(where: str, size: int) -> bool:
    folder = where if os.path.isdir(where) else os.path.dirname(where)
    try:
        space = shutil.disk_usage(folder)
    except OSError:
        return True
    # Some network drives do not report their size, and claim to have no space at all.
    return space.total == 0 or space.free >= size + SPARE
