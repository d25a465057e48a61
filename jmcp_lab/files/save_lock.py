"""Allow one save of a file at a time, across all servers that share it.

If two servers save the same notebook at the same moment, both find their own known version on disk,
and the second overwrites what the first has written. A server that checks and writes while it holds
the file's lock finds the other's changes, and merges them.

The lock is on the file itself if the system supports that, because servers of two users, or in two
containers, may share nothing else. Otherwise it is on a file in Jupyter's data folder, which all
servers of one user share.
"""

from __future__ import annotations

import hashlib
import os
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from jupyter_core.paths import jupyter_data_dir

from ..server.shared_files import LockTimeoutError, holding
from .file_lock import NoLockError, holding_itself
from .moves import OwnPlaces, place_of, staying

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

LOCK_SECONDS = 30.0
"""Maximum seconds that a save waits for those of other servers; a large notebook may take long."""

_saved = OwnPlaces("jmcp_saved")


@asynccontextmanager
async def saving(manager: Any, path: str) -> AsyncIterator[None]:  # noqa: ANN401 - of any kind
    """Keep a file in its place, and keep others from saving it; see `staying` and `_alone`."""
    async with staying(manager, path), _alone(manager, path):
        with _saved.holding(place_of(manager, path)):
            yield


def is_saving() -> bool:
    """Return whether the current task keeps others from saving some file.

    That may be a different file than it seems. A moved file has the same lock at its new path, and
    several files without a lock of their own share one.
    """
    return _saved.any


@asynccontextmanager
async def _alone(manager: Any, path: str) -> AsyncIterator[None]:  # noqa: ANN401 - of any kind
    """Keep other servers from saving a file while the block checks and writes it.

    Parameters
    ----------
    manager : ContentsManager
        Files that it does not keep on this machine's disk have no lock.
    path : str
        The path of the file, as the manager names it.

    Raises
    ------
    OSError
        Others save for too long.
    """
    root = getattr(manager, "root_dir", None)
    if not root:
        yield
        return
    async with AsyncExitStack() as stack:
        try:
            own = holding_itself(os.path.join(root, path), LOCK_SECONDS)
            await stack.enter_async_context(own)
        except NoLockError:
            try:
                await stack.enter_async_context(holding(lock_file(root, path), LOCK_SECONDS))
            except LockTimeoutError:
                raise OSError("Other saves do not finish") from None
        yield


def lock_file(root: str, path: str) -> Path:
    """Return the lock of a file: in Jupyter's data folder, named after the file's real path.

    A file with several hard links is identified by its key instead. There are at most 4096 locks,
    so files may share one and wait for each other.
    """
    real = os.fsencode(os.path.realpath(os.path.join(root, path)))
    try:
        found = os.stat(real)
    except OSError:
        found = None
    if found is not None and found.st_nlink > 1:
        real = f"{found.st_dev}:{found.st_ino}".encode()
    name = hashlib.sha256(real).hexdigest()[:3]
    return Path(jupyter_data_dir()) / "jmcp_lab" / "locks" / name
