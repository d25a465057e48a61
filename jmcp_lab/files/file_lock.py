"""Lock the file itself, which is visible to everyone who has the file, on any machine."""

from __future__ import annotations

import asyncio
import errno
import os
import sys
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

from ..server.shared_files import POLL_SECONDS

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

OTHER_DRIVES = {"9p", "cifs", "drvfs", "ncpfs", "smb3", "smbfs", "vboxsf"}
"""File systems, often of Windows, that may enforce locks: even the holder cannot write by another
handle.
"""


class NoLockError(Exception):
    """A file cannot be locked itself."""


@asynccontextmanager
async def holding_itself(path: str, seconds: float) -> AsyncIterator[None]:
    """Hold the lock of a file, or of its folder if the file does not exist yet, during the block.

    This writes nothing.

    Parameters
    ----------
    path : str
        On this machine's disk.
    seconds : float
        Maximum seconds to wait for the lock.

    Raises
    ------
    NoLockError
        The system has no such locks, or this drive does not.
    OSError
        Another program holds the lock for too long.
    """
    end = asyncio.get_running_loop().time() + seconds
    while (descriptor := _try(path)) is None:
        if asyncio.get_running_loop().time() >= end:
            raise OSError(errno.EBUSY, "Another program holds the lock on the file")
        await asyncio.sleep(POLL_SECONDS)
    try:
        yield
    finally:
        # Closing the descriptor releases the lock.
        os.close(descriptor)


if sys.platform == "linux":
    import fcntl

    def _try(path: str) -> int | None:
        """Return a descriptor that holds the lock, or None while somebody else holds it."""
        try:
            # Do not block on something without an end, such as a pipe.
            descriptor = os.open(_place(path), os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
        except OSError as error:
            raise NoLockError from error
        held = False
        try:
            if _is_on_other_drive(descriptor):
                raise NoLockError
            held = _is_locked(descriptor) and _is_there(descriptor, path)
        finally:
            if not held:
                os.close(descriptor)
        return descriptor if held else None

    def _is_locked(descriptor: int) -> bool:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return False
        except OSError as error:
            # Over NFS, only writable files can be locked.
            raise NoLockError from error
        return True

    def _place(path: str) -> str:
        return path if os.path.exists(path) else os.path.dirname(path)

    def _is_there(descriptor: int, path: str) -> bool:
        """Return whether the path still leads to what was locked.

        Another file may have replaced it, as a checkout does, or the file may have been created.
        """
        try:
            return os.path.samestat(os.fstat(descriptor), os.stat(_place(path)))
        except OSError:
            return False

    def _is_on_other_drive(descriptor: int) -> bool:
        device = os.fstat(descriptor).st_dev
        name = f"{os.major(device)}:{os.minor(device)}"
        try:
            with open("/proc/self/mountinfo", encoding="utf-8", errors="replace") as mounts:
                lines = [line.partition(" - ") for line in mounts]
        except OSError:
            return False
        return any(
            kind.split()[0] in OTHER_DRIVES for place, _, kind in lines if place.split()[2] == name
        )

else:

    def _try(path: str) -> int | None:
        """Raise an error: on Windows, a lock prevents writing the file."""
        raise NoLockError
