"""Search folders off the event loop: on the disk, or through a contents manager."""

from __future__ import annotations

import asyncio
import os
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any

from jupyter_server.utils import ensure_async

from ..errors import InvalidArgumentError, NotFoundError, UnavailableError
from ..server.heavy_work import in_short_turns
from ..server.manager_errors import ManagerError
from . import paths
from .folder_walk import Entry, FolderSearch, search_disk

if TYPE_CHECKING:
    from collections.abc import Callable

    from .folder_walk import Folder

AT_ONCE = 2
"""Maximum number of concurrent searches of all agents on the disk; the others wait."""

WAIT_SECONDS = 30.0
"""Maximum seconds that a search waits for its turn and for the disk."""

_UPSTREAM = "jupyter_server.services.contents."

_threads = ThreadPoolExecutor(AT_ONCE, thread_name_prefix="jmcp folders")


async def search_folders(
    search: FolderSearch,
    manager: Any,  # noqa: ANN401 - its methods carry no types
    root: str | None,
    shown: Callable[[str], bool],
    *,
    on_disk: bool,
    wait: float = WAIT_SECONDS,
) -> None:
    """Perform a search within its limits.

    Parameters
    ----------
    search : FolderSearch
    manager : ContentsManager
        Of any kind. If it lists folders in Jupyter's own way, the disk is read instead.
    root : str or None
        The manager's root on disk.
    shown : Callable[[str], bool]
        Returns whether agents may see a path. Threads call it.
    on_disk : bool
        Whether the root exists on disk.
    wait : float, optional
        Seconds.

    Raises
    ------
    NotFoundError
    InvalidArgumentError
        The top folder cannot be read.
    UnavailableError
        Too many searches are running, or the disk does not answer.
    """
    top = search.top
    try:
        async with asyncio.timeout(wait):
            if root and on_disk and _lists_as_upstream(manager):
                loop = asyncio.get_running_loop()
                await loop.run_in_executor(
                    _threads, in_short_turns, _search_disk, search, manager, root, shown
                )
            else:
                await _search_manager(search, manager, root, shown)
    except TimeoutError:
        raise UnavailableError(
            "Listing the folders took too long: the disk is slow, or other listings are running. "
            "Nothing was listed. Try again, or give the path of a subfolder."
        ) from None
    except OSError as error:
        raise InvalidArgumentError(f"The folder '{top}' could not be read.") from error


def _lists_as_upstream(manager: object) -> bool:
    """Return whether a contents manager lists folders of this disk in Jupyter's own way."""
    ways = ("get", "_dir_model", "_get_os_path", "is_hidden")
    found = (getattr(getattr(manager, way, None), "__module__", "") for way in ways)
    return all(str(module).startswith(_UPSTREAM) for module in found)


def _search_disk(
    search: FolderSearch,
    manager: Any,  # noqa: ANN401
    root: str,
    shown: Callable[[str], bool],
) -> None:
    def lists(path: str) -> bool:
        return manager.should_list(path.rpartition("/")[2]) and shown(path)

    search_disk(search, root, lists, allow_hidden=manager.allow_hidden)


async def _search_manager(
    search: FolderSearch,
    manager: Any,  # noqa: ANN401
    root: str | None,
    shown: Callable[[str], bool],
) -> None:
    search.begin(root)
    while (folder := search.next()) is not None:
        try:
            entries = await _entries(folder, manager, root, shown)
        except (InvalidArgumentError, NotFoundError):
            if folder.entry is None:
                raise
            # The folder was deleted meanwhile, or the server may not read it. The others are
            # readable.
            folder.entry.unreadable = True
            continue
        for entry, real in entries:
            beside = os.path.join(folder.real, entry.path.rpartition("/")[2])
            search.add(folder, entry, real, linked=entry.is_folder and real != beside)
        # A single folder may be slow, so let the server do other work in between.
        await asyncio.sleep(0)
    search.sort()


async def _entries(
    folder: Folder,
    manager: Any,  # noqa: ANN401
    root: str | None,
    shown: Callable[[str], bool],
) -> list[tuple[Entry, str]]:
    """Return a folder's entries, each with its identity, without links that lead out of the root.

    Raises
    ------
    NotFoundError
    InvalidArgumentError
        It cannot be read.
    """
    path = folder.path
    try:
        model = await ensure_async(manager.get(path, content=True, type="directory"))
    except (ManagerError, OSError) as error:
        if getattr(error, "status_code", None) in (None, 403):
            raise InvalidArgumentError(f"The folder '{path}' could not be read.") from error
        raise NotFoundError(f"There is no folder '{path}'.") from error
    found = [Entry(each["path"], each["type"], each.get("size")) for each in model["content"]]
    return await asyncio.to_thread(in_short_turns, _visible, found, root, shown)


def _visible(
    entries: list[Entry], root: str | None, shown: Callable[[str], bool]
) -> list[tuple[Entry, str]]:
    return [
        (entry, _real(entry, root))
        for entry in entries
        if paths.inside(root, entry.path) and shown(entry.path)
    ]


def _real(entry: Entry, root: str | None) -> str:
    """Return the identity of a folder, which is the same for all links that lead to it."""
    if root is None or not entry.is_folder:
        return entry.path
    return os.path.realpath(os.path.join(root, entry.path))
