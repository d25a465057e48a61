"""Files that code runs or reads code from: a card shows the code, and not what is in these.

Code that was read may say no more than ``%run fit.py`` or ``import helper``. So the card names such
files as far as they are named in the code and lie where the kernel looks first, and a yes holds for
what was in them when it was given.
"""

from __future__ import annotations

import os
import re
import stat
from collections.abc import Iterable, Iterator
from itertools import islice
from typing import NamedTuple

from ..files.names import shown

MOST_CANDIDATES = 300
"""Names that are looked for on disk."""

MOST_SCANNED = 500_000
"""Characters of code, in all, that are looked through for names: so many take some 0.1 s."""

MOST_NAMED = 8
"""Files that a card names."""

LONGEST_NAME = 200

_SUFFIXES = "py|ipy|ipynb|pyx|r|jl|sh|bash|zsh|fish|ps1|js|mjs|cjs|ts|pl|rb|lua|sql|stan|c|cpp|so"
_PLAIN = re.compile(
    rf"(?<![\w./~-])[\w./~-]{{1,{LONGEST_NAME}}}?\.(?:{_SUFFIXES})(?![\w.])", re.IGNORECASE
)
_QUOTED = re.compile(rf"[\"']([^\"'\n]{{1,{LONGEST_NAME}}}\.(?:{_SUFFIXES}))[\"']", re.IGNORECASE)
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
        As the code names it, or where the module lies.
    mark : str
        What is another one once the file was written.
    """

    name: str
    mark: str


class UsedFiles(NamedTuple):
    """The files that code names, in the order of their names.

    Parameters
    ----------
    files : tuple of UsedFile
    are_all : bool
        Whether all that the code names was looked for.
    """

    files: tuple[UsedFile, ...] = ()
    are_all: bool = True

    @classmethod
    def of(cls, sources: Iterable[str], root: str | None, path: str | None) -> UsedFiles:
        """Return which of the files that code names are there.

        Parameters
        ----------
        sources : iterable of str
        root : str or None
            The server's root on this disk, if it has one.
        path : str or None
            Of the notebook: its kernel is started in its folder.
        """
        if not root:
            return cls()
        folder = os.path.join(root, os.path.dirname(path or ""))
        found: dict[tuple[int, int], UsedFile] = {}
        names: dict[str, None] = {}
        left = MOST_SCANNED
        for source in sources:
            names |= dict.fromkeys(_names(source[: max(left, 0)]))
            left -= len(source)
        for name in islice(names, MOST_CANDIDATES):
            # Whose home `~ada` is may take a question to another computer.
            home = os.path.expanduser(name) if name.startswith("~/") else name
            try:
                there = os.stat(os.path.join(folder, home))
            except (OSError, ValueError):
                continue
            if not stat.S_ISDIR(there.st_mode):
                mark = f"{there.st_ino} {there.st_size} {there.st_mtime_ns} {there.st_ctime_ns}"
                found.setdefault((there.st_dev, there.st_ino), UsedFile(name, mark))
        are_all = len(names) <= MOST_CANDIDATES and left >= 0
        return cls(tuple(sorted(found.values())), are_all)

    @property
    def words(self) -> str:
        """What a card says of them; an empty string if there are none."""
        words = []
        if self.files:
            names = [shown(each.name) for each in self.files[:MOST_NAMED]]
            left = len(self.files) - MOST_NAMED
            more = f" and {left} more" if left > 0 else ""
            words.append(
                f"What is in {', '.join(names)}{more}, which this names, is not shown here."
            )
        if not self.are_all:
            words.append(
                "This is so long, or names so many files and modules, that not all of them were "
                "looked for."
            )
        return " ".join(words)

    @property
    def marks(self) -> tuple[str, ...]:
        """What a yes is bound to."""
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
    """Return which modules code imports, and the packages that these are in."""
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
    """Return a module and the packages that it is in: these run as well."""
    parts = [part for part in module.split(".") if part][:9]
    yield from (".".join(parts[:end]) for end in range(1, len(parts) + 1))
