"""The history of one document on disk: its Yjs updates, and the versions of its file.

jupyter-server-ydoc keeps all documents in one database in the folder where the server was started,
and never removes anything. Here each document has a small database of its own in Jupyter's data
folder. One server at a time owns it. Two servers that wrote to one history would store the edits of
both twice, since each also merges the other's edits from the file.

A history is never behind the file: the server stores each update here before it writes the file.
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

from ..upstream.store_interface import UpstreamStore
from .exclusive_database import connect, set_aside
from .stored_history import Stored

GATHER_SECONDS = 0.1
"""Seconds from an update to its write; the updates of a short run are combined into one write."""

CHECKPOINT_UPDATES = 200
"""Maximum number of stored updates before the whole document replaces them."""

CHECKPOINT_BYTES = 4_000_000
"""Maximum bytes of stored updates before the document replaces them, unless it is larger."""

MAX_FILES = 60
"""Maximum number of versions of the file that are kept; the oldest go first."""

MAX_FILES_BYTES = 20_000_000

SCHEMA = """
CREATE TABLE IF NOT EXISTS updates (number INTEGER PRIMARY KEY, data BLOB, time REAL);
CREATE TABLE IF NOT EXISTS files (number INTEGER PRIMARY KEY, hash TEXT, digest TEXT, version BLOB);
CREATE TABLE IF NOT EXISTS facts (name TEXT PRIMARY KEY, value TEXT);
"""

_Result = TypeVar("_Result")

# All documents share one thread. SQLite blocks on the disk, and the event loop must not.
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
        self._freed: sqlite3.Connection | None = None
        self._waiting: list[bytes] = []
        self._timer: asyncio.TimerHandle | None = None
        self._writes: set[asyncio.Future[None]] = set()
        self._since = self._bytes = 0
        self._incomplete = False
        self._state: Callable[[], bytes] | None = None
        self._history: str | None = None

    @property
    def is_open(self) -> bool:
        """Whether updates are stored; they are not while another server owns the history."""
        return self._connection is not None

    # -- opening and closing ---------------------------------------------------------------------

    async def open(self) -> Stored:
        """Open the history; store nothing if another server has it open or the disk fails."""
        self.started.set()
        self._refused = self._closed = False
        try:
            return await self._in_thread(self._open)
        except sqlite3.DatabaseError as error:
            if isinstance(error, sqlite3.OperationalError):
                _log.warning(
                    "The history of a document cannot be stored (%s): another Jupyter server has "
                    "it open, or the disk is full.",
                    error,
                )
                self._refused = True
                return Stored()
        except OSError as error:
            _log.warning("The history of a document cannot be stored (%s).", type(error).__name__)
            self._refused = True
            return Stored()
        # The file is not a database, or its content is not a valid history.
        try:
            await self._in_thread(set_aside, self._path)
            return await self._in_thread(self._open)
        except (sqlite3.Error, OSError) as error:
            _log.warning("The history of a document cannot be stored (%s).", type(error).__name__)
            return Stored()

    async def open_if_free(self) -> Stored | None:
        """Return the content of a history that `open` was refused, if it is free now.

        This writes nothing until `take_over`; `leave` releases the history.
        """
        if not self._refused:
            return None
        # Do not connect twice at once: closing one connection would release the lock of the other,
        # because POSIX locks belong to the process.
        self._refused = False
        try:
            self._freed, stored = await self._in_thread(self._connect)
        except (sqlite3.Error, OSError):
            self._refused = True
            return None
        if self._closed:
            await self.release()
            return None
        return stored

    def take_over(self, history: str) -> None:
        """Replace what another server has stored with the document."""
        if self._freed is None:
            return
        self._connection, self._freed = self._freed, None
        self.restart(history)
        self.checkpoint(complete=True)

    async def release(self) -> None:
        """Release a history that `open_if_free` opened."""
        if self._freed is not None:
            released, self._freed = self._freed, None
            await self._in_thread(released.close)
            self._refused = True

    async def postpone_take_over(self) -> None:
        """Release the history unchanged; `open_if_free` opens it once it can be taken over."""
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
        """Write pending updates, and release the history."""
        self._closed = True
        await self.release()
        await self.flush()
        if self._connection is not None:
            connection, self._connection = self._connection, None
            await self._in_thread(connection.close)

    # -- updates -----------------------------------------------------------------------------------

    def follow(self, state: Callable[[], bytes]) -> None:
        """Set the callable that returns the whole document for checkpoints."""
        self._state = state

    def add(self, update: bytes) -> None:
        """Store an update soon."""
        if self._connection is None:
            return
        self._waiting.append(update)
        if self._timer is None:
            self._timer = asyncio.get_running_loop().call_later(GATHER_SECONDS, self._write)

    async def flush(self) -> None:
        """Return once all updates added so far are stored, if the disk accepts them."""
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
            # An update could not be written, and the later ones make no sense without it.
            self.checkpoint()
            return
        if not self._waiting:
            return
        updates, self._waiting = self._waiting, []
        self._since += 1
        self._bytes += sum(map(len, updates))
        self._run_later(self._insert, updates)
        if self._since > CHECKPOINT_UPDATES or self._bytes > CHECKPOINT_BYTES:
            self.checkpoint()

    def checkpoint(self, *, complete: bool = False) -> None:
        """Replace the stored updates with the whole document, unless it is larger."""
        if self._state is None or self._connection is None:
            return
        state = self._state()
        enough = complete or self._incomplete or self._since > CHECKPOINT_UPDATES
        if not enough and len(state) > self._bytes:
            return
        # The checkpoint contains the pending updates.
        self._waiting.clear()
        self._since, self._bytes = 1, 0
        self._run_later(self._replace, state, self._history)

    def restart(self, history: str) -> None:
        """Drop all updates: the document starts over with a new Yjs history."""
        self._waiting.clear()
        self._since = self._bytes = 0
        self._history = history
        self._run_later(self._forget, history)

    def branch(self, history: str) -> None:
        """Record that the document continues from these updates as a new Yjs history."""
        self._history = history
        self._run_later(self._set, "history", history)

    async def stored(self) -> list[tuple[bytes, float]]:
        """Return each stored update with its time."""
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
                # If an earlier write of the id failed, this document would appear under another
                # history's id.
                self._set("history", history)
        # The document contains every update that could not be written before.
        self._incomplete = False

    def _forget(self, history: str) -> None:
        with self._transaction():
            self._execute("DELETE FROM updates")
            self._set("history", history)

    # -- files -------------------------------------------------------------------------------------

    async def intend(self, digest: str, pack: Callable[[], bytes] | None = None) -> None:
        """Record what is about to be written to the file, after the updates that led to it.

        Parameters
        ----------
        digest : str
        pack : Callable, optional
            Returns the packed content, if a truncated write of it could pass for a complete file.
        """
        await self.flush()
        await self._run_and_wait(self._intend, digest, pack)

    async def record_synced(self, found: str, digest: str, pack: Callable[[], bytes]) -> None:
        """Record that the document is synced with a file: it contains everything in the file."""
        await self.flush()
        # An incomplete history must not record the file as known. The next server would take the
        # missing parts for deletions, and would overwrite the file.
        if not self._incomplete:
            await self._run_and_wait(self._add_file, found, digest, pack)

    async def file_version(self, found: str) -> bytes | None:
        """Return the version of a file that the document was synced with, by its hash."""
        if self._connection is None:
            return None
        try:
            row = await self._in_thread(self._find, found)
        except sqlite3.Error:
            return None
        # Another release may have stored something else there. Treat it as absent.
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
            # The intended version no longer counts as known. If another program writes the same
            # content again, as git does when it returns to a branch, that is a change of its own.
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
        # As a context manager, the connection commits or rolls back.
        return connection

    async def _in_thread(self, work: Callable[..., _Result], *arguments: Any) -> _Result:
        return await asyncio.get_running_loop().run_in_executor(_thread, work, *arguments)

    def _run_later(self, work: Callable[..., None], *arguments: Any) -> asyncio.Future[None] | None:
        """Run something in the thread, after all earlier work."""
        if self._connection is None:
            return None
        loop = asyncio.get_running_loop()
        future = loop.run_in_executor(_thread, self._run, work, arguments)
        self._writes.add(future)
        future.add_done_callback(self._writes.discard)
        return future

    def _run(self, work: Callable[..., None], arguments: tuple[Any, ...]) -> None:
        try:
            work(*arguments)
        except sqlite3.Error as error:
            # The document and its file stay usable. Only the loss grows if the server is killed.
            self._incomplete |= work in (self._insert, self._replace, self._forget)
            _log.warning("The history of a document could not be written: %s", error)

    async def _run_and_wait(self, work: Callable[..., None], *arguments: Any) -> None:
        future = self._run_later(work, *arguments)
        if future is not None:
            await asyncio.wait([future])
