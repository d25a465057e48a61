"""Search folders, the nearest first, within limits of time and number.

A folder with many files is read in pieces, so that the folders beside it are seen as well.
"""

from __future__ import annotations

import os
import stat
import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field
from itertools import islice

from jupyter_core.paths import is_file_hidden

from . import paths

SECONDS = 3.0
"""Maximum seconds of one search."""

MAX_ENTRIES = 100_000
"""Maximum number of files and folders inspected in one search."""

PIECE = 5000
"""Maximum number of entries read from one folder before other folders have their turn."""


@dataclass(slots=True)
class Entry:
    """A file or folder.

    Parameters
    ----------
    path : str
    type : str
        ``file``, ``notebook`` or ``directory``.
    size : int or None
        In bytes, if known.
    unreadable : bool
        Whether its content could not be read.
    """

    path: str
    type: str
    size: int | None = None
    unreadable: bool = False

    @property
    def is_folder(self) -> bool:
        """Return whether it is a folder."""
        return self.type == "directory"


@dataclass(slots=True)
class Folder:
    """A folder to read.

    Parameters
    ----------
    path : str
    level : int
        From 1.
    real : str
        The folder's identity, which is the same for all links that lead to it.
    entry : Entry or None
        None for the top folder.
    read : int
        The number of its entries inspected so far.
    """

    path: str
    level: int
    real: str
    entry: Entry | None = None
    read: int = 0


@dataclass(slots=True)
class FolderSearch:
    """The results of a search so far, and the folders still to read.

    Parameters
    ----------
    top : str
        The folder in which the search begins.
    depth : int
        Levels of folders.
    wanted : Callable[[Entry], bool]
    seconds : float

    Attributes
    ----------
    found : list of Entry
    looked : int
        The number of entries inspected.
    deeper : int
        The number of folders that are too deep to be read.
    first_deeper : str
        One of them.
    """

    top: str
    depth: int
    wanted: Callable[[Entry], bool]
    seconds: float = SECONDS
    found: list[Entry] = field(default_factory=list)
    looked: int = 0
    deeper: int = 0
    first_deeper: str = ""
    _folders: deque[Folder] = field(default_factory=deque)
    _links: deque[Folder] = field(default_factory=deque)
    _pieces: deque[Folder] = field(default_factory=deque)
    _entered: set[str] = field(default_factory=set)
    _end: float = 0.0

    def begin(self, root: str | None) -> None:
        """Start the clock; paths are relative to a root on disk, if there is one."""
        real = os.path.realpath(os.path.join(root, self.top)) if root else self.top
        self._folders.append(Folder(self.top, 1, real))
        self._end = time.monotonic() + self.seconds

    def over(self) -> bool:
        """Return whether the search has reached a limit."""
        return self.looked >= MAX_ENTRIES or time.monotonic() > self._end

    def next(self) -> Folder | None:
        """Return the folder to read next, or None if none is left or the search is over."""
        while not self.over():
            # If both a link and its target folder exist, list the folder itself, so links come
            # later.
            queue = self._folders or self._links or self._pieces
            if not queue:
                return None
            folder = queue.popleft()
            if queue is self._pieces:
                return folder
            if folder.real not in self._entered:
                self._entered.add(folder.real)
                return folder
        return None

    def add(self, folder: Folder, entry: Entry, real: str, *, linked: bool = False) -> None:
        """Add an entry of a folder."""
        self.looked += 1
        folder.read += 1
        if self.wanted(entry):
            self.found.append(entry)
        if not entry.is_folder:
            return
        if folder.level >= self.depth:
            self.first_deeper = self.first_deeper or entry.path
            self.deeper += 1
            return
        inner = Folder(entry.path, folder.level + 1, real, entry)
        (self._links if linked else self._folders).append(inner)

    def goes_on(self, folder: Folder) -> None:
        """Record that a folder has more entries than were inspected."""
        self._pieces.append(folder)

    def unread(self) -> list[Folder]:
        """Return the folders that were not read completely, the nearest first."""
        links = [folder for folder in self._links if folder.real not in self._entered]
        return [*self._pieces, *self._folders, *links]

    def sort(self) -> None:
        """Sort the results: level by level, folder by folder, files first."""
        self.found.sort(key=_place)


def _place(entry: Entry) -> tuple[int, str, bool, str]:
    folder, _, name = entry.path.rpartition("/")
    return entry.path.count("/"), folder, entry.is_folder, name


def search_disk(
    search: FolderSearch, root: str, lists: Callable[[str], bool], *, allow_hidden: bool
) -> None:
    """Search folders of this machine's disk, as Jupyter's own contents manager shows them.

    Parameters
    ----------
    search : FolderSearch
    root : str
        Paths are relative to it.
    lists : Callable[[str], bool]
        Returns whether a path is shown at all.
    allow_hidden : bool

    Raises
    ------
    OSError
        The top folder cannot be read.
    """
    search.begin(root)
    while (folder := search.next()) is not None:
        try:
            with os.scandir(os.path.join(root, folder.path)) as entries:
                piece = list(islice(entries, folder.read, folder.read + PIECE))
        except OSError:
            if folder.entry is None:
                raise
            # The folder was deleted meanwhile, or the server may not read it. The others are
            # readable.
            folder.entry.unreadable = True
            continue
        _add_all(search, folder, piece, root, lists, allow_hidden=allow_hidden)
    search.sort()


def _add_all(
    search: FolderSearch,
    folder: Folder,
    piece: list[os.DirEntry[str]],
    root: str,
    lists: Callable[[str], bool],
    *,
    allow_hidden: bool,
) -> None:
    read, looked = folder.read + len(piece), search.looked + len(piece)
    for found in piece:
        path = f"{folder.path}/{found.name}" if folder.path else found.name
        entry = _entry(found, path)
        if entry is None or not lists(path):
            continue
        if not allow_hidden and _is_hidden(found):
            continue
        linked = found.is_symlink()
        if linked and not paths.inside(root, path):
            continue
        real = os.path.realpath(found.path) if linked else f"{folder.real}/{found.name}"
        search.add(folder, entry, real, linked=linked)
    # Count the entries that are not shown, too.
    folder.read, search.looked = read, looked
    if len(piece) == PIECE:
        search.goes_on(folder)


def _entry(found: os.DirEntry[str], path: str) -> Entry | None:
    """Return the entry; None if it is not a file, a folder or a link."""
    try:
        if found.is_dir():
            return Entry(path, "directory")
        own = found.stat(follow_symlinks=False)
    except OSError:
        return None
    if not (stat.S_ISREG(own.st_mode) or stat.S_ISLNK(own.st_mode)):
        return None
    return Entry(path, "file", own.st_size)


def _is_hidden(found: os.DirEntry[str]) -> bool:
    if found.name.startswith("."):
        return True
    try:
        return bool(is_file_hidden(found.path, stat_res=found.stat(follow_symlinks=False)))
    except OSError:
        return True
