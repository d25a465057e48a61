"""Locks between processes that share files.

A lock is the system's, on a file: it is free again when its holder ends, however that ends.
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
    from collections.abc import AsyncIterator, Iterator
    from pathlib import Path

POLL_SECONDS = 0.01
"""How often a lock that somebody holds is tried again."""


class LockTimeoutError(TimeoutError):
    """Another process holds the lock for longer than its caller waits."""


@contextmanager
def locked(path: Path, seconds: float) -> Iterator[None]:
    """Hold the lock of a file while the block runs; the event loop stands still meanwhile.

    Parameters
    ----------
    path : Path
        Of the lock, not of what it protects. It is made where it is missing, and stays: to delete
        it would let two processes hold two locks of one name.
    seconds : float
        How long to wait for it.

    Raises
    ------
    LockTimeoutError
    OSError
        There can be no such file.
    """
    descriptor = private_descriptor(path)
    try:
        end = time.monotonic() + seconds
        while not _try(descriptor):
            if time.monotonic() >= end:
                raise LockTimeoutError
            time.sleep(POLL_SECONDS)
        try:
            yield
        finally:
            _free(descriptor)
    finally:
        os.close(descriptor)


@asynccontextmanager
async def holding(path: Path, seconds: float) -> AsyncIterator[None]:
    """Hold the lock of a file while the block runs; other tasks go on. See `locked`.

    Two tasks of one process wait for each other as two processes do.
    """
    descriptor = private_descriptor(path)
    try:
        loop = asyncio.get_running_loop()
        end = loop.time() + seconds
        while not _try(descriptor):
            if loop.time() >= end:
                raise LockTimeoutError
            await asyncio.sleep(POLL_SECONDS)
        try:
            yield
        finally:
            _free(descriptor)
    finally:
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
        # Unlike `lockf`, this is the descriptor's: two of one process exclude each other.
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            if error.errno in (errno.ENOLCK, errno.ENOSYS, errno.EOPNOTSUPP):
                return True  # This disk has no locks: all is as if there were no other process.
            if error.errno in (errno.EAGAIN, errno.EACCES):
                return False
            raise
        return True

    def _free(descriptor: int) -> None:
        fcntl.flock(descriptor, fcntl.LOCK_UN)
