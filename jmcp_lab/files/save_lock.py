"""One save of a file at a time, over all servers that have it in common.

Two servers on one folder that save the same notebook in the same instant both find on disk what
they know, and the second writes over what the first one wrote. Who looks and writes while it holds
the lock of the file finds what the other has written, and takes it in.

The lock is the file's own where there is such a thing: servers of two users, or in two containers,
may have nothing else in common. Elsewhere it is on a file in Jupyter's data folder, which is of all
servers of one user.
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
"""How long a save waits for those of other servers; a large notebook on a slow disk takes long."""

_saved = OwnPlaces("jmcp_saved")


@asynccontextmanager
async def saving(manager: Any, path: str) -> AsyncIterator[None]:  # noqa: ANN401 - of any kind
    """Keep a file in its place, and others from saving it; see `staying` and `_alone`."""
    async with staying(manager, path), _alone(manager, path):
        with _saved.holding(place_of(manager, path)):
            yield


def is_saving() -> bool:
    """Return whether this very task keeps others from saving a file.

    It may be another one than it looks: a file that was moved since has the same lock at its new
    place, and of files without a lock of their own several share one.
    """
    return _saved.any


@asynccontextmanager
async def _alone(manager: Any, path: str) -> AsyncIterator[None]:  # noqa: ANN401 - of any kind
    """Keep other servers from saving a file while the block looks at it and writes it.

    Parameters
    ----------
    manager : ContentsManager
        Files that it does not keep on this machine's disk have no lock.
    path : str
        Of the file, as the manager names it.

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
                raise OSError("Other saves do not come to their end") from None
        yield


def lock_file(root: str, path: str) -> Path:
    """Return the lock of a file: in Jupyter's data folder, by the file's real place.

    A file with several names, which are hard links, is not told by its place. There are no more
    than 4096 locks, ever: files that share one wait for each other.
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
