"""Recognize files that run by themselves, because a program reads them when it starts.

Writing such a file makes code run later that nobody was shown. Some are refused. For the others,
the request to the person says what the file is.
"""

from __future__ import annotations

import os
from fnmatch import fnmatchcase
from pathlib import Path
from typing import TYPE_CHECKING

from . import paths

if TYPE_CHECKING:
    from .importable import Modules

_ON_WINDOWS: tuple[tuple[tuple[str, ...], str], ...] = (
    (
        (
            ("*.bat", "*.cmd", "*.com", "*.exe"),
            "It runs instead of the program of that name when somebody gives a command in this "
            "folder.",
        ),
    )
    if os.name == "nt"
    else ()
)
"""Patterns for Windows; elsewhere, no shell looks for a command in the current folder."""

_KINDS = (
    (
        ("project.toml", "juliaproject.toml", "manifest*.toml", "juliamanifest*.toml"),
        "Julia reads it when a kernel starts in this folder: it says which code the packages are.",
    ),
    (
        ("localpreferences.toml", "julialocalpreferences.toml", "startup.jl"),
        "Julia reads it when a kernel starts.",
    ),
    (
        ("deno.json", "deno.jsonc", "import_map.json", "package.json"),
        "JavaScript kernels that start in this folder read it: it says which code the modules are.",
    ),
    (("rprofile*", "renviron*"), "R reads it when a kernel starts."),
    (("conftest.py",), "Pytest runs it before the tests of this folder."),
    (
        ("_quarto.yml", "_quarto.yaml", "_quarto-*.yml", "_quarto-*.yaml"),
        "Quarto reads it when it renders a document of this folder: it says which programs run.",
    ),
    (
        ("pixi.toml",),
        "Kernels that Pixi starts in this folder run what it says.",
    ),
    (
        ("matplotlibrc",),
        "Matplotlib reads it when a notebook in this folder imports Matplotlib: it can name a "
        "module that runs.",
    ),
    (
        ("head",),
        "A file with this name can make the folder a Git repository, whose settings run programs "
        "when somebody looks into it.",
    ),
    *_ON_WINDOWS,
    (("pyvenv.cfg",), "Python reads it when it starts."),
)
"""Patterns of file names in lower case, with a message why such a file runs by itself."""

_FOLDERS = {
    "renv": "R runs what is in this folder when a kernel starts beside it.",
    "_extensions": "Quarto runs what is in this folder when it renders a document beside it.",
}
"""Names of folders in lower case, with a message why their content runs by itself."""

_PACKAGE_INFO = (".dist-info", ".egg-info", ".egg-link")
"""Name suffixes which show that a package is installed in the same folder."""

_ENVIRONMENT_MARKS = ("pyvenv.cfg", "conda-meta")

_IN_ENVIRONMENT = frozenset(
    {
        *("bin", "lib", "lib64", "libexec", "scripts", "include", "dlls", "library", "sbin"),
        *("etc", "share", "opt", "ssl", "conda-meta", "pyvenv.cfg", "python._pth"),
    }
)
"""Entries that belong to an environment; the rest of its folder belongs to a project."""


def why(path: str, modules: Modules) -> str | None:
    """Return a message how a file runs by itself, or None if it does not.

    Parameters
    ----------
    path : str
        Normalized.
    modules : Modules
        The modules that a new file could shadow.
    """
    parts = path.lower().split("/")
    module = modules.shadowed(path)
    if module is not None:
        what = "This folder" if parts[-1].startswith("__init__.") else "This file"
        return (
            f"{what} runs by itself: it has the name of the module {module}. Python kernels that "
            "start beside it, and notebooks there that import that module or something that uses "
            "it, run this instead."
        )
    for folder, words in _FOLDERS.items():
        if folder in parts[:-1]:
            return f"This file runs by itself. {words}"
    if "node_modules" in parts[:-1]:
        return (
            "This file runs by itself: JavaScript kernels beside this folder import it under the "
            "name of a package."
        )
    if any(part.endswith(_PACKAGE_INFO) or part == "egg-info" for part in parts):
        return (
            "This file runs by itself: it declares a package installed in this folder. Packages "
            "that Python kernels beside it import then load its plugins, which can be any code."
        )
    if paths.hidden(path):
        return (
            "This file may run by itself: it is hidden, and programs read such files as their "
            "settings when they start."
        )
    for names, words in _KINDS:
        if any(fnmatchcase(parts[-1], name) for name in names):
            return f"This file runs by itself. {words}"
    return None


def in_program(root: str | None, path: str) -> bool:
    """Return whether a file belongs to a Python or conda environment, or a Git repository.

    This depends on what is in a folder on disk, not on its name. A bare repository has no ``.git``
    folder.
    """
    if not root:
        return False
    parts = path.split("/")
    return any(
        (part.lower() in _IN_ENVIRONMENT and _is_environment(Path(root, *parts[:at])))
        or _is_repository(Path(root, *parts[:at]))
        for at, part in enumerate(parts)
    )


def _is_environment(folder: Path) -> bool:
    return any((folder / mark).exists() for mark in _ENVIRONMENT_MARKS)


def _is_repository(folder: Path) -> bool:
    return all((folder / part).exists() for part in ("HEAD", "objects", "refs"))
