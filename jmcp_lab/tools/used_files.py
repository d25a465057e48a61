"""Finds the files that code runs or imports.

A card shows the code but not the content of these files, and the code may be no more than
``%run fit.py`` or ``import helper``. So the card names the files that the code names and that are
where the kernel looks first. A person's yes covers the content that these files had at that time.
"""

from __future__ import annotations

import os
import re
import stat
from collections.abc import Iterable, Iterator
from itertools import islice
from typing import NamedTuple

from ..files.names import shown

MAX_CANDIDATES = 300
"""Maximum number of names to look for on disk."""

MAX_SCANNED = 500_000
"""Maximum number of characters of code to search for names; that many take about 0.1 s."""

MAX_NAMED = 8
"""Maximum number of files that a card names."""

MAX_NAME = 200
"""Maximum length of a file's name in code, in characters."""

_SUFFIXES = "py|ipy|ipynb|pyx|r|jl|sh|bash|zsh|fish|ps1|js|mjs|cjs|ts|pl|rb|lua|sql|stan|c|cpp|so"
_PLAIN = re.compile(
    rf"(?<![\w./~-])[\w./~-]{{1,{MAX_NAME}}}?\.(?:{_SUFFIXES})(?![\w.])", re.IGNORECASE
)
_QUOTED = re.compile(rf"[\"']([^\"'\n]{{1,{MAX_NAME}}}\.(?:{_SUFFIXES}))[\"']", re.IGNORECASE)
_RUN = re.compile(r"^[ \t]*%run[ \t]+(?:-\w[\w.]*[ \t]+){0,9}([^\s;]+)", re.MULTILINE)
_IMPORT = re.compile(r"^[^#\n\"']{0,200}?\bimport[ \t]+([^#\n;]+)", re.MULTILINE)
_FROM = re.compile(r"\bfrom[ \t]+\.{0,2}([\w.]+)[ \t]+import[ \t]+\(?([^#\n;)]*)")
_CALLED = re.compile(
    r"(?:\bimport_module|\b__import__|\breload|\brun_module)\([ \t]*[\"']?([\w.]+)"
    r"|(?<!\S)-m[ \t]+([\w.]+)|%aimport[ \t]+([^\n]+)"
)
_NAME = re.compile(r"[\w.]+")


class UsedFile(NamedTuple):
    """A file that code names.

    Parameters
    ----------
    name : str
        Path as the code names it, or the path of the module.
    mark : str
        Text that changes when the file is written.
    """

    name: str
    mark: str


class UsedFiles(NamedTuple):
    """The files that code names, sorted by name.

    Parameters
    ----------
    files : tuple of UsedFile
    are_all : bool
        Whether everything that the code names was looked for.
    """

    files: tuple[UsedFile, ...] = ()
    are_all: bool = True

    @classmethod
    def of(cls, sources: Iterable[str], root: str | None, path: str | None) -> UsedFiles:
        """Return those files that code names and that exist.

        Parameters
        ----------
        sources : iterable of str
        root : str or None
            The server's root folder on this disk, if it has one.
        path : str or None
            Path of the notebook; its kernel starts in the same folder.
        """
        if not root:
            return cls()
        folder = os.path.join(root, os.path.dirname(path or ""))
        found: dict[tuple[int, int], UsedFile] = {}
        names: dict[str, None] = {}
        left = MAX_SCANNED
        for source in sources:
            names |= dict.fromkeys(_names(source[: max(left, 0)]))
            left -= len(source)
        for name in islice(names, MAX_CANDIDATES):
            # Resolving `~ada` may need a query to another computer, so only `~/` is expanded.
            home = os.path.expanduser(name) if name.startswith("~/") else name
            try:
                there = os.stat(os.path.join(folder, home))
            except (OSError, ValueError):
                continue
            if not stat.S_ISDIR(there.st_mode):
                mark = f"{there.st_ino} {there.st_size} {there.st_mtime_ns} {there.st_ctime_ns}"
                found.setdefault((there.st_dev, there.st_ino), UsedFile(name, mark))
        are_all = len(names) <= MAX_CANDIDATES and left >= 0
        return cls(tuple(sorted(found.values())), are_all)

    @property
    def words(self) -> str:
        """What a card says about these files; an empty string if there are none."""
        words = []
        if self.files:
            names = [shown(each.name) for each in self.files[:MAX_NAMED]]
            left = len(self.files) - MAX_NAMED
            more = f" and {left} more" if left > 0 else ""
            words.append(f"This uses {', '.join(names)}{more}, whose content is not shown here.")
        if not self.are_all:
            words.append(
                "This is too long, or names too many files and modules, to look for all of them."
            )
        return " ".join(words)

    @property
    def marks(self) -> tuple[str, ...]:
        """Texts that bind a decision to the present content of these files."""
        return tuple(f"uses {each.name} {each.mark}" for each in self.files)


def _names(source: str) -> Iterator[str]:
    yield from (name.strip() for name in _PLAIN.findall(source))
    yield from _QUOTED.findall(source)
    for name in _RUN.findall(source):
        yield name.strip("\"'")
        yield name.strip("\"'") + ".py"
    for module in modules_named(source):
        place = module.replace(".", "/")
        yield f"{place}.py"
        yield f"{place}/__init__.py"
        yield f"{place}/__main__.py"


def modules_named(source: str) -> Iterator[str]:
    """Yield the modules that code imports, and the packages that contain them."""
    for names in _IMPORT.findall(source):
        for part in names[:1000].split(","):
            if (found := _NAME.search(part)) is not None:
                yield from _with_above(found[0])
    for package, names in _FROM.findall(source):
        yield from _with_above(package)
        for part in names[:1000].split(","):
            if (found := _NAME.search(part)) is not None:
                yield f"{package}.{found[0]}"
    for groups in _CALLED.findall(source):
        for name in _NAME.findall(" ".join(groups)[:1000]):
            yield from _with_above(name)


def _with_above(module: str) -> Iterator[str]:
    """Yield a module and the packages that contain it, which run as well when it is imported."""
    parts = [part for part in module.split(".") if part][:9]
    yield from (".".join(parts[:end]) for end in range(1, len(parts) + 1))
