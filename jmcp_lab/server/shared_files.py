"""Locks between processes that share files.

A lock is the system's lock on a file, so it is released when its holder ends for any reason.
"""

from __future__ import annotations

import asyncio
import errno
import os
import sys
import time
from contextlib import asynccontextmanager, contextmanager
from typing import TYPE_CHECKING

from .private_file import private_descriptor

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Iterator
    from pathlib import Path

POLL_SECONDS = 0.01
"""Seconds between two attempts to take a lock that somebody holds."""


class LockTimeoutError(TimeoutError):
    """Another process holds the lock for longer than the caller waits."""


@contextmanager
def locked(path: Path, seconds: float) -> Iterator[None]:
    """Hold a lock file's lock during the block; this blocks the event loop.

    Parameters
    ----------
    path : Path
        The lock file, not the file that it protects. It is created if it is missing, and never
        deleted: deleting it would let two processes hold two locks of one name.
    seconds : float
        Maximum seconds to wait for it.

    Raises
    ------
    LockTimeoutError
    OSError
        The lock file cannot be created.
    """
    with _attempts(path, seconds) as has_locked:
        while not has_locked():
            time.sleep(POLL_SECONDS)
        yield


@asynccontextmanager
async def holding(path: Path, seconds: float) -> AsyncIterator[None]:
    """Hold a lock file's lock during the block, without blocking the event loop; see `locked`.

    Two tasks of one process exclude each other like two processes.
    """
    with _attempts(path, seconds) as has_locked:
        # No event tells that another process releases a lock.
        while not has_locked():  # noqa: ASYNC110
            await asyncio.sleep(POLL_SECONDS)
        yield


@contextmanager
def _attempts(path: Path, seconds: float) -> Iterator[Callable[[], bool]]:
    """Open a lock file, and yield a function that tries to lock it until the time is over."""
    descriptor = private_descriptor(path)
    end = time.monotonic() + seconds
    holds = False

    def has_locked() -> bool:
        nonlocal holds
        holds = _try(descriptor)
        if not holds and time.monotonic() >= end:
            raise LockTimeoutError
        return holds

    try:
        yield has_locked
    finally:
        if holds:
            _free(descriptor)
        os.close(descriptor)


if sys.platform == "win32":
    import msvcrt

    def _try(descriptor: int) -> bool:
        os.lseek(descriptor, 0, os.SEEK_SET)
        try:
            msvcrt.locking(descriptor, msvcrt.LK_NBLCK, 1)
        except OSError:
            return False
        return True

    def _free(descriptor: int) -> None:
        os.lseek(descriptor, 0, os.SEEK_SET)
        msvcrt.locking(descriptor, msvcrt.LK_UNLCK, 1)

else:
    import fcntl

    def _try(descriptor: int) -> bool:
        # Unlike `lockf`, this lock belongs to the descriptor, so two in one process exclude each
        # other.
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            if error.errno in (errno.ENOLCK, errno.ENOSYS, errno.EOPNOTSUPP):
                return True  # The disk has no locks; continue without.
            if error.errno in (errno.EAGAIN, errno.EACCES):
                return False
            raise
        return True

    def _free(descriptor: int) -> None:
        fcntl.flock(descriptor, fcntl.LOCK_UN)
