"""Access files and folders through the server's contents manager, limited to allowed paths."""

from __future__ import annotations

import asyncio
import os
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, cast

from jupyter_server.utils import ensure_async

from ..errors import InvalidArgumentError, NotFoundError, ToolError, UnavailableError
from ..server.manager_errors import ManagerError
from . import on_disk, paths
from .folder_listing import search_folders
from .folder_walk import FolderSearch
from .names import check_new, shown, spelled_as_on_disk
from .open_errors import is_folder, not_found
from .own_folders import REFUSED
from .save_errors import not_writable, save_failure_message, words_of
from .save_lock import saving
from .text_files import TextFiles
from .write_check import obstacle

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from datetime import datetime

    from jupyter_server.services.contents.manager import ContentsManager

    from .folder_walk import Entry
    from .on_disk import FileKey
    from .own_folders import OwnFolders
    from .save_errors import SaveFailure

MAX_NEW_FOLDERS = 8
"""Maximum number of folders created together with one new file."""


@dataclass(frozen=True, slots=True)
class FileState:
    """The current state of a file on disk.

    Parameters
    ----------
    key : tuple of int or None
        None if the contents manager does not keep its files on this machine's disk.
    """

    key: FileKey | None = None


class Contents:
    """What agents may see and create among the server's files.

    Parameters
    ----------
    manager : ContentsManager
        Of any kind, synchronous or not.
    own_folders : Callable, optional
        Returns which paths below the root belong to Jupyter. It is called only on first use,
        because other extensions have folders too.
    """

    def __init__(
        self,
        manager: ContentsManager,
        own_folders: Callable[[], OwnFolders] | None = None,
    ) -> None:
        # Its methods carry no types.
        self._manager: Any = manager
        self._own_folders = own_folders
        self._own: OwnFolders | None = None
        self.texts = TextFiles(manager)

    @property
    def root(self) -> str | None:
        """The contents manager's root on disk, if it has one."""
        root: str | None = getattr(self._manager, "root_dir", None)
        return root

    def check_path(self, path: str) -> str:
        """Return the normalized path of a visible file inside the root.

        Raises
        ------
        InvalidArgumentError
        """
        normal = paths.normalise(path)
        if paths.hidden(normal) and not self._manager.allow_hidden:
            raise InvalidArgumentError(
                f"'{normal}' is a hidden file, and this server does not allow access to hidden "
                "files."
            )
        if not paths.inside(self.root, normal):
            raise InvalidArgumentError(
                f"'{normal}' is a link to a place outside the Jupyter server's root."
            )
        if self._is_own(normal):
            raise InvalidArgumentError(f"'{normal}' {REFUSED}")
        odd = paths.odd(self.root, normal)
        if odd is not None:
            raise InvalidArgumentError(f"'{normal}' is {odd}, which cannot be opened here.")
        return normal

    def _is_own(self, path: str) -> bool:
        """Return whether a path belongs to Jupyter; see `OwnFolders`."""
        if self._own is None and self._own_folders is not None and self.root:
            self._own = self._own_folders()
        return self._own is not None and self._own.hold(path)

    def stays(self, path: str) -> Callable[[], None]:
        """Return a check for later that a path still leads to the same place.

        See `on_disk.stays`.
        """
        return on_disk.stays(self.root, path)

    def is_led(self, path: str) -> bool:
        """Return whether the path to a file contains links."""
        return on_disk.as_it_lies(self.root, path) != path

    async def look(self, path: str) -> FileState | None:
        """Return the current state of a checked path, or None if nothing is there."""
        if not await ensure_async(self._manager.file_exists(path)):
            return None
        where = self._on_disk(path)
        if where is None:
            return FileState()
        try:
            found = os.stat(where)
        except OSError:
            return None
        return FileState((found.st_dev, found.st_ino))

    async def check_editable(self, path: str) -> None:
        """Check that a notebook can be saved after a change.

        Raises
        ------
        UnavailableError
            It cannot; the message says why.
        """
        if (failure := await self._obstacle(path)) is not None:
            raise UnavailableError(not_writable(path, failure))

    async def _obstacle(self, path: str, size: int | None = None) -> SaveFailure | None:
        """Return why this many bytes, or as many as the file has now, could not be written."""
        try:
            model = await ensure_async(self._manager.get(path, content=False))
        except (ManagerError, OSError):
            # The file is not accessible. The code that opens it reports why.
            return None
        there = int(model.get("size") or 0)
        return obstacle(model, self._on_disk(path), there if size is None else size)

    async def check_writable(self, path: str, size: int = 0) -> None:
        """Check that a file can be written or created, before asking a person about it.

        Parameters
        ----------
        path : str
            A checked path.
        size : int, optional
            The number of bytes to write.

        Raises
        ------
        UnavailableError
            It cannot; the message says why.
        """
        place = path
        while place and not await self._there(place):
            place = place.rpartition("/")[0]
        if (failure := await self._obstacle(place, size)) is not None:
            raise UnavailableError(
                f"'{shown(path)}' could not be written, so nothing was changed: "
                f"{words_of(failure)} Tell the user."
            )

    def gone(self, path: str) -> bool:
        """Return, without awaiting, whether a file has vanished from this machine's disk.

        Files that are stored elsewhere count as existing.
        """
        where = self._on_disk(path)
        return where is not None and not os.path.exists(where)

    async def changed(self, path: str) -> datetime | None:
        """Return the modification time of a file, as the contents manager reports it.

        Return None if the file is gone or out of reach.
        """
        try:
            model = await ensure_async(self._manager.get(self.check_path(path), content=False))
        except (ManagerError, OSError, InvalidArgumentError):
            return None
        return cast("datetime", model["last_modified"])

    async def find_key(self, key: FileKey, *, notebook: bool = True) -> str | None:
        """Return the new path of a moved file by its key, or None if it is not found."""
        root = self.root
        return await asyncio.to_thread(on_disk.found_by_key, root, key, notebook) if root else None

    async def alike(self, path: str, cell_ids: Sequence[str]) -> bool:
        """Return whether a notebook has most of these cells; a key alone proves nothing.

        The system soon gives the key of a deleted file to another one.
        """
        try:
            model = await ensure_async(self._manager.get(self.check_path(path), content=True))
            there = {cell.get("id") for cell in model["content"]["cells"]}
        except (ManagerError, InvalidArgumentError, KeyError, TypeError, AttributeError):
            return False
        return 2 * len(there.intersection(cell_ids)) > len(cell_ids)

    def _on_disk(self, path: str) -> str | None:
        root = self.root
        if not root or not hasattr(self._manager, "is_writable"):
            return None
        where = os.path.join(root, path)
        return where if os.path.isdir(root) else None

    async def resolve(self, path: str) -> str:
        """Return the checked path of what an agent names, in the spelling on disk.

        Names with different Unicode normal forms can look the same. The exact name comes first; if
        nothing has it, the other form is used. A path that does not exist yet stays as given.

        Raises
        ------
        InvalidArgumentError
        """
        given = self.check_path(path)
        if given.isascii():
            return given
        found: list[str] = []
        parts = given.split("/")
        for at, part in enumerate(parts):
            folder = "/".join(found)
            spelled = part
            if not part.isascii():
                spelled = spelled_as_on_disk(part, await self._names(folder)) or part
            found.append(spelled)
            if spelled == part and not await self._there("/".join(found)):
                return "/".join([*found, *parts[at + 1 :]])
        return self.check_path("/".join(found))

    async def _names(self, folder: str) -> list[str]:
        where = self._on_disk(folder)
        try:
            if where is not None:
                return await asyncio.to_thread(os.listdir, where)
            model = await ensure_async(self._manager.get(folder, content=True, type="directory"))
        except (ManagerError, OSError):
            return []
        return [str(entry["name"]) for entry in model["content"]]

    async def _there(self, path: str) -> bool:
        return await self.exists(path) or await self.folder_exists(path)

    async def new_folders(self, path: str) -> list[str]:
        """Return the folders to create before a new file, the outermost first.

        Raises
        ------
        InvalidArgumentError
            There are too many, or a file is in the place of one, or a name is not legible.
        """
        missing: list[str] = []
        folder = path.rpartition("/")[0]
        while not await self.folder_exists(folder):
            if await self.exists(folder):
                raise InvalidArgumentError(f"'{shown(folder)}' is a file, not a folder.")
            missing.append(folder)
            folder = folder.rpartition("/")[0]
        check_new(part.rpartition("/")[2] for part in [path, *missing])
        if len(missing) > MAX_NEW_FOLDERS:
            raise InvalidArgumentError(
                f"{len(missing)} new folders would be needed for '{shown(path)}', and one call "
                f"creates at most {MAX_NEW_FOLDERS}. Give a path with fewer new folders."
            )
        return missing[::-1]

    async def make_folders(self, folders: list[str]) -> None:
        """Create folders, the outermost first; skip those that exist by now.

        Raises
        ------
        UnavailableError
        """
        for folder in folders:
            if await self.folder_exists(folder):
                continue
            try:
                await ensure_async(self._manager.save({"type": "directory"}, folder))
            except (ManagerError, OSError) as error:
                raise UnavailableError(save_failure_message(folder, error)) from error

    async def exists(self, path: str) -> bool:
        """Return whether there is a file at a checked path."""
        return bool(await ensure_async(self._manager.file_exists(path)))

    async def folder_exists(self, path: str) -> bool:
        """Return whether there is a folder at a checked path; the root is one."""
        return not path or bool(await ensure_async(self._manager.dir_exists(path)))

    async def search(
        self, folder: str, depth: int, wanted: Callable[[Entry], bool]
    ) -> FolderSearch:
        """Search the folders below one; see `search_folders`.

        Raises
        ------
        NotFoundError
        InvalidArgumentError
        UnavailableError
        """
        if not await self.folder_exists(folder):
            raise NotFoundError(f"There is no folder '{folder}'.")
        search = FolderSearch(folder, depth, wanted)
        on_disk = self._on_disk("") is not None
        await search_folders(
            search, self._manager, self.root, self._shown_in(folder), on_disk=on_disk
        )
        return search

    def _shown_in(self, top: str) -> Callable[[str], bool]:
        """Return a function that tells whether a listing shows a path; threads call it."""
        own = self._own if not self._is_own(top) else None
        last: tuple[str, Callable[[str], bool]] | None = None

        def shown(path: str) -> bool:
            nonlocal last
            folder, _, name = path.rpartition("/")
            if own is not None:
                if last is None or last[0] != folder:
                    last = folder, own.holds_in(folder)
                if last[1](name):
                    return False
            return self._manager.allow_hidden or not paths.hidden(path)

        return shown

    async def create_notebook(
        self, path: str, metadata: dict[str, Any], check: Callable[[], None]
    ) -> None:
        """Write an empty notebook, unless a file exists there by now.

        Parameters
        ----------
        path : str
        metadata : dict
        check : Callable
            Raises an error if nothing may be written there any more; see `stays`.

        Raises
        ------
        UnavailableError
            The file cannot be written.
        """
        content = {"cells": [], "metadata": metadata, "nbformat": 4, "nbformat_minor": 5}
        model = {"type": "notebook", "format": "json", "content": content}
        try:
            async with saving(self._manager, path):
                if not await self.exists(path):
                    check()
                    await ensure_async(self._manager.save(model, path))
        except (ManagerError, OSError) as error:
            raise UnavailableError(save_failure_message(path, error)) from error

    async def no_notebook(self, path: str) -> ToolError:
        """Return the error that there is no notebook at a checked path, with a suggestion."""
        if await self.folder_exists(path):
            return InvalidArgumentError(is_folder(path))
        return await not_found(self._manager, path)

    async def kind(self, path: str) -> tuple[str, int]:
        """Return the type at a path (``file``, ``notebook``, ``directory``), and its size in bytes.

        Raises
        ------
        NotFoundError
        """
        try:
            model = await ensure_async(self._manager.get(path, content=False))
        except (ManagerError, OSError) as error:
            raise NotFoundError(
                f"There is no file '{path}'. list_files shows the files that exist."
            ) from error
        return str(model["type"]), int(model.get("size") or 0)
