"""A wrapper around the contents manager that adapts content to what shared documents can hold.

Content that is read through it fits into a shared document. On a write, it restores what it had
removed: line ends, a byte order mark, and the absence of cells.
"""

from __future__ import annotations

import copy
from collections import Counter
from typing import TYPE_CHECKING, Any, cast

from jupyter_server.utils import ensure_async

from ...codec.cell_form import source_of
from ...files.notebook_files import NotebookFiles
from ...files.written_hash import hash_written
from ...notebooks.first_cell import blank_cell, is_blank
from ...text.line_ends import as_before, is_plain, plain

if TYPE_CHECKING:
    from collections.abc import Callable

Cell = dict[str, Any]


class FileView:
    """Wraps the contents manager of one file loader.

    Parameters
    ----------
    manager : ContentsManager
    """

    def __init__(self, manager: Any) -> None:  # noqa: ANN401 - its methods carry no types
        self._manager = manager
        self._text: str | None = None
        self._sources: dict[str, list[str]] = {}
        self._blank: Cell | None = None
        self._had_cells = False

    def __getattr__(self, name: str) -> Any:  # noqa: ANN401
        return getattr(self._manager, name)

    @property
    def blank(self) -> str | None:
        """The id of the placeholder cell that a notebook without cells has while it is open."""
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

    async def save(self, model: dict[str, Any], path: str = "") -> dict[str, Any]:
        """Write a model in the form that the file had before.

        The returned model has the hash of the written content, if it can be computed.
        """
        content = model.get("content")
        text = model.get("type") == "file" and model.get("format") == "text"
        if model.get("type") == "notebook":
            content = self._before_cells_are_written(cast("dict[str, Any]", content))
        elif text and self._text is not None:
            content = as_before(str(content), self._text)
        written = {**model, "content": content}
        saved: dict[str, Any] = await ensure_async(self._manager.save(written, path))
        if text:
            self._text = None if is_plain(str(content)) else str(content)
        return saved | {"hash": await hash_written(self._manager.plain, written)}

    # -- notebooks -----------------------------------------------------------------------------

    def _on_cells_read(self, content: dict[str, Any], path: str) -> dict[str, Any]:
        if not content["cells"]:
            # The document has cells, so another program has emptied the file. The merge handles
            # that.
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
            # Before nbformat 4.5 cells have no ids. Then being the only cell identifies the
            # placeholder.
            if cells[0].get("id") in (None, self.blank):
                self._had_cells = False
                return _with_cells(content, [])
        self._had_cells = bool(cells)
        if not self._sources:
            return content
        texts = [plain(source_of(cell)) for cell in cells]
        alike: Counter[str] = Counter()
        restored = []
        for cell, text in zip(cells, texts, strict=True):
            restored.append(self._as_before(cell, text, alike[text]))
            alike[text] += 1
        # Keep the text of a deleted cell too: somebody may undo the deletion.
        self._sources |= {
            _key(cell): [source_of(cell)]
            for cell, text in zip(restored, texts, strict=True)
            if text in self._sources
        } | _with_other_line_ends(restored)
        return _with_cells(content, restored)

    def _as_before(self, cell: Cell, text: str, number: int) -> Cell:
        """Restore a cell's line ends; a cell without an id is matched by text and number."""
        found = self._sources.get(_key(cell))
        if found is None or _key(cell) == text:
            # An edit gives ids to the cells of a notebook that was read without them.
            found = self._sources.get(text, [])[number : number + 1]
        return _changed([cell], lambda source: as_before(source, found[0]))[0] if found else cell


def view_of(loader: Any) -> FileView:  # noqa: ANN401 - we add to it
    """Return the view of a file loader; the first call wraps the loader's contents manager."""
    if not isinstance(loader._contents_manager, FileView):
        loader._contents_manager = FileView(NotebookFiles(loader._contents_manager))
    return cast("FileView", loader._contents_manager)


def _with_cells(content: dict[str, Any], cells: list[Cell]) -> dict[str, Any]:
    # A manager may use its own dict type, and its save expects that type back, so copy it.
    new = copy.copy(content)
    new["cells"] = cells
    return new


def _with_other_line_ends(cells: list[Cell]) -> dict[str, list[str]]:
    """Return, by cell, the texts with other line ends or a byte order mark.

    Cells without ids are keyed by their normalized text, which several cells may share.
    """
    found: dict[str, list[str]] = {}
    for cell in cells:
        found.setdefault(_key(cell), []).append(source_of(cell))
    return {key: sources for key, sources in found.items() if not all(map(is_plain, sources))}


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
