"""Check paths from agents: relative to the server's root, inside it, and not hidden."""

from __future__ import annotations

import errno
import os
import stat
from fnmatch import fnmatchcase
from pathlib import Path, PurePosixPath

from ..errors import InvalidArgumentError

MAX_LENGTH = 1024

PROTECTED_FOLDERS = frozenset(
    {
        *(".git", ".ssh", ".aws", ".config", ".jupyter", ".ipython", ".jmcp"),
        *(".vscode", ".cursor", ".claude", ".gemini", ".codex"),
    }
)

STARTED_FOLDERS = (
    ("site-packages",),
    ("dist-packages",),
    ("etc", "jupyter"),
    ("etc", "ipython"),
    ("share", "jupyter"),
    ("__pycache__",),
)
"""Folders whose files run when Python or Jupyter starts, or are imported by every kernel.

An environment that was created in the project's folder is below the server's root.
"""

STARTED_FILES = (
    "jupyter*_config.py",
    "jupyter*_config.json",
    "ipython*_config.py",
    "ipython*_config.json",
    "kernel.json",
    "sitecustomize.*",
    "usercustomize.*",
)

PROTECTED_FILES = (
    ".mcp.json",
    ".env*",
    ".jupyter_ystore*",
    "*.pem",
    "*.key",
    "id_*",
    "*.pth",
    "sitecustomize.py",
    "usercustomize.py",
)


def normalise(path: str) -> str:
    """Return `path` as Jupyter names it: forward slashes, no leading slash, spelled as given.

    Raises
    ------
    InvalidArgumentError
        The path leaves the root, is hidden, or contains characters that no path may contain.
    """
    if len(path) > MAX_LENGTH:
        raise InvalidArgumentError("The path is too long.")
    text = path.strip()
    if any(ord(character) < 32 or ord(character) == 127 for character in text):
        raise InvalidArgumentError("A path cannot contain control characters.")
    if "\\" in text or (len(text) > 1 and text[1] == ":") or text.startswith(("//", "~")):
        raise InvalidArgumentError(
            "Give a path relative to the Jupyter server's root, with forward slashes, such as "
            "'analysis/sales.ipynb'."
        )
    parts = [part for part in text.split("/") if part not in ("", ".")]
    if text.startswith("/"):
        raise InvalidArgumentError(
            "Absolute paths are not accepted. Give a path relative to the Jupyter server's root; "
            "list_files shows the files that exist."
        )
    if ".." in parts:
        within = "/".join(parts)
        if os.path.normpath(within).startswith(".."):
            raise InvalidArgumentError("The path leaves the Jupyter server's root ('..').")
        raise InvalidArgumentError(
            "A path cannot contain '..'. Give it from the Jupyter server's root, such as "
            "'analysis/sales.ipynb'."
        )
    for part in parts:
        if part.rstrip(". ") != part:
            raise InvalidArgumentError("A file name cannot end with a dot or a space.")
    return "/".join(parts)


def hidden(path: str) -> bool:
    """Return whether any part of a normalized path is hidden."""
    return any(part.startswith(".") for part in PurePosixPath(path).parts)


def protected(path: str) -> bool:
    """Return whether a file could loosen our own rules, or holds secrets.

    Agents have first written their own auto-approve setting in the past (CVE-2025-53773).
    """
    parts = [part.lower() for part in PurePosixPath(path).parts]
    if any(part in PROTECTED_FOLDERS for part in parts) or ".local/share/jupyter" in path.lower():
        return True
    name = parts[-1] if parts else ""
    return any(fnmatchcase(name, pattern) for pattern in PROTECTED_FILES)


def started(path: str) -> bool:
    """Return whether Python or Jupyter runs a file by itself, or follows its instructions.

    Writing such a file makes code run later that nobody was shown.
    """
    parts = tuple(part.lower() for part in PurePosixPath(path).parts)
    within = any(
        parts[at : at + len(folder)] == folder
        for folder in STARTED_FOLDERS
        for at in range(len(parts) - 1)
    ) or any(fnmatchcase(part, "jupyter*config.d") for part in parts[:-1])
    name = parts[-1] if parts else ""
    return within or any(fnmatchcase(name, pattern) for pattern in STARTED_FILES)


def inside(root: str | None, path: str) -> bool:
    """Return whether the real path is below the real root, following symbolic links.

    If there is no root on this machine's disk (another contents manager), there is nothing to
    follow.
    """
    if not root:
        return True
    # Unlike `Path.resolve`, this tolerates circular links.
    real_root = Path(os.path.realpath(root))
    return Path(os.path.realpath(real_root / path)).is_relative_to(real_root)


def odd(root: str | None, path: str) -> str | None:
    """Return a description of what is at a path, unless it is a file, a folder or nothing.

    Opening a pipe would wait for ever for somebody at its other end.
    """
    if not root:
        return None
    where = os.path.join(root, path)
    try:
        mode = os.lstat(where).st_mode
        if stat.S_ISLNK(mode):
            mode = os.stat(where).st_mode
    except FileNotFoundError:
        return "a link to something that does not exist" if os.path.islink(where) else None
    except NotADirectoryError:
        return None
    except OSError as error:
        return _OUT_OF_REACH.get(error.errno or 0)
    if stat.S_ISREG(mode) or stat.S_ISDIR(mode):
        return None
    kinds = {stat.S_IFIFO: "a pipe", stat.S_IFSOCK: "a socket"}
    return kinds.get(stat.S_IFMT(mode), "a device")


_OUT_OF_REACH = {
    errno.ELOOP: "a link that points back to itself",
    errno.EACCES: "in a folder that this server cannot read",
    errno.ENAMETOOLONG: "a longer name than the disk allows",
}
