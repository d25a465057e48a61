"""Files and folders through the server's contents manager, with paths that agents may use."""

from __future__ import annotations

import asyncio
import os
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, cast

from jupyter_server.utils import ensure_async
from tornado.web import HTTPError

from ..errors import InvalidArgumentError, NotFoundError, ToolError, UnavailableError
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

MOST_NEW_FOLDERS = 8
"""How many folders come with one new file."""


@dataclass(frozen=True, slots=True)
class FileState:
    """A file as it is on disk now.

    Parameters
    ----------
    key : tuple of int or None
        None where the contents manager keeps no files on this machine's disk.
    """

    key: FileKey | None = None


class Contents:
    """What agents may see and make of the server's files.

    Parameters
    ----------
    manager : ContentsManager
        Of any kind, synchronous or not.
    own_folders : Callable, optional
        Returns what below its root is Jupyter's own; asked when it is first needed, because other
        extensions have folders too.
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
        if self._is_own(normal):
            raise InvalidArgumentError(f"'{normal}' {REFUSED}")
        odd = paths.odd(self.root, normal)
        if odd is not None:
            raise InvalidArgumentError(f"'{normal}' is {odd}: it cannot be opened here.")
        return normal

    def _is_own(self, path: str) -> bool:
        """Return whether something is Jupyter's own; see `OwnFolders`."""
        if self._own is None and self._own_folders is not None and self.root:
            self._own = self._own_folders()
        return self._own is not None and self._own.hold(path)

    def stays(self, path: str) -> Callable[[], None]:
        """Return what makes sure later that a path leads where it leads now; `on_disk.stays`."""
        return on_disk.stays(self.root, path)

    def is_led(self, path: str) -> bool:
        """Return whether links lead to a file."""
        return on_disk.as_it_lies(self.root, path) != path

    async def look(self, path: str) -> FileState | None:
        """Return what is at a checked path at this moment, or None."""
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
        """Make sure that a notebook can be saved once it is changed.

        Raises
        ------
        UnavailableError
            It cannot, and why.
        """
        if (failure := await self._obstacle(path)) is not None:
            raise UnavailableError(not_writable(path, failure))

    async def _obstacle(self, path: str, size: int | None = None) -> SaveFailure | None:
        """Return why as many bytes, or as many as there are, could not be written."""
        try:
            model = await ensure_async(self._manager.get(path, content=False))
        except (HTTPError, OSError):
            # It cannot even be looked at, and who opens it is told why.
            return None
        there = int(model.get("size") or 0)
        return obstacle(model, self._on_disk(path), there if size is None else size)

    async def check_writable(self, path: str, size: int = 0) -> None:
        """Make sure, before anybody is asked, that a file can be written or made.

        Parameters
        ----------
        path : str
            A checked path.
        size : int, optional
            How many bytes are to be written.

        Raises
        ------
        UnavailableError
            It cannot, and why.
        """
        place = path
        while place and not await self._there(place):
            place = place.rpartition("/")[0]
        if (failure := await self._obstacle(place, size)) is not None:
            raise UnavailableError(
                f"'{shown(path)}' cannot be written, so nothing was changed: {words_of(failure)} "
                "Tell the user."
            )

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
        except (HTTPError, OSError, InvalidArgumentError):
            return None
        return cast("datetime", model["last_modified"])

    async def find_key(self, key: FileKey, *, notebook: bool = True) -> str | None:
        """Return the path of a file that was moved, by what stays the same; None if not found."""
        root = self.root
        return await asyncio.to_thread(on_disk.found_by_key, root, key, notebook) if root else None

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

    async def resolve(self, path: str) -> str:
        """Return the checked path of what an agent names, spelled as it is on disk.

        Names that differ in their normal form only look the same. The very name given comes
        first; where nothing is called so, its other form. What is not there yet stays as given.

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
        except (HTTPError, OSError):
            return []
        return [str(entry["name"]) for entry in model["content"]]

    async def _there(self, path: str) -> bool:
        return await self.exists(path) or await self.folder_exists(path)

    async def new_folders(self, path: str) -> list[str]:
        """Return the folders that have to be made before a new file, the outermost first.

        Raises
        ------
        InvalidArgumentError
            They are too many, or a file has the place of one; or somebody could not read the name
            of the file or of one of them.
        """
        missing: list[str] = []
        folder = path.rpartition("/")[0]
        while not await self.folder_exists(folder):
            if await self.exists(folder):
                raise InvalidArgumentError(f"'{shown(folder)}' is a file, not a folder.")
            missing.append(folder)
            folder = folder.rpartition("/")[0]
        check_new(part.rpartition("/")[2] for part in [path, *missing])
        if len(missing) > MOST_NEW_FOLDERS:
            raise InvalidArgumentError(
                f"{len(missing)} folders would have to be made for '{shown(path)}'; at most "
                f"{MOST_NEW_FOLDERS} are made at once."
            )
        return missing[::-1]

    async def make_folders(self, folders: list[str]) -> None:
        """Make folders, the outermost first; one that is there meanwhile is as good.

        Raises
        ------
        UnavailableError
        """
        for folder in folders:
            if await self.folder_exists(folder):
                continue
            try:
                await ensure_async(self._manager.save({"type": "directory"}, folder))
            except (HTTPError, OSError) as error:
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
        """Look through the folders below one; see `search_folders`.

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
        """Return what says whether agents see a path in one listing; it is called in threads."""
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
        """Write an empty notebook, unless somebody else has made one there by now.

        Parameters
        ----------
        path : str
        metadata : dict
        check : Callable
            Raises when nothing may be written there any more; see `stays`.

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
        except (HTTPError, OSError) as error:
            raise UnavailableError(save_failure_message(path, error)) from error

    async def no_notebook(self, path: str) -> ToolError:
        """Return why there is no notebook at a checked path, and which one may be meant."""
        if await self.folder_exists(path):
            return InvalidArgumentError(is_folder(path))
        return await not_found(self._manager, path)

    async def kind(self, path: str) -> tuple[str, int]:
        """Return the type of what is at a path (``file``, ``notebook``, ``directory``), and bytes.

        Raises
        ------
        NotFoundError
        """
        try:
            model = await ensure_async(self._manager.get(path, content=False))
        except (HTTPError, OSError) as error:
            raise NotFoundError(
                f"There is no file '{path}'. list_files shows what is there."
            ) from error
        return str(model["type"]), int(model.get("size") or 0)
