"""Read and write text files on disk, through the server's contents manager."""

from __future__ import annotations

from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any

from jupyter_server.utils import ensure_async

from ..errors import InvalidArgumentError, NotFoundError, UnavailableError
from ..server.manager_errors import ManagerError
from ..text.line_ends import as_before, plain
from .save_errors import save_failure_message
from .save_lock import saving

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable

    from jupyter_server.services.contents.manager import ContentsManager


class TextFiles:
    """Reads and writes text files.

    Parameters
    ----------
    manager : ContentsManager
        Of any kind, synchronous or not.
    """

    def __init__(self, manager: ContentsManager) -> None:
        # Its methods carry no types.
        self._manager: Any = manager

    async def read(self, path: str) -> tuple[str, str]:
        """Return a file's content and its format, ``text`` or ``base64``.

        Raises
        ------
        NotFoundError
        InvalidArgumentError
            It cannot be read.
        """
        try:
            model = await ensure_async(self._manager.get(path, content=True, type="file"))
        except (ManagerError, OSError) as error:
            if getattr(error, "status_code", None) == 404:
                raise NotFoundError(f"There is no file '{path}'.") from error
            raise InvalidArgumentError(f"'{path}' could not be read.") from error
        return str(model["content"]), str(model["format"])

    async def text(self, path: str) -> str:
        """Return the text of a file with its own line ends.

        Raises
        ------
        NotFoundError
        InvalidArgumentError
            It cannot be read, or is not text.
        """
        content, form = await self.read(path)
        if form != "text":
            raise InvalidArgumentError(f"'{path}' is not UTF-8 text.")
        return content

    async def create(self, path: str, text: str, check: Callable[[], None]) -> bool:
        """Write a new text file; if one exists by now, return False and write nothing.

        Parameters
        ----------
        path, text : str
        check : Callable
            Raises an error if nothing may be written there any more; called just before the write.

        Raises
        ------
        UnavailableError
            The file cannot be written.
        """
        async with self._writing(path):
            if await ensure_async(self._manager.file_exists(path)):
                return False
            check()
            await self._save(path, text)
        return True

    async def replace(self, path: str, before: str, after: str, check: Callable[[], None]) -> bool:
        """Write a text file; if its text is not `before`, return False and write nothing.

        The comparison ignores line ends, and the file keeps those that it has.

        Parameters
        ----------
        path, before, after : str
        check : Callable
            Raises an error if nothing may be written there any more; called just before the write.

        Raises
        ------
        NotFoundError
        InvalidArgumentError
            It is no longer text.
        UnavailableError
            The file cannot be written.
        """
        async with self._writing(path):
            on_disk = await self.text(path)
            if plain(on_disk) != before:
                return False
            check()
            await self._save(path, as_before(after, on_disk))
        return True

    @asynccontextmanager
    async def _writing(self, path: str) -> AsyncIterator[None]:
        """Keep other servers from the file, and explain why it could not be written."""
        try:
            async with saving(self._manager, path):
                yield
        except (ManagerError, OSError) as error:
            raise UnavailableError(
                f"{save_failure_message(path, error)} The file is unchanged."
            ) from error

    async def _save(self, path: str, text: str) -> None:
        model = {"type": "file", "format": "text", "content": text}
        await ensure_async(self._manager.save(model, path))
