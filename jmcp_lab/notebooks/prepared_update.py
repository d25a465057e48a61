"""Prepare large insertions, deletions and moves of cells off the event loop.

Yjs finds an index among the cells by walking from the first one, and it inserts or deletes only one
item at a time. When hundreds of cells among thousands move, these walks take longer than everything
else. So this module performs them on a copy of the document, in a thread. The resulting update is
then applied to the document at once; in an update, Yjs finds each place by its id.

A prepared update is used only if it is still what would be computed now. Nothing awaits between
this last check of the document and the change.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Self

from pycrdt import Array, Doc

from ..codec.cell_form import cell_form, shared_cell
from ..server.containment import contained
from ..server.heavy_work import in_short_turns
from ..server.pace import in_turns
from .cell_views import wholes
from .places import take_out

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Mapping, Sequence

    from .deep_events import DeepEvent
    from .live_notebook import LiveNotebook

FEW_STEPS = 200_000
"""Maximum number of steps over cells that are done directly; so many take about 20 ms."""

MAX_BYTES = 50_000_000
"""Maximum size of a document; copying a larger one takes too much memory and time."""

SLICE = 200
"""Maximum number of cells that are read at once."""

Form = dict[str, Any]

Read = Callable[["LiveNotebook", "Sequence[str]"], list[dict[str, Any]]]

_threads = ThreadPoolExecutor(1, thread_name_prefix="jmcp ahead")
"""A single thread, so that only one copy of a document exists at a time."""


@dataclass(frozen=True, slots=True)
class _Arranged:
    """An arrangement of cells, and the document update that leads to it."""

    arrangement: int
    wanted: list[str]
    anew: dict[str, dict[str, Any]]
    forms: list[Form]
    update: bytes


class Ahead:
    """Caches whole cells and a new arrangement of them while both are still valid.

    It follows the notebook between `__enter__` and `__exit__`.

    Parameters
    ----------
    notebook : LiveNotebook
    read : Callable, optional
        Reads existing cells in a form other than nbformat's.
    """

    def __init__(self, notebook: LiveNotebook, read: Read = wholes) -> None:
        self._notebook = notebook
        self._read = read
        self._wholes: dict[str, dict[str, Any]] = {}
        self._arranged: _Arranged | None = None
        self._ends: list[Callable[[], None]] = []

    def __enter__(self) -> Self:
        self._ends = [
            self._notebook.on_change(self._forget),
            self._notebook.events.listen(self._on_events),
        ]
        return self

    def __exit__(self, *error: object) -> None:
        for end in self._ends:
            end()
        self._wholes.clear()
        self._arranged = None

    # -- whole cells -----------------------------------------------------------------------------

    async def read(self, cell_ids: Sequence[str]) -> None:
        """Read the current state of those cells that exist."""
        async for part in in_turns(cell_ids, SLICE):
            await self._notebook.ready()
            self.wholes([cell_id for cell_id in part if self._notebook.index(cell_id) is not None])

    def wholes(self, cell_ids: Sequence[str]) -> list[dict[str, Any]]:
        """Return cells in nbformat form; read only those whose cached state is outdated."""
        known = self._wholes if self._ends else {}
        unknown = [cell_id for cell_id in cell_ids if cell_id not in known]
        if unknown:
            found = self._read(self._notebook, unknown)
            known.update(zip(unknown, found, strict=True))
        return [known[cell_id] for cell_id in cell_ids]

    def _on_events(self, events: list[DeepEvent], cell_ids: Collection[str]) -> None:
        if not self._wholes:
            return
        self._forget(cell_ids)
        try:
            with contained():
                # Yjs reports paths in the final state, and the ids are in that state too.
                places = {path[0] for event in events if (path := event.path)}
                self._forget([self._notebook.ids[place] for place in places])
        except Exception:
            # The path is not available, so nothing in the cache is reliable.
            self._wholes.clear()

    def _forget(self, cell_ids: Iterable[str]) -> None:
        for cell_id in cell_ids:
            self._wholes.pop(cell_id, None)

    # -- an arrangement --------------------------------------------------------------------------

    async def arrange(
        self, wanted: Sequence[str], anew: Mapping[str, dict[str, Any]], gone: int = 0
    ) -> None:
        """Prepare the change to the wanted cells, if it takes long.

        Parameters
        ----------
        wanted : sequence of str
            Ids, in order.
        anew : mapping
            Those whole cells among them that are created or recreated.
        gone : int, optional
            The number of cells that are deleted for good.
        """
        notebook = self._notebook
        if (len(anew) + gone) * len(notebook.ids) < FEW_STEPS or notebook.doubled:
            return
        await notebook.ready()
        ids, left = list(notebook.ids), set(wanted)
        out = [at for at, cell_id in enumerate(ids) if cell_id not in left or cell_id in anew]
        come = [(at, anew[cell_id]) for at, cell_id in enumerate(wanted) if cell_id in anew]
        arrangement, base = notebook.arrangement, notebook.ydoc.get_state()
        state = notebook.ydoc.get_update()
        if len(state) > MAX_BYTES:
            return
        work = asyncio.get_running_loop().run_in_executor(
            _threads, in_short_turns, _worked_out, state, base, out, come
        )
        del state
        forms, update = await work
        self._arranged = _Arranged(arrangement, list(wanted), dict(anew), forms, update)

    def apply(self, wanted: Sequence[str], anew: Mapping[str, dict[str, Any]]) -> bool:
        """Arrange the cells inside the open transaction, if a valid update is prepared.

        Returns
        -------
        bool
            Whether that was done; otherwise nothing was changed.
        """
        known, notebook = self._arranged, self._notebook
        if known is None or known.arrangement != notebook.arrangement:
            return False
        if known.wanted != list(wanted) or known.anew != anew:
            return False
        # Compare the texts themselves rather than relying on change events, since people may have
        # edited them.
        if any(notebook.source(form["id"]) not in (None, form["source"]) for form in known.forms):
            return False
        for form in known.forms:
            notebook.document.learn_cell(form["id"], known.anew[form["id"]], form)
        notebook.ydoc.apply_update(known.update)
        self._arranged = None
        return True


def _worked_out(
    state: bytes, base: bytes, out: list[int], come: list[tuple[int, dict[str, Any]]]
) -> tuple[list[Form], bytes]:
    """Remove cells from a copy of a document and insert others; return the update."""
    copy: Doc[Any] = Doc()
    copy.apply_update(state)
    shared = copy.get("cells", type=Array)
    forms = [cell_form(content) for _, content in come]
    with copy.transaction():
        take_out(shared, out)
        for (at, _), form in zip(come, forms, strict=True):
            shared.insert(at, shared_cell(form))
    return forms, copy.get_update(base)
