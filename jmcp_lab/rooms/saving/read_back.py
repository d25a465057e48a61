"""Read a saved file back where it can differ from the document.

A pre-save hook may strip outputs, and a contents manager may store notebooks in another form, as
jupytext does. A later comparison of the file with the written content would conclude that another
program has deleted the missing parts, and would delete them in the open document as well.
"""

from __future__ import annotations

import os
from dataclasses import replace
from typing import TYPE_CHECKING, Any, cast

from ...codec.fingerprint import Version

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from ..content_versions import ContentVersion
    from ..document_kind import DocumentKind
    from ..upstream.room_file import RoomFile


async def read_back(
    get: Callable[[], Awaitable[dict[str, Any]]],
    saved: dict[str, Any],
    kind: DocumentKind,
    written: ContentVersion,
) -> tuple[str | None, ContentVersion]:
    """Return the hash of a file that has just been saved, and its content.

    Parameters
    ----------
    get : Callable
        Reads the file.
    saved : dict
        The model that the contents manager has returned; without a hash if only the file has it.
    kind : DocumentKind
    written : ContentVersion
        The version that the contents manager was given.

    Returns
    -------
    tuple
        The version is `written` if the file cannot be read, or not be compared with it.
    """
    known = saved.get("hash")
    try:
        found = await get()
    except Exception:
        # The next check of the file reports why it is unreadable.
        return known, written
    if found["last_modified"] != saved["last_modified"] or known not in (None, found.get("hash")):
        # The document does not have what another program has written meanwhile.
        return known, written
    stored = kind.version_of(found["content"])
    if isinstance(stored, Version):
        given = cast("Version", written)
        if len(stored.cells) != len(given.cells):
            return found.get("hash"), written
        # If the file stores no ids, each reading generates new ones.
        stored = replace(stored, ids=given.ids)
    return found.get("hash"), stored


def file_number(file: RoomFile) -> int | None:
    """Return the file's inode, which contents managers preserve on a save; None without one."""
    root = file.root
    try:
        return os.stat(os.path.join(root, file.path)).st_ino if root else None
    except (OSError, RuntimeError):
        # A deleted file has no path.
        return None
