"""The names of modules that Python already knows: a new file of such a name takes its place.

Kernels look for modules in the notebook's folder first. So a file there that is called as one that
a kernel imports when it starts is run with it, and nobody was asked to run it.
"""

from __future__ import annotations

import ast
import asyncio
import os
import re
import sys
from contextlib import suppress
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar

if TYPE_CHECKING:
    from collections.abc import Container, Iterable, Iterator, Sequence

SUFFIXES = (".py", ".pyw", ".pyc", ".pyo", ".so", ".pyd", ".dll")
"""What Python imports, or did once; before the suffix of a library there may be a tag."""

KERNEL = "ipykernel"
"""What a Python kernel is: the modules that it and its parts only try to import count as well."""

MOST_FOLDERS = 50
MOST_ENTRIES = 50_000
MOST_SOURCES = 5_000
LARGEST_SOURCE = 2_000_000
LARGEST_PARSED = 300_000

_REQUIRED = re.compile(r"[\w.-]+")
_IMPORTS = re.compile(
    rb"^[ \t]*(?:import[ \t]+(\w+)[\w.]*[ \t]*(?:as[ \t]+\w+[ \t]*)?(?:[,;#].*)?|"
    rb"from[ \t]+(\w+)[\w.]*[ \t]+import\b.*)$",
    re.MULTILINE,
)


@dataclass(frozen=True, slots=True)
class Modules:
    """What one or several interpreters can import.

    Parameters
    ----------
    folders : tuple of str
        Where packages are installed.
    names : frozenset of str
        Of installed packages, what they may require, and what a kernel tries to import; in lower
        case, as some disks find files.
    """

    folders: tuple[str, ...] = ()
    names: frozenset[str] = frozenset()

    def shadowed(self, path: str) -> str | None:
        """Return which known module a new file would take the place of, or None.

        Parameters
        ----------
        path : str
            Relative to the server's root. A notebook may be in any of the folders above the file.
        """
        *parts, last = path.split("/")
        if not last.lower().endswith(SUFFIXES):
            return None
        stem = last.split(".", 1)[0]
        dotted = parts if stem == "__init__" else [*parts, stem]
        for start in range(len(dotted)):
            if self._known(dotted[start:]):
                return ".".join(dotted[start:])
        return None

    def _known(self, dotted: Sequence[str]) -> bool:
        if len(dotted) == 1:
            name = dotted[0].lower()
            return name in _STDLIB or name in self.names
        # Of an ordinary package all parts come from one folder; of a namespace, from any.
        return any(
            _is_namespace(os.path.join(folder, *dotted[:-1]))
            and _holds(os.path.join(folder, *dotted[:-1]), dotted[-1])
            for folder in self.folders
        )


_STDLIB = frozenset(name.lower() for name in sys.stdlib_module_names)


def _is_namespace(folder: str) -> bool:
    return os.path.isdir(folder) and not os.path.exists(os.path.join(folder, "__init__.py"))


def _holds(folder: str, name: str) -> bool:
    entries = _entries(folder)
    return any(entry.split(".", 1)[0].lower() == name.lower() for entry in entries)


class KnownModules:
    """Finds out what interpreters can import, off the event loop, and again when that changes.

    Parameters
    ----------
    root : str or None
        The server's root: what lies there is a person's own, unless it was installed.
    """

    # The same for every server of this process.
    _found: ClassVar[dict[tuple[str, ...], tuple[tuple[float, ...], Modules]]] = {}

    def __init__(self, root: str | None) -> None:
        self._root = os.path.realpath(root) if root else None

    async def of(self, interpreters: Iterable[str] = ()) -> Modules:
        """Return what this server's Python can import, and those that kernels are started with.

        Parameters
        ----------
        interpreters : iterable of str
            The programs of kernelspecs; what is no Python adds nothing.
        """
        return await asyncio.to_thread(self._of, tuple(sorted(set(interpreters))))

    def _of(self, interpreters: tuple[str, ...]) -> Modules:
        folders = tuple(each for each in _folders(interpreters) if not self._own(each))
        changed = tuple(_changed(folder) for folder in folders)
        known = self._found.get(folders)
        if known is None or known[0] != changed:
            known = changed, Modules(folders, frozenset(_names(folders)))
            self._found.clear()
            self._found[folders] = known
        return known[1]

    def _own(self, folder: str) -> bool:
        if self._root is None or folder.endswith("-packages"):
            return False
        return Path(os.path.realpath(folder)).is_relative_to(self._root)


