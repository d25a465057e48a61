"""Find the names of modules that Python knows, which a new file of that name would shadow.

Kernels look for modules in the notebook's folder first. A file there with the name of a module that
a kernel imports at its start runs with the kernel, without anybody being asked.
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
"""File name suffixes that Python imports, or once did; a library may have a tag before its suffix.
"""

KERNEL = "ipykernel"
"""Package of the Python kernel. Modules that it and its dependencies merely try to import count as
well.
"""

MAX_FOLDERS = 50
MAX_ENTRIES = 50_000
MAX_SOURCES = 5_000
MAX_SOURCE_BYTES = 2_000_000
MAX_PARSED_BYTES = 300_000

_REQUIRED = re.compile(r"[\w.-]+")
_IMPORTS = re.compile(
    rb"^[ \t]*(?:import[ \t]+(\w+)[\w.]*[ \t]*(?:as[ \t]+\w+[ \t]*)?(?:[,;#].*)?|"
    rb"from[ \t]+(\w+)[\w.]*[ \t]+import\b.*)$",
    re.MULTILINE,
)


@dataclass(frozen=True, slots=True)
class Modules:
    """The modules that one or several interpreters can import.

    Parameters
    ----------
    folders : tuple of str
        Where packages are installed.
    names : frozenset of str
        The names of installed packages, of packages that these may require, and of modules that a
        kernel tries to import. They are in lower case, because some disks ignore case.
    """

    folders: tuple[str, ...] = ()
    names: frozenset[str] = frozenset()

    def shadowed(self, path: str) -> str | None:
        """Return the known module that a new file would shadow, or None.

        Parameters
        ----------
        path : str
            Relative to the server's root. The notebook may be in any folder above the file.
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
        # All parts of an ordinary package come from one folder; those of a namespace package, from
        # any.
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
    """Finds out, off the event loop, what interpreters can import, and updates that on changes.

    Parameters
    ----------
    root : str or None
        The server's root. Files below it are a person's own, unless they were installed.
    """

    # The result is the same for every server of this process.
    _found: ClassVar[dict[tuple[str, ...], tuple[tuple[float, ...], Modules]]] = {}

    def __init__(self, root: str | None) -> None:
        self._root = os.path.realpath(root) if root else None

    async def of(self, interpreters: Iterable[str] = ()) -> Modules:
        """Return what this server's Python and the Pythons of kernels can import.

        Parameters
        ----------
        interpreters : iterable of str
            The programs of kernelspecs; those that are not Python add nothing.
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
    """Return the package folders: of this Python, and of others by their usual layout."""
    found = [each for each in sys.path if each and os.path.isdir(each)]
    for program in interpreters:
        if not os.path.isabs(program) or program == sys.executable:
            continue
        if not os.path.basename(program).lower().startswith(("python", "pypy")):
            continue
        # Use the folder of the virtual environment, not of the Python that created it.
        prefix = Path(program).parent.parent
        for pattern in ("lib/python3*/*-packages", "lib/python3/dist-packages"):
            found += [str(each) for each in prefix.glob(pattern)]
        for each in (prefix / "Lib/site-packages", Path(program).parent / "Lib/site-packages"):
            found += [str(each)] if each.is_dir() else []
    return tuple(dict.fromkeys(found))[:MAX_FOLDERS]


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
        with suppress(Exception):  # files of third parties may be broken in any way
            by_name[_canonical(distribution.name)] = distribution
            yield _module(distribution.name)
            yield from (distribution.read_text("top_level.txt") or "").lower().split()
            # Include packages that only an extra requires, because other packages try to import
            # them.
            yield from (_module(each) for each in _required(distribution, extras=True))
    yield from _tried(by_name, installed)


def _entries(folder: str) -> list[str]:
    try:
        with os.scandir(folder) as entries:
            return [entry.name for entry, _ in zip(entries, range(MAX_ENTRIES), strict=False)]
    except OSError:
        return []


def _tried(by_name: dict[str, metadata.Distribution], known: set[str]) -> Iterator[str]:
    """Yield the modules that a kernel's dependencies import or try to import."""
    parts, left = [KERNEL], MAX_SOURCES
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
    """Yield the unknown modules that a file imports.

    A file is parsed only if its text may import such a module, as documentation mentions others. If
    a file cannot be parsed, or that takes long, everything that its text mentions counts.
    """
    source = b""
    with suppress(OSError), open(path, "rb") as file:
        source = file.read(MAX_SOURCE_BYTES)
    found = {(one or other).decode(errors="replace") for one, other in _IMPORTS.findall(source)}
    named = {name.lower() for name in found}
    if len(source) <= MAX_PARSED_BYTES and any(name not in known for name in named):
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
    """Return the module name of a distribution, if the module is named after it."""
    return re.sub(r"[-.]+", "_", name).lower()
