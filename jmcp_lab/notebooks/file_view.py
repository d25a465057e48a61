"""The contents manager as the loader of one file sees it: with what shared documents cannot hold.

Whatever is read through it fits into a shared document; what is written through it is given back
what was taken off: line ends, a byte order mark, the absence of cells.
"""

from __future__ import annotations

import copy
from typing import TYPE_CHECKING, Any, cast

from jupyter_server.utils import ensure_async

from .blank import blank_cell, is_blank
from .cell_form import source_of
from .line_ends import as_before, is_plain, plain
from .notebook_files import NotebookFiles

if TYPE_CHECKING:
    from collections.abc import Callable

Cell = dict[str, Any]


class FileView:
    """Stands before the contents manager of one file loader.

    Parameters
    ----------
    manager : ContentsManager
    """

    def __init__(self, manager: Any) -> None:  # noqa: ANN401 - its methods carry no types
        self._manager = manager
        self._text: str | None = None
        self._sources: dict[str, str] = {}
        self._blank: Cell | None = None
        self._had_cells = False

    def __getattr__(self, name: str) -> Any:  # noqa: ANN401
        return getattr(self._manager, name)

    @property
    def blank(self) -> str | None:
        """The id of the cell that a notebook without cells has as long as it is open."""
        return None if self._blank is None else str(self._blank["id"])

    async def get(self, path: str, *arguments: Any, **options: Any) -> dict[str, Any]:
        """Return a model whose content fits into a shared document."""
        found = await ensure_async(self._manager.get(path, *arguments, **options))
        model = cast("dict[str, Any]", found)
        content = model.get("content")
        if model.get("type") == "notebook" and isinstance(content, dict) and "cells" in content:
            return model | {"content": self._on_cells_read(content, path)}
        if (
            model.get("type") == "file"
            and model.get("format") == "text"
            and isinstance(content, str)
        ):
            self._text = None if is_plain(content) else content
            return model | {"content": plain(content)}
        return model

    async def save(self, model: dict[str, Any], path: str = "") -> Any:  # noqa: ANN401
        """Write a model as the file had it before."""
        content = model.get("content")
        text = model.get("type") == "file" and model.get("format") == "text"
        if model.get("type") == "notebook":
            content = self._before_cells_are_written(cast("dict[str, Any]", content))
        elif text and self._text is not None:
            content = as_before(str(content), self._text)
        written = {**model, "content": content}
        saved = await ensure_async(self._manager.save(written, path))
        if text:
            self._text = None if is_plain(str(content)) else str(content)
        return saved

    # -- notebooks -----------------------------------------------------------------------------

    def _on_cells_read(self, content: dict[str, Any], path: str) -> dict[str, Any]:
        if not content["cells"]:
            # Of a document that has cells, somebody else's emptying is for the merge to take in.
            if self._had_cells:
                return content
            self._blank = self._blank or blank_cell(path)
            return _with_cells(content, [copy.deepcopy(self._blank)])
        self._had_cells = True
        self._sources = _with_other_line_ends(content["cells"])
        return _with_cells(content, _changed(content["cells"], plain)) if self._sources else content

    def _before_cells_are_written(self, content: dict[str, Any]) -> dict[str, Any]:
        cells = content["cells"]
        if self._blank is not None and len(cells) == 1 and is_blank(cells[0]):
            # Without an id, as before nbformat 4.5, it is told by being the only one.
            if cells[0].get("id") in (None, self.blank):
                self._had_cells = False
                return _with_cells(content, [])
        self._had_cells = bool(cells)
        if not self._sources:
            return content
        restored = [self._as_before(cell) for cell in cells]
        # Of a cell that is gone the text is kept: its deletion may be taken back.
        self._sources |= _with_other_line_ends(restored)
        return _with_cells(content, restored)

    def _as_before(self, cell: Cell) -> Cell:
        # An edit gives ids to the cells of a notebook that was read without them.
        before = self._sources.get(_key(cell)) or self._sources.get(plain(source_of(cell)))
        return cell if before is None else _changed([cell], lambda s: as_before(s, before))[0]


def view_of(loader: Any) -> FileView:  # noqa: ANN401 - we add to it
    """Return the view of a file loader, put before its contents manager when first asked for."""
    if not isinstance(loader._contents_manager, FileView):
        loader._contents_manager = FileView(NotebookFiles(loader._contents_manager))
    return cast("FileView", loader._contents_manager)


def view_in(room: Any) -> FileView:  # noqa: ANN401 - a DocumentRoom
    """Return the view of a room's file."""
    return view_of(room._file)


def _with_cells(content: dict[str, Any], cells: list[Cell]) -> dict[str, Any]:
    # A manager may have given its own, and a save goes on with what it was given.
    new = copy.copy(content)
    new["cells"] = cells
    return new


def _with_other_line_ends(cells: list[Cell]) -> dict[str, str]:
    """Return the texts that have some, or a mark, by cell; where there are no ids, by text."""
    return {_key(cell): source_of(cell) for cell in cells if not is_plain(source_of(cell))}


def _changed(cells: list[Cell], change: Callable[[str], str]) -> list[Cell]:
    found = []
    for cell in cells:
        source = source_of(cell)
        if (wanted := change(source)) != source:
            cell = copy.copy(cell)
            cell["source"] = wanted
        found.append(cell)
    return found


def _key(cell: Cell) -> str:
    return str(cell.get("id") or plain(source_of(cell)))
