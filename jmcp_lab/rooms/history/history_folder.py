"""The folder of all histories, how long they are kept, and the store of earlier versions."""

from __future__ import annotations

import logging
import re
import sqlite3
import time
from contextlib import closing, suppress
from pathlib import Path

from jupyter_core.paths import jupyter_data_dir

from .document_store import DocumentStore

MAX_AGE_SECONDS = 30 * 24 * 3600.0
"""Maximum age of an unused history. After that it is removed, and only the file counts."""

MAX_BYTES = 1_000_000_000
"""Maximum size of all histories together; the least recently used go first."""

RECENT_SECONDS = 24 * 3600.0
"""Seconds since its last use during which a history is never removed."""

PRUNE_SECONDS = 3600.0
"""Seconds between two clean-ups of the folder, which run when a history is opened."""

BESIDE = ("-wal", "-shm", "-journal")
"""Suffixes of SQLite's own files beside a database."""

OLD_STORE = ".jupyter_ystore.db"
"""The store that jupyter-server-ydoc creates in the folder where a server is started."""

_log = logging.getLogger("jmcp_lab")

_pruned: dict[Path, float] = {}
"""The time of the last clean-up, by folder."""


def history_folder() -> Path:
    """Return the folder of all histories."""
    return Path(jupyter_data_dir()) / "jmcp_lab" / "history"


def store_of(room_id: str) -> DocumentStore:
    """Return the history of a room's document, not yet opened.

    Parameters
    ----------
    room_id : str
        Format, type and file id: ``json:notebook:…``.
    """
    folder = history_folder()
    now = time.monotonic()
    if now - _pruned.get(folder, -PRUNE_SECONDS) >= PRUNE_SECONDS:
        _pruned[folder] = now
        prune(folder)
    name = re.sub(r"[^\w-]+", "-", room_id.partition(":")[2])
    return DocumentStore(folder / f"{name}.db")


def prune(folder: Path, now: float | None = None) -> None:
    """Remove histories that are too old or take too much space, unless somebody has them open."""
    now = time.time() if now is None else now
    found = []
    for path in folder.glob("*.*"):
        # SQLite mostly writes to the files beside an open database, and only rarely to the
        # database.
        files = [file for file in (path, *_beside(path)) if file.is_file()]
        if not path.name.endswith(BESIDE):
            with suppress(OSError):
                status = [file.stat() for file in files]
                age = now - max(one.st_mtime for one in status)
                found.append((age, sum(one.st_size for one in status), path))
    kept = 0
    for age, size, path in sorted(found):
        kept += size
        if age > MAX_AGE_SECONDS or (kept > MAX_BYTES and age > RECENT_SECONDS):
            if not _is_open(path):
                for file in (*_beside(path), path):
                    with suppress(OSError):
                        file.unlink(missing_ok=True)


def _beside(path: Path) -> list[Path]:
    return [path.with_name(path.name + end) for end in BESIDE]


def _is_open(path: Path) -> bool:
    """Return whether this or another server has a history open."""
    try:
        with closing(sqlite3.connect(path, timeout=0, isolation_level=None)) as history:
            history.execute("BEGIN EXCLUSIVE")
    except sqlite3.OperationalError as error:
        return "locked" in str(error)
    except sqlite3.Error:
        # The file is not a database, so nobody uses it.
        return False
    return False


def unsaved_in_old_store(room_id: str, saved: float, path: str = OLD_STORE) -> list[bytes] | None:
    """Return a document's updates from the store that plain jupyter-server-ydoc uses.

    Parameters
    ----------
    room_id : str
    saved : float
        The modification time of the file, which contains all older updates.
    path : str
        The database, which is opened read-only.

    Returns
    -------
    list of bytes or None
        None if the store has nothing newer than the file.
    """
    if not Path(path).is_file():
        return None
    kind, _, file_id = room_id.partition(":")[2].partition(":")
    name = f".{kind}:{file_id}.y"
    try:
        with closing(sqlite3.connect(f"{Path(path).resolve().as_uri()}?mode=ro", uri=True)) as old:
            newest = old.execute("SELECT max(timestamp) FROM yupdates WHERE path = ?", (name,))
            last = newest.fetchone()[0]
            if last is None or last <= saved:
                return None
            points = old.execute(
                "SELECT checkpoint, timestamp FROM ycheckpoints WHERE path = ?", (name,)
            ).fetchall()
            since = points[0][1] if points else 0.0
            updates = old.execute(
                "SELECT yupdate FROM yupdates WHERE path = ? AND timestamp >= ? ORDER BY timestamp",
                (name, since),
            )
            return [data for data, _ in points] + [data for (data,) in updates]
    except sqlite3.Error as error:
        _log.warning("The old history %s could not be read: %s", Path(path).name, error)
        return None
