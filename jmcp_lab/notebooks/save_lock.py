"""One save of a file at a time, over all servers of this user.

Two servers on one folder that save the same notebook in the same instant both find on disk what
they know, and the second writes over what the first one wrote. Who looks and writes while it holds
the lock of the file finds what the other has written, and takes it in.
"""

from __future__ import annotations

import hashlib
import os
from contextlib import asynccontextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from jupyter_core.paths import jupyter_data_dir

from ..shared_files import LockTimeoutError, holding

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

LOCK_SECONDS = 30.0
"""How long a save waits for those of other servers; a large notebook on a slow disk takes long."""


@asynccontextmanager
async def saving(manager: Any, path: str) -> AsyncIterator[None]:  # noqa: ANN401 - of any kind
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
        Another server saves the file for too long.
    """
    root = getattr(manager, "root_dir", None)
    if not root:
        yield
        return
    try:
        async with holding(lock_file(root, path), LOCK_SECONDS):
            yield
    except LockTimeoutError:
        raise OSError("Another Jupyter server has been saving this file for too long") from None


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
