"""A notebook's shared document that preserves everything in the file.

It replaces `jupyter_ydoc.YNotebook` in all rooms of the server, those of pages and ours. It holds
the document form of the file (`cell_form`), which pages see. When it is written back, everything
that nobody changed has its original form again (`originals`).
"""

from __future__ import annotations

import asyncio
from functools import partial
from typing import TYPE_CHECKING, Any

import jupyter_ydoc
from jupyter_ydoc import YNotebook

from ..codec.cell_form import cell_form, new_id, output_form, shared_cell, shared_output
from ..codec.fingerprint import aligned
from ..codec.originals import ADDED, Originals
from ..codec.prepared_outputs import PreparedOutput
from ..codec.values import copied, document_form, format_number, well_formed
from ..server.garbage_collector import collector_paused
from ..server.heavy_work import in_short_turns, takes_long
from .cell_order import CellOrder, plain
from .deep_events import CellEvents
from .shared_values import to_python

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from pycrdt import Awareness, Doc, Map


_Forms = dict[int, tuple[dict[str, Any], dict[str, Any]]]
"""The cells of a file and their document forms, by the identity (`id`) of the cell."""


class NotebookDocument(YNotebook):
    """A notebook that is written back as it was read, except for changes.

    Parameters
    ----------
    ydoc : pycrdt.Doc, optional
    awareness : pycrdt.Awareness, optional

    Notes
    -----
    `set` does not always fill a room's document: its content may come from a store or from another
    document's update. So code that reads the file must pass the content to `learn`.
    """

    def __init__(self, ydoc: Doc[Any] | None = None, awareness: Awareness | None = None) -> None:
        super().__init__(ydoc, awareness)
        self.order = CellOrder(self._ycells)
        """The shared cells, with direct access to each."""
        self.events = CellEvents(self._ycells)
        self._end_events: Callable[[], None] | None = None
        self._originals = Originals()
        self._learned: dict[str, Any] | None = None
        # Cells that are about to be created from content that was learned just now.
        self._setting: dict[int, dict[str, Any]] = {}
        self._forms: _Forms = {}

    def know_like(self, other: NotebookDocument) -> None:
        """Share the original values that another document of the same file knows."""
        self._originals = other._originals

    def learn(self, content: dict[str, Any]) -> None:
        """Record the original values of the file, which was read just now."""
        self._originals.learn(content)

    async def learn_aside(self, content: dict[str, Any]) -> None:
        """Do the same in a thread, for a document that is not in use yet."""
        await asyncio.to_thread(in_short_turns, self._originals.learn, content)

    async def fill(self, content: dict[str, Any]) -> None:
        """Insert the file's content, which was learned just before."""
        self._learned = content
        try:
            if takes_long(content):
                self._forms = await asyncio.to_thread(in_short_turns, _forms, content)
            await self.aset(content)
        finally:
            self._learned = None
            self._forms = {}

    def learn_output(self, cell_id: str, index: int, output: dict[str, Any]) -> None:
        """Record an output that is about to go to `index` of a cell."""
        self._originals.learn_output(cell_id, index, output)

    def learn_cell(self, cell_id: str, cell: dict[str, Any], form: dict[str, Any]) -> None:
        """Record a cell that is about to be created, with its document form."""
        self._originals.learn_cell(cell_id, cell, form)

    def learn_results(
        self,
        cell_id: str,
        outputs: list[dict[str, Any]],
        execution_count: float | None,
        prepared: list[PreparedOutput] | None = None,
    ) -> list[dict[str, Any]]:
        """Record outputs and an execution count that are about to be restored to a cell.

        Parameters
        ----------
        cell_id : str
        outputs : list of dict
        execution_count : float or None
        prepared : list of PreparedOutput, optional
            What was found out about the outputs in advance.

        Returns
        -------
        list of dict
            The document forms of the outputs.
        """
        return self._originals.learn_results(cell_id, outputs, execution_count, prepared)

    def learn_metadata(self, key: str, value: Any) -> None:  # noqa: ANN401 - JSON
        """Record a key that is about to be set in the notebook's metadata."""
        self._originals.learn_metadata(key, value)

    def get_metadata(self) -> dict[str, Any]:
        """Return the notebook's metadata in file form."""
        return self._originals.metadata(self._ymeta.to_py().get("metadata") or {})

    def get_top(self) -> dict[str, Any]:
        """Return the result of `get` without the cells, which take long."""
        return self._top(self._ymeta.to_py())

    def _top(self, meta: dict[str, Any]) -> dict[str, Any]:
        form = {
            "metadata": meta.get("metadata") or {},
            "nbformat": int(meta.get("nbformat") or 0),
            "nbformat_minor": int(meta.get("nbformat_minor") or 0),
        }
        return self._originals.top(form)

    def cells_of(self, shared: Iterable[Map[Any]]) -> Iterator[dict[str, Any]]:
        """Return shared cells in file form, one by one."""
        # Only the format is needed. Converting all metadata to Python is much slower.
        keys = ("nbformat", "nbformat_minor")
        meta = dict(zip(keys, plain(self._ymeta, *keys), strict=True))
        for ycell in shared:
            yield self._cell_to_py(ycell, meta)

    # -- overrides of YNotebook -------------------------------------------------------------------

    def observe(self, callback: Callable[[str, Any], None]) -> None:
        """Call `callback` with each change, whose details are valid until it returns.

        Parameters
        ----------
        callback : Callable
            Receives ``"state"``, ``"meta"`` or ``"cells"``, and the event or events.
        """
        self.unobserve()
        tell = partial(partial, callback)
        self._subscriptions[self._ystate] = self._ystate.observe(tell("state"))
        self._subscriptions[self._ymeta] = self._ymeta.observe_deep(tell("meta"))

        self._end_events = self.events.listen(lambda events, _: callback("cells", events))

    def unobserve(self) -> None:
        """Remove all callbacks."""
        super().unobserve()
        if self._end_events is not None:
            self._end_events()
            self._end_events = None

    def create_ycell(self, value: dict[str, Any]) -> Map[Any]:
        """Return a new shared cell.

        Parameters
        ----------
        value : dict
            In nbformat form. Numbers may be of any size and kind.
        """
        known = self._forms.get(id(value))
        form = cell_form(value) if known is None else known[1]
        if self._setting.get(id(value)) is not value:
            self._originals.learn_cell(form["id"], value, form)
        return shared_cell(form)

    def _create_youtputs(
        self, outputs: list[dict[str, Any]], copy_outputs: bool = True
    ) -> list[Map[Any]]:
        return [shared_output(output_form(output)) for output in outputs]

    def _set(
        self, value: dict[str, Any], delay_outputs_above_mb: float | None = None
    ) -> Iterator[bool]:
        if value is not self._learned:
            self._originals.learn(value)
        # Convert each key separately, as `learn` does: the depth limit counts from the key.
        top = {well_formed(k): document_form(v) for k, v in value.items() if k != "cells"}
        top |= {k: format_number(value[k]) for k in ("nbformat", "nbformat_minor") if k in value}
        if not isinstance(top.get("metadata"), dict):
            top["metadata"] = {}
        # Include the keys that jupyter-ydoc adds, so that unchanged metadata is not inserted again
        # as a new map, which a page does not follow.
        top["metadata"] = copied(ADDED) | top["metadata"]
        top.setdefault("nbformat_minor", 0.0)
        cells = value.get("cells") or []
        self._setting = {id(cell): cell for cell in cells if cell.get("id")}
        yield from super()._set({**top, "cells": cells}, delay_outputs_above_mb)
        self._setting = {}

    def _update_cell(
        self, old_cell: dict[str, Any], new_cell: dict[str, Any], old_ycell: Map[Any]
    ) -> bool:
        cell_id = str(old_ycell["id"])
        new = cell_form({**new_cell, "id": cell_id})
        old = cell_form({**old_cell, "id": cell_id})
        done = bool(super()._update_cell(old, new, old_ycell))
        self._originals.learn_cell(cell_id, new_cell)
        return done

    def _cell_to_py(self, ycell: Map[Any], meta: dict[str, Any] | None = None) -> dict[str, Any]:
        self._name_cells()
        meta = self._ymeta.to_py() if meta is None else meta
        old = (int(meta.get("nbformat") or 0), int(meta.get("nbformat_minor") or 0)) < (4, 5)
        with collector_paused():
            form = to_python(ycell)
            form.pop("execution_state", None)
            if form.get("cell_type") in ("raw", "markdown") and not form.get("attachments"):
                form.pop("attachments", None)
            return self._originals.cell(str(form.get("id", "")), form, with_id=not old)

    def _get(self, deduplicate: bool) -> Iterator[dict[str, Any] | None]:
        meta = self._ymeta.to_py()
        started = self.begin_writing()
        cells: list[dict[str, Any]] = []
        seen: dict[str, dict[str, Any]] = {}
        for index in range(len(self.order)):
            yield None
            ycell = self.order[index]
            cell_id = str(plain(ycell, "id")[0])
            cell = self._cell_to_py(ycell, meta)
            if deduplicate and "id" in cell and cell_id in seen:
                if cell == seen[cell_id]:
                    # The same cell has arrived twice by different routes.
                    continue
                cell["id"] = cell_id = ycell["id"] = new_id()
            seen[cell_id] = cell
            cells.append(cell)
        yield self.put_together(started, seen, cells)

    def begin_writing(self) -> int:
        """Announce that all cells will be read for the file; return a token for `put_together`."""
        return self._originals.starts()

    def put_together(
        self, started: int, ids: Iterable[str], cells: list[dict[str, Any]]
    ) -> dict[str, Any]:
        """Return the file's content from all cells of the document and their ids there."""
        self._originals.ends(started, {*ids})
        return {"cells": self._originals.cells(cells)} | self.get_top()

    def _name_cells(self) -> None:
        """Match the cells that have no id in the file with the document's cells."""
        unnamed = self._originals.unnamed
        if not unnamed or not len(self._ycells):
            return
        present = [(str(cell["id"]), str(cell["source"])) for cell in self._ycells]
        sources = [str(cell_form(cell)["source"]) for cell in unnamed]
        self._originals.name(aligned(sources, present))


def _forms(content: dict[str, Any]) -> _Forms:
    """Return the document forms of a file's cells."""
    return {id(cell): (cell, cell_form(cell)) for cell in content.get("cells") or []}


def register() -> None:
    """Make every notebook room use this document class."""
    jupyter_ydoc.ydocs["notebook"] = NotebookDocument
