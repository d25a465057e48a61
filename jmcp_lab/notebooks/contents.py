"""Files and folders through the server's contents manager, with paths that agents may use."""

from __future__ import annotations

import asyncio
import os
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, cast

from jupyter_server.utils import ensure_async
from tornado.web import HTTPError

from ..errors import InvalidArgumentError, NotFoundError, UnavailableError
from . import paths

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from jupyter_server.services.contents.manager import ContentsManager


MOST_SEARCHED = 20_000
"""Files looked at to find one that was moved behind the server."""

FileKey = tuple[int, int]
"""Device and inode: what stays the same when a file is moved. A deleted file's is given anew."""


@dataclass(frozen=True, slots=True)
class FileState:
    """A file as it is on disk now.

    Parameters
    ----------
    writable : bool
    key : tuple of int or None
        None where the contents manager keeps no files on this machine's disk.
    """

    writable: bool
    key: FileKey | None = None


class Contents:
    """What agents may see and make of the server's files.

    Parameters
    ----------
    manager : ContentsManager
        Of any kind, synchronous or not.
    """

    def __init__(self, manager: ContentsManager) -> None:
        # Its methods carry no types.
        self._manager: Any = manager

    @property
    def root(self) -> str | None:
        """The contents manager's root on disk, when it has one."""
        root: str | None = getattr(self._manager, "root_dir", None)
        return root

    def check_path(self, path: str) -> str:
        """Return the normalised path of a visible file inside the root.

        Raises
        ------
        InvalidArgumentError
        """
        normal = paths.normalise(path)
        if paths.hidden(normal) and not self._manager.allow_hidden:
            raise InvalidArgumentError(f"'{normal}' is hidden, and this server hides such files.")
        if not paths.inside(self.root, normal):
            raise InvalidArgumentError(
                f"'{normal}' is a link that leads out of the Jupyter server's root."
            )
        return normal

    async def look(self, path: str) -> FileState | None:
        """Return what is at a checked path at this moment, or None."""
        if not await ensure_async(self._manager.file_exists(path)):
            return None
        where = self._on_disk(path)
        if where is None:
            return FileState(writable=True)
        try:
            found = os.stat(where)
        except OSError:
            return None
        return FileState(self._manager.is_writable(path), (found.st_dev, found.st_ino))

    def gone(self, path: str) -> bool:
        """Return at once whether a file has vanished from this machine's disk.

        Files that are kept elsewhere count as there.
        """
        where = self._on_disk(path)
        return where is not None and not os.path.exists(where)

    async def changed(self, path: str) -> datetime | None:
        """Return when a file was last changed, as the contents manager says it.

        None when it is gone, or out of reach.
        """
        try:
            model = await ensure_async(self._manager.get(self.check_path(path), content=False))
        except (HTTPError, InvalidArgumentError):
            return None
        return cast("datetime", model["last_modified"])

    async def find_key(self, key: FileKey) -> str | None:
        """Return the path of a file that was moved, by what stays the same; None if not found."""
        root = self.root
        return await asyncio.to_thread(_search, root, key) if root else None

    async def alike(self, path: str, cell_ids: Sequence[str]) -> bool:
        """Return whether a notebook has most of these cells: keys are soon given to other files."""
        try:
            model = await ensure_async(self._manager.get(self.check_path(path), content=True))
            there = {cell.get("id") for cell in model["content"]["cells"]}
        except (HTTPError, InvalidArgumentError, KeyError, TypeError, AttributeError):
            return False
        return 2 * len(there.intersection(cell_ids)) > len(cell_ids)

    def _on_disk(self, path: str) -> str | None:
        root = self.root
        if not root or not hasattr(self._manager, "is_writable"):
            return None
        where = os.path.join(root, path)
        return where if os.path.isdir(root) else None

    async def exists(self, path: str) -> bool:
        """Return whether there is a file at a checked path."""
        return bool(await ensure_async(self._manager.file_exists(path)))

    async def folder_exists(self, path: str) -> bool:
        """Return whether there is a folder at a checked path; the root is one."""
        return not path or bool(await ensure_async(self._manager.dir_exists(path)))

    async def entries(self, folder: str) -> list[dict[str, Any]]:
        """Return what lies in a folder: folders last, by name, without links that lead out.

        Raises
        ------
        NotFoundError
        """
        try:
            model = await ensure_async(self._manager.get(folder, content=True, type="directory"))
        except HTTPError as error:
            raise NotFoundError(f"There is no folder '{folder}'.") from error
        found = [entry for entry in model["content"] if paths.inside(self.root, entry["path"])]
        return sorted(found, key=lambda entry: (entry["type"] == "directory", entry["name"]))

    async def create_notebook(self, path: str, metadata: dict[str, Any]) -> None:
        """Write an empty notebook.

        Raises
        ------
        UnavailableError
            The file cannot be written.
        """
        content = {"cells": [], "metadata": metadata, "nbformat": 4, "nbformat_minor": 5}
        model = {"type": "notebook", "format": "json", "content": content}
        try:
            await ensure_async(self._manager.save(model, path))
        except (HTTPError, OSError) as error:
            raise UnavailableError(
                f"'{path}' could not be written. Is the disk full, or the folder read-only?"
            ) from error

    async def kind(self, path: str) -> tuple[str, int]:
        """Return the type of what is at a path (``file``, ``notebook``, ``directory``), and bytes.

        Raises
        ------
        NotFoundError
        """
        try:
            model = await ensure_async(self._manager.get(path, content=False))
        except HTTPError as error:
            raise NotFoundError(
                f"There is no file '{path}'. list_files shows what is there."
            ) from error
        return str(model["type"]), int(model.get("size") or 0)

    async def read(self, path: str) -> tuple[str, str]:
        """Return a file's content and its format, ``text`` or ``base64``.

        Raises
        ------
        NotFoundError
        InvalidArgumentError
            It cannot be read.
        """
        try:
            model = await ensure_async(self._manager.get(path, content=True, type="file"))
        except HTTPError as error:
            if error.status_code == 404:
                raise NotFoundError(f"There is no file '{path}'.") from error
            raise InvalidArgumentError(f"'{path}' cannot be read.") from error
        return str(model["content"]), str(model["format"])

    async def write(self, path: str, text: str) -> None:
        """Write a text file, through the contents manager's own atomic write.

        Raises
        ------
        UnavailableError
            The file cannot be written.
        """
        model = {"type": "file", "format": "text", "content": text}
        try:
            await ensure_async(self._manager.save(model, path))
        except (HTTPError, OSError) as error:
            raise UnavailableError(
                f"'{path}' could not be written, and is as it was. Is the disk full, or the file "
                "read-only?"
            ) from error


def _search(root: str, key: FileKey) -> str | None:
    """Look through visible folders, nearest to the root first, for a notebook with this key."""
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
            elif not entry.name.endswith(".ipynb"):
                continue
            elif entry.inode() == key[1] and entry.stat(follow_symlinks=False).st_dev == key[0]:
                return os.path.relpath(entry.path, root).replace(os.sep, "/")
    return None
