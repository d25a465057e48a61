"""The file of a room: jupyter-server-ydoc's loader of it, with types and plain names."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any, cast

from jupyter_server_ydoc.utils import OutOfBandChanges

from .file_view import view_of
from .followed_loader import checks_of

if TYPE_CHECKING:
    import asyncio
    from datetime import datetime

    from .file_view import FileView
    from .followed_loader import FileCheck, Save

__all__ = ["OutOfBandChanges", "RoomFile"]


class RoomFile:
    """A file that one or more rooms have open.

    Parameters
    ----------
    loader : FileLoader

    Attributes
    ----------
    checks : dict
        The file checks of all rooms of this file, by room name.
    """

    def __init__(self, loader: Any) -> None:  # noqa: ANN401 - it carries no types
        self._loader = loader
        self.checks: dict[str, FileCheck] = checks_of(loader)

    @property
    def path(self) -> str:
        """The current path.

        Raises
        ------
        RuntimeError
            The file was deleted.
        """
        return str(self._loader.path)

    @property
    def lock(self) -> asyncio.Lock:
        """Keeps all rooms of this file from reading and saving it at once."""
        return cast("asyncio.Lock", self._loader._lock)

    @property
    def manager(self) -> FileView:
        """The contents manager, which adapts content to what a shared document can hold."""
        return view_of(self._loader)

    @property
    def root(self) -> str | None:
        """The folder on this computer that holds the server's files; None if they are elsewhere."""
        return getattr(self.manager, "root_dir", None)

    @property
    def last_modified(self) -> datetime:
        """The modification time that the next save expects the file to have."""
        return cast("datetime", self._loader.last_modified)

    @last_modified.setter
    def last_modified(self, value: datetime) -> None:
        self._loader.last_modified = value

    def marks(self) -> object:
        """Return a value that changes when the file does, without reading the file."""
        root = self.root
        try:
            # Stat the target: a contents manager reports only the time of a symbolic link itself.
            there = os.stat(os.path.join(root, self.path)) if root else None
        except OSError:
            there = None
        if there is None:
            return self.last_modified
        times = there.st_mtime_ns, there.st_ctime_ns
        return (self.last_modified, there.st_ino, there.st_size, *times)

    async def save(self, model: dict[str, Any] | Save) -> dict[str, Any] | None:
        """Write a model.

        Returns
        -------
        dict or None
            The model of the file; None if the contents manager does not allow writing it.

        Raises
        ------
        OutOfBandChanges
            The file has another modification time than expected.
        """
        return cast("dict[str, Any] | None", await self._loader.maybe_save_content(model))
