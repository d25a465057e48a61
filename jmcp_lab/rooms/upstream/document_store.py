"""The history of one document on disk: its Yjs updates, and the files that it has met.

jupyter-server-ydoc keeps all documents in one database in the folder where the server was started,
and never removes anything. Here each document has a small database of its own in Jupyter's data
folder. It is owned by one server at a time: two servers that wrote into one history would find the
edits of both in it twice, since each also takes the other's edits from the file.

A history never knows less than the file: what is written there is stored here first.
"""

from __future__ import annotations

import asyncio
import logging
import sqlite3
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, TypeVar

from pycrdt import merge_updates

from .exclusive_database import connect, set_aside
from .store_interface import UpstreamStore
from .stored_history import Stored

GATHER_SECONDS = 0.1
"""From an update to its write: updates of a short run become one write."""

CHECKPOINT_UPDATES = 200
"""Updates after which the whole document takes their place."""

CHECKPOINT_BYTES = 4_000_000
"""Bytes of updates after which the whole document takes their place, if it is not larger."""

MAX_FILES = 60
"""Versions of the file that are kept, the latest."""

MAX_FILES_BYTES = 20_000_000

SCHEMA = """
CREATE TABLE IF NOT EXISTS updates (number INTEGER PRIMARY KEY, data BLOB, time REAL);
CREATE TABLE IF NOT EXISTS files (number INTEGER PRIMARY KEY, hash TEXT, digest TEXT, version BLOB);
CREATE TABLE IF NOT EXISTS facts (name TEXT PRIMARY KEY, value TEXT);
"""

_Result = TypeVar("_Result")

# One thread for all documents: SQLite waits for the disk, the event loop must not.
_thread = ThreadPoolExecutor(1, "jmcp history")

_log = logging.getLogger("jmcp_lab")


