"""The contents manager as the server's own handlers use it, where there are no live documents.

A page saves the whole file. What an agent writes in the same instant, or wrote since the page last
read the file, is not in it. So the notebook that agents have open is told of such a save: what they
wrote counts as newer than what the page knew.
"""

from __future__ import annotations

from contextlib import nullcontext
from inspect import iscoroutinefunction
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable

    from .notebook_file import NotebookFile


class ApiContents:
    """A contents manager that tells of what is read and saved through it.

    Parameters
    ----------
    manager : ContentsManager
        Everything else is left to it. One that is not asynchronous saves in one go, and is left
        alone.
    open_file : Callable[[str], NotebookFile or None]
        Returns the notebook at a path, if agents have it open.
    """

    def __init__(
        self,
        manager: Any,  # noqa: ANN401 - its methods carry no types
        open_file: Callable[[str], NotebookFile | None],
    ) -> None:
        self._manager = manager
        self._open_file = open_file
        if iscoroutinefunction(manager.save):
            self.get, self.save = self._get, self._save

    def __getattr__(self, name: str) -> Any:  # noqa: ANN401
        return getattr(self._manager, name)

    async def _get(self, path: str, content: bool = True, **how: Any) -> Any:  # noqa: ANN401
        file = self._open_file(path.strip("/"))
        if content and file is not None:
            file.others_read()
        return await self._manager.get(path, content=content, **how)

    async def _save(self, model: dict[str, Any], path: str = "") -> Any:  # noqa: ANN401
        file = self._open_file(path.strip("/"))
        async with file.others_save() if file is not None else nullcontext():
            return await self._manager.save(model, path)
