"""The lock of a file itself, which all see who have the file, whoever and wherever they are."""

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
"""Windows behind them may take a lock for a ban: who holds it could not write by another handle."""


class NoLockError(Exception):
    """A file cannot be locked itself."""


@asynccontextmanager
async def holding_itself(path: str, seconds: float) -> AsyncIterator[None]:
    """Hold the lock of a file, or of its folder where there is none yet, while the block runs.

    Nothing is written for it.

    Parameters
    ----------
    path : str
        On this machine's disk.
    seconds : float
        How long to wait for the lock.

    Raises
    ------
    NoLockError
        The system has no such locks, or not on this drive.
    OSError
        Another program holds the lock for too long.
    """
    end = asyncio.get_running_loop().time() + seconds
    while (descriptor := _try(path)) is None:
        if asyncio.get_running_loop().time() >= end:
            raise OSError(errno.EBUSY, "Another program holds the lock of the file")
        await asyncio.sleep(POLL_SECONDS)
    try:
        yield
    finally:
        # The lock ends with it.
        os.close(descriptor)


if sys.platform == "linux":
    import fcntl

    def _try(path: str) -> int | None:
        """Return a descriptor that holds the lock, or None while somebody else does."""
        try:
            # What has no end, such as a pipe, must not be waited for.
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
            # Over NFS, only what may be written can be locked.
            raise NoLockError from error
        return True

    def _place(path: str) -> str:
        return path if os.path.exists(path) else os.path.dirname(path)

    def _is_there(descriptor: int, path: str) -> bool:
        """Return whether what is locked is what whoever comes now would lock.

        Another file may have come in its place, as with a checkout, or have been made.
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
        """Lock nothing: on Windows a lock keeps the file from being written."""
        raise NoLockError