class DocumentStore(UpstreamStore):
    """The history of one document.

    Parameters
    ----------
    path : Path
        The database.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._connection: sqlite3.Connection | None = None
        self._refused = self._closed = False
        self._released: sqlite3.Connection | None = None
        self._waiting: list[bytes] = []
        self._timer: asyncio.TimerHandle | None = None
        self._writes: set[asyncio.Future[None]] = set()
        self._since = self._bytes = 0
        self._incomplete = False
        self._state: Callable[[], bytes] | None = None
        self._history: str | None = None

    @property
    def is_open(self) -> bool:
        """Whether anything is kept: another server may own the history."""
        return self._connection is not None

    # -- opening and closing ---------------------------------------------------------------------

    async def open(self) -> Stored:
        """Open the history; nothing is kept if another server has it open, or the disk fails."""
        self.started.set()
        self._refused = self._closed = False
        try:
            return await self._in_thread(self._open)
        except sqlite3.DatabaseError as error:
            if isinstance(error, sqlite3.OperationalError):
                _log.warning(
                    "The history of a document is not kept (%s): another Jupyter server has it "
                    "open, or the disk is full.",
                    error,
                )
                self._refused = True
                return Stored()
        except OSError as error:
            _log.warning("The history of a document is not kept (%s).", type(error).__name__)
            self._refused = True
            return Stored()
        # It is no database, or says what no history does.
        try:
            await self._in_thread(set_aside, self._path)
            return await self._in_thread(self._open)
        except (sqlite3.Error, OSError) as error:
            _log.warning("The history of a document is not kept (%s).", type(error).__name__)
            return Stored()

    async def look_again(self) -> Stored | None:
        """Return what a history says that could not be opened before, and now can be.

        Nothing is written there until `take_over`; `leave` lets go of it.
        """
        if not self._refused:
            return None
        # A second look at once would end the lock of the first: POSIX ties it to the process.
        self._refused = False
        try:
            self._released, stored = await self._in_thread(self._connect)
        except (sqlite3.Error, OSError):
            self._refused = True
            return None
        if self._closed:
            await self.leave()
            return None
        return stored

    def take_over(self, history: str) -> None:
        """Let the document take the place of what another server has stored."""
        if self._released is None:
            return
        self._connection, self._released = self._released, None
        self.restart(history)
        self.checkpoint(complete=True)

    async def leave(self) -> None:
        """Let go of a history that was looked at."""
        if self._released is not None:
            released, self._released = self._released, None
            await self._in_thread(released.close)
            self._refused = True

    async def put_off(self) -> None:
        """Let go of the history as it is; `look_again` opens it when it can be taken over."""
        if self._connection is not None:
            connection, self._connection = self._connection, None
            await self._in_thread(connection.close)
            self._refused = True

    def _open(self) -> Stored:
        self._connection, stored = self._connect()
        self._since = len(stored.updates)
        self._bytes = sum(map(len, stored.updates[1:]))
        return stored

    def _connect(self) -> tuple[sqlite3.Connection, Stored]:
        connection = connect(self._path)
        try:
            connection.executescript(SCHEMA)
            return connection, Stored.of(connection)
        except BaseException:
            connection.close()
            raise

    async def close(self) -> None:
        """Write what waits, and let go of the history."""
        self._closed = True
        await self.leave()
        await self.flush()
        if self._connection is not None:
            connection, self._connection = self._connection, None
            await self._in_thread(connection.close)

    # -- updates -----------------------------------------------------------------------------------

    def follow(self, state: Callable[[], bytes]) -> None:
        """Let `state` return the whole document, for the times when it takes the updates' place."""
        self._state = state

    def add(self, update: bytes) -> None:
        """Store an update soon."""
        if self._connection is None:
            return
        self._waiting.append(update)
        if self._timer is None:
            self._timer = asyncio.get_running_loop().call_later(GATHER_SECONDS, self._write)

    async def flush(self) -> None:
        """Return once every update that was added so far is stored, if the disk takes it."""
        self._write()
        while self._writes:
            await asyncio.wait(self._writes)

    def _write(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        if self._connection is None:
            return
        if self._incomplete and self._state is not None:
            # An update could not be written, and none after it makes sense without it.
            self.checkpoint()
            return
        if not self._waiting:
            return
        updates, self._waiting = self._waiting, []
        self._since += 1
        self._bytes += sum(map(len, updates))
        self._keep(self._insert, updates)
        if self._since > CHECKPOINT_UPDATES or self._bytes > CHECKPOINT_BYTES:
            self.checkpoint()

    def checkpoint(self, *, complete: bool = False) -> None:
        """Let the whole document take the place of the updates, unless it is larger than they."""
        if self._state is None or self._connection is None:
            return
        state = self._state()
        enough = complete or self._incomplete or self._since > CHECKPOINT_UPDATES
        if not enough and len(state) > self._bytes:
            return
        # They are in it.
        self._waiting.clear()
        self._since, self._bytes = 1, 0
        self._keep(self._replace, state, self._history)

    def restart(self, history: str) -> None:
        """Forget the updates: the document begins anew, with another Yjs history."""
        self._waiting.clear()
        self._since = self._bytes = 0
        self._history = history
        self._keep(self._forget, history)

    def branch(self, history: str) -> None:
        """Note that the document goes on from these updates as another Yjs history."""
        self._history = history
        self._keep(self._set, "history", history)

    async def stored(self) -> list[tuple[bytes, float]]:
        """Return each update that is stored, and its time."""
        await self.flush()
        if self._connection is None:
            return []
        sql = "SELECT data, time FROM updates ORDER BY number"
        return await self._in_thread(lambda: self._execute(sql).fetchall())

    def _insert(self, updates: list[bytes]) -> None:
        data = merge_updates(*updates) if len(updates) > 1 else updates[0]
        self._execute("INSERT INTO updates (data, time) VALUES (?, ?)", (data, time.time()))

    def _replace(self, state: bytes, history: str | None) -> None:
        with self._transaction():
            self._execute("DELETE FROM updates")
            self._execute("INSERT INTO updates (data, time) VALUES (?, ?)", (state, time.time()))
            self._execute("DELETE FROM facts WHERE name = 'ahead'")
            if history is not None:
                # Where it could not be noted before, this document would go by another's id.
                self._set("history", history)
        # Whatever was to be written before this is in the document.
        self._incomplete = False

    def _forget(self, history: str) -> None:
        with self._transaction():
            self._execute("DELETE FROM updates")
            self._set("history", history)

    # -- files -------------------------------------------------------------------------------------

    async def intend(self, digest: str, pack: Callable[[], bytes] | None = None) -> None:
        """Note what is about to be written into the file, after the updates that led to it.

        Parameters
        ----------
        digest : str
        pack : Callable, optional
            Returns it, where a part of it cannot be told from a file that was meant so.
        """
        await self.flush()
        await self._kept(self._intend, digest, pack)

    async def met(self, found: str, digest: str, pack: Callable[[], bytes]) -> None:
        """Note that the document has met a file: it says all that the file says."""
        await self.flush()
        # A history that says less than the file must not name it as known: the next server would
        # take what is missing for taken out, and write over the file.
        if not self._incomplete:
            await self._kept(self._add_file, found, digest, pack)

    async def file_version(self, found: str) -> bytes | None:
        """Return the version of a file that the document has met, by its hash."""
        if self._connection is None:
            return None
        try:
            row = await self._in_thread(self._find, found)
        except sqlite3.Error:
            return None
        # Whatever another release has put there: as good as none.
        return row[0] if row is not None and isinstance(row[0], bytes) else None

    def _intend(self, digest: str, pack: Callable[[], bytes] | None) -> None:
        unfinished = None if pack is None else pack()
        with self._transaction():
            self._set("ahead" if self._incomplete else "intended", digest)
            if unfinished is not None and not self._incomplete:
                self._set("unfinished", unfinished)

    def _find(self, found: str) -> tuple[bytes] | None:
        sql = "SELECT version FROM files WHERE hash = ? ORDER BY number DESC LIMIT 1"
        row: tuple[bytes] | None = self._execute(sql, (found,)).fetchone()
        return row

    def _add_file(self, found: str, digest: str, pack: Callable[[], bytes]) -> None:
        version = pack()
        with self._transaction():
            # What was to be written before is no file that this document knows: another program
            # that writes the same again, as git does on the way back to a branch, means it.
            self._execute("DELETE FROM facts WHERE name IN ('unfinished', 'intended')")
            self._execute("DELETE FROM files WHERE hash = ?", (found,))
            self._execute(
                "INSERT INTO files (hash, digest, version) VALUES (?, ?, ?)",
                (found, digest, version),
            )
            rows = self._execute("SELECT number, length(version) FROM files ORDER BY number DESC")
            size = 0
            for at, (number, length) in enumerate(rows.fetchall()):
                size += length
                if at >= MAX_FILES or (at and size > MAX_FILES_BYTES):
                    self._execute("DELETE FROM files WHERE number <= ?", (number,))
                    break

    # -- the thread --------------------------------------------------------------------------------

    def _execute(self, sql: str, values: tuple[Any, ...] = ()) -> sqlite3.Cursor:
        if self._connection is None:
            raise sqlite3.ProgrammingError("closed")
        return self._connection.execute(sql, values)

    def _set(self, name: str, value: str | bytes) -> None:
        self._execute("INSERT OR REPLACE INTO facts VALUES (?, ?)", (name, value))

    def _transaction(self) -> sqlite3.Connection:
        connection = self._connection
        if connection is None:
            raise sqlite3.ProgrammingError("closed")
        connection.execute("BEGIN")
        # As a context it commits, or rolls back.
        return connection

    async def _in_thread(self, work: Callable[..., _Result], *arguments: Any) -> _Result:
        return await asyncio.get_running_loop().run_in_executor(_thread, work, *arguments)

    def _keep(self, work: Callable[..., None], *arguments: Any) -> asyncio.Future[None] | None:
        """Do something in the thread, after what was begun before."""
        if self._connection is None:
            return None
        loop = asyncio.get_running_loop()
        future = loop.run_in_executor(_thread, self._try, work, arguments)
        self._writes.add(future)
        future.add_done_callback(self._writes.discard)
        return future

    def _try(self, work: Callable[..., None], arguments: tuple[Any, ...]) -> None:
        try:
            work(*arguments)
        except sqlite3.Error as error:
            # The document and the file go on; only what a killed server would lose grows.
            self._incomplete |= work in (self._insert, self._replace, self._forget)
            _log.warning("The history of a document could not be written: %s", error)

    async def _kept(self, work: Callable[..., None], *arguments: Any) -> None:
        future = self._keep(work, *arguments)
        if future is not None:
            await asyncio.wait([future])
