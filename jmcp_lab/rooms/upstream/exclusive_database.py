"""An SQLite database that one process has to itself."""

from __future__ import annotations

import os
import sqlite3
from contextlib import suppress
from pathlib import Path

from ...server.private_file import private_descriptor


def connect(path: Path) -> sqlite3.Connection:
    """Open a database, and make it where there is none.

    Raises
    ------
    sqlite3.OperationalError
        Another process has it open, or the disk is full.
    sqlite3.DatabaseError
        It is no database.
    OSError
    """
    # SQLite gives its journal the mode of the database.
    os.close(private_descriptor(path))
    connection = sqlite3.connect(path, timeout=0, isolation_level=None, check_same_thread=False)
    try:
        # The operating system ends the lock with the process, however that ends.
        connection.execute("PRAGMA locking_mode = EXCLUSIVE")
        connection.execute("BEGIN EXCLUSIVE")
        connection.execute("COMMIT")
        connection.execute("PRAGMA journal_mode = WAL")
        connection.execute("PRAGMA synchronous = FULL")
    except BaseException:
        # Whatever it was: nobody else closes it, and it would stay locked.
        connection.close()
        raise
    return connection


def set_aside(path: Path) -> None:
    """Give what is no database another name."""
    path.replace(path.with_suffix(".unreadable"))
    for end in ("-wal", "-shm", "-journal"):
        with suppress(OSError):
            Path(f"{path}{end}").unlink()
