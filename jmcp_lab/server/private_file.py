"""Files of the user's own: nobody else reads them, and nobody sees half of one.

A file is replaced as a whole, so that a crash leaves the old one or the new one. It is on the disk
when `write_private` returns, also when the computer goes down a moment later.
"""

from __future__ import annotations

import os
import sys
import tempfile
import time
from contextlib import suppress
from pathlib import Path

REPLACE_TRIES = 50
REPLACE_SECONDS = 0.01
"""Seconds between two tries to replace a file that another program has open, on Windows."""


def private_folder(path: Path) -> None:
    """Make the folder of a private file where it is missing, for the user alone.

    Raises
    ------
    OSError
    """
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)


def private_descriptor(path: Path) -> int:
    """Open a private file for reading and writing, with what it holds, and make it where needed.

    Raises
    ------
    OSError
    """
    private_folder(path)
    return os.open(path, os.O_RDWR | os.O_CREAT | getattr(os, "O_CLOEXEC", 0), 0o600)


def write_private(path: Path, content: str | bytes) -> None:
    """Write a private file: all of it or nothing.

    Raises
    ------
    OSError
    """
    data = content.encode() if isinstance(content, str) else content
    private_folder(path)
    descriptor, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.stem}-")  # with 0600
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        _replace(Path(name), path)
    except BaseException:
        # Whatever ends the write, a Ctrl-C too, no half file stays behind.
        Path(name).unlink(missing_ok=True)
        raise
    _sync_folder(path.parent)


def _replace(new: Path, path: Path) -> None:
    """Put a file in the place of another, which on Windows somebody may have open just now."""
    for _ in range(REPLACE_TRIES if sys.platform == "win32" else 0):
        try:
            new.replace(path)
        except PermissionError:
            time.sleep(REPLACE_SECONDS)
        else:
            return
    new.replace(path)


def _sync_folder(folder: Path) -> None:
    """Put a folder's list of names on the disk: until then a new name may be lost with a crash.

    Windows opens no folders, and some network disks sync none. The file is whole in any case, so
    that is no failure of the write.
    """
    with suppress(OSError):
        descriptor = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
