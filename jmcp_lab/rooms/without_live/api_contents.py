"""Wrap the server's contents manager to notice page saves where there are no live documents.

A page saves the whole file. It lacks what an agent writes at the same moment, or has written since
the page last read the file. So this wrapper notifies the agents' open notebook of such a save, and
the agents' changes count as newer than the page's state.
"""

from __future__ import annotations

from contextlib import nullcontext
from inspect import iscoroutinefunction
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable

    from .notebook_file import NotebookFile


class ApiContents:
    """A contents manager that reports reads and saves.

    Parameters
    ----------
    manager : ContentsManager
        Receives all calls. A synchronous manager saves without interruption, so it is not wrapped.
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
