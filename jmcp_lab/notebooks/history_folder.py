"""Where the histories of documents are, how long they are kept, and the one of earlier versions."""

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
"""A history that nobody used for so long is removed: the file is what counts then."""

MAX_BYTES = 1_000_000_000
"""All histories together; the ones that were not used for longest go first."""

RECENT_SECONDS = 24 * 3600.0
"""A history that was used within this time is never removed."""

OLD_STORE = ".jupyter_ystore.db"
"""What jupyter-server-ydoc makes in the folder where a server is started."""

_log = logging.getLogger("jmcp_lab")

_pruned: set[Path] = set()


def history_folder() -> Path:
    """Return the folder of all histories."""
    return Path(jupyter_data_dir()) / "jmcp_lab" / "history"


def store_of(room_id: str) -> DocumentStore:
    """Return the history of a room's document, closed.

    Parameters
    ----------
    room_id : str
        Format, type and file id: ``json:notebook:…``.
    """
    folder = history_folder()
    if folder not in _pruned:
        _pruned.add(folder)
        prune(folder)
    name = re.sub(r"[^\w-]+", "-", room_id.partition(":")[2])
    return DocumentStore(folder / f"{name}.db")


def prune(folder: Path, now: float | None = None) -> None:
    """Remove histories that are too old, or too much."""
    now = time.time() if now is None else now
    found = []
    for path in folder.glob("*.*"):
        with suppress(OSError):
            status = path.stat()
            found.append((now - status.st_mtime, status.st_size, path))
    kept = 0
    for age, size, path in sorted(found):
        kept += size
        if age > MAX_AGE_SECONDS or (kept > MAX_BYTES and age > RECENT_SECONDS):
            with suppress(OSError):
                path.unlink()


def unsaved_in_old_store(room_id: str, saved: float, path: str = OLD_STORE) -> list[bytes] | None:
    """Return the updates of a document in the store that jupyter-server-ydoc would use by itself.

    Parameters
    ----------
    room_id : str
    saved : float
        When the file was last changed. What the store says from before is in the file.
    path : str
        The database; it is only read.

    Returns
    -------
    list of bytes or None
        None when there is nothing newer than the file.
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
