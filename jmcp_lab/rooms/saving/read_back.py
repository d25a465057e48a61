"""What a file says once it is saved, where that is not what the document says.

A hook before the save may take outputs out of notebooks, and a contents manager may keep notebooks
in a form of its own, as jupytext does. Who compares the file later with what was written finds
that another program has deleted all that, and would delete it in the open document as well.
"""

from __future__ import annotations

import os
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from ...codec.fingerprint import Version
from ..kinds import NotebookKind

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from ..kinds import DocumentKind
    from .content_versions import ContentVersion


async def read_back(
    get: Callable[[], Awaitable[dict[str, Any]]],
    saved: dict[str, Any],
    kind: DocumentKind,
    written: ContentVersion,
) -> tuple[str | None, ContentVersion]:
    """Return the hash of a file that has just been saved, and what it says.

    Parameters
    ----------
    get : Callable
        Reads the file.
    saved : dict
        The model that the contents manager has returned; without a hash where only the file has it.
    kind : DocumentKind
    written : ContentVersion
        What the contents manager was given.

    Returns
    -------
    tuple
        What was written, where the file cannot be read, or not be compared with it.
    """
    known = saved.get("hash")
    try:
        found = await get()
    except Exception:
        # The next look at the file says why.
        return known, written
    if found["last_modified"] != saved["last_modified"] or known not in (None, found.get("hash")):
        # What another program has written meanwhile is not what the document has met.
        return known, written
    said = kind.version_of(found["content"])
    if isinstance(kind, NotebookKind):
        assert isinstance(said, Version)
        assert isinstance(written, Version)
        if len(said.cells) != len(written.cells):
            return found.get("hash"), written
        # Where the file has no ids, each reading makes others.
        said = replace(said, ids=written.ids)
    return found.get("hash"), said


def file_number(loader: Any) -> int | None:  # noqa: ANN401 - a FileLoader
    """Return what stays the same when a file is written as contents managers do; None without."""
    root = getattr(loader._contents_manager, "root_dir", None)
    try:
        return os.stat(os.path.join(root, loader.path)).st_ino if root else None
    except (OSError, RuntimeError):
        # A loader whose file was deleted has no path.
        return None