def _folders(interpreters: Iterable[str]) -> tuple[str, ...]:
    """Return where packages are installed: for this Python, and for others by how they lie."""
    found = [each for each in sys.path if each and os.path.isdir(each)]
    for program in interpreters:
        if not os.path.isabs(program) or program == sys.executable:
            continue
        if not os.path.basename(program).lower().startswith(("python", "pypy")):
            continue
        # A virtual environment's own folder, not that of the Python that it was made with.
        prefix = Path(program).parent.parent
        for pattern in ("lib/python3*/*-packages", "lib/python3/dist-packages"):
            found += [str(each) for each in prefix.glob(pattern)]
        for each in (prefix / "Lib/site-packages", Path(program).parent / "Lib/site-packages"):
            found += [str(each)] if each.is_dir() else []
    return tuple(dict.fromkeys(found))[:MOST_FOLDERS]


def _changed(folder: str) -> float:
    try:
        return os.stat(folder).st_mtime
    except OSError:
        return 0.0


def _names(folders: Sequence[str]) -> Iterator[str]:
    installed: set[str] = set(_STDLIB)
    for folder in folders:
        for entry in _entries(folder):
            name = entry.split(".", 1)[0]
            if name.isidentifier() and (entry == name or entry.lower().endswith(SUFFIXES)):
                installed.add(name.lower())
    yield from installed
    by_name: dict[str, metadata.Distribution] = {}
    for distribution in metadata.distributions(path=list(folders)):
        with suppress(Exception):  # of somebody else's files, whatever is wrong with them
            by_name[_canonical(distribution.name)] = distribution
            yield _module(distribution.name)
            yield from (distribution.read_text("top_level.txt") or "").lower().split()
            # Also what only an extra requires: packages try to import it.
            yield from (_module(each) for each in _required(distribution, extras=True))
    yield from _tried(by_name, installed)


def _entries(folder: str) -> list[str]:
    try:
        with os.scandir(folder) as entries:
            return [entry.name for entry, _ in zip(entries, range(MOST_ENTRIES), strict=False)]
    except OSError:
        return []


def _tried(by_name: dict[str, metadata.Distribution], known: set[str]) -> Iterator[str]:
    """Return what the parts of a kernel import, or try to: some of it is not installed."""
    parts, left = [KERNEL], MOST_SOURCES
    for name in parts:
        distribution = by_name.get(name)
        if distribution is None:
            continue
        with suppress(Exception):
            needed = map(_canonical, _required(distribution, extras=False))
            parts += [each for each in needed if each not in parts]
            for file in distribution.files or []:
                if file.suffix == ".py" and left > 0 and "tests" not in file.parts:
                    left -= 1
                    found = set(_imports(str(file.locate()), known))
                    known |= found
                    yield from found


def _imports(path: str, known: Container[str]) -> Iterator[str]:
    """Return which modules a file imports that are not known yet.

    Only a file whose text may name such a one is parsed: documentation names others. Of what cannot
    be parsed, or takes long, all that is named counts.
    """
    source = b""
    with suppress(OSError), open(path, "rb") as file:
        source = file.read(LARGEST_SOURCE)
    found = {(one or other).decode(errors="replace") for one, other in _IMPORTS.findall(source)}
    named = {name.lower() for name in found}
    if len(source) <= LARGEST_PARSED and any(name not in known for name in named):
        with suppress(SyntaxError, ValueError, RecursionError, MemoryError):
            named = set(_imported(ast.parse(source)))
    yield from named


def _imported(module: ast.Module) -> Iterator[str]:
    for node in ast.walk(module):
        if isinstance(node, ast.Import):
            yield from (each.name.partition(".")[0].lower() for each in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            yield node.module.partition(".")[0].lower()


def _required(distribution: metadata.Distribution, *, extras: bool) -> Iterator[str]:
    for line in distribution.requires or []:
        found = _REQUIRED.match(line)
        if found is not None and (extras or "extra" not in line):
            yield found[0]


def _canonical(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()


def _module(name: str) -> str:
    """Return what a distribution's module is called, when it is called as the distribution."""
    return re.sub(r"[-.]+", "_", name).lower()
