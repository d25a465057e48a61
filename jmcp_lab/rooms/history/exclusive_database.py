"""An SQLite database that one process locks for itself."""

from __future__ import annotations

import os
import sqlite3
from contextlib import suppress
from pathlib import Path

from ...server.private_file import private_descriptor


def connect(path: Path) -> sqlite3.Connection:
    """Open a database, and create it if it is missing.

    Raises
    ------
    sqlite3.OperationalError
        Another process has it open, or the disk is full.
    sqlite3.DatabaseError
        The file is not a database.
    OSError
    """
    # SQLite gives its journal the mode of the database.
    os.close(private_descriptor(path))
    connection = sqlite3.connect(path, timeout=0, isolation_level=None, check_same_thread=False)
    try:
        # The operating system releases the lock when the process ends for any reason.
        connection.execute("PRAGMA locking_mode = EXCLUSIVE")
        connection.execute("BEGIN EXCLUSIVE")
        connection.execute("COMMIT")
        connection.execute("PRAGMA journal_mode = WAL")
        connection.execute("PRAGMA synchronous = FULL")
    except BaseException:
        # After any error, no other code would close the connection, and the database would stay
        # locked.
        connection.close()
        raise
    return connection


def set_aside(path: Path) -> None:
    """Rename a file that is not a database."""
    path.replace(path.with_suffix(".unreadable"))
    for end in ("-wal", "-shm", "-journal"):
        with suppress(OSError):
            Path(f"{path}{end}").unlink()
