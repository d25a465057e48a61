"""What is worked out off the event loop before many cells come, go or move.

Yjs finds a place among the cells by walking to it from the first one, and has no way to put in, or
take out, more than one thing at once: where hundreds of cells of thousands move, these walks take
longer than everything else. So they are done in a copy of the document, in a thread, and what they
lead to is put into the document at once, which then finds each place by its name.

What was worked out counts only while it is what would be worked out now. Nobody waits for anything
between the last look at the document and the change.
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
"""Cells that are walked over; so many take some 20 ms."""

MOST_BYTES = 50_000_000
"""Of a document; a copy of a larger one takes too much memory, and too long to be made."""

SLICE = 200
"""Cells that are read at once, at most."""

Form = dict[str, Any]

Read = Callable[["LiveNotebook", "Sequence[str]"], list[dict[str, Any]]]

_threads = ThreadPoolExecutor(1, thread_name_prefix="jmcp ahead")
"""One copy of a document at a time."""


@dataclass(frozen=True, slots=True)
class _Arranged:
    """An arrangement of cells, and the update of the document that leads to it."""

    arrangement: int
    wanted: list[str]
    anew: dict[str, dict[str, Any]]
    forms: list[Form]
    update: bytes


class Ahead:
    """Knows whole cells, and a new arrangement of them, for as long as both are right.

    It follows the notebook while it is entered.

    Parameters
    ----------
    notebook : LiveNotebook
    read : Callable, optional
        Returns cells that are there in another form than nbformat's.
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
        """Read cells as they are now, those that are there."""
        async for part in in_turns(cell_ids, SLICE):
            await self._notebook.ready()
            self.wholes([cell_id for cell_id in part if self._notebook.index(cell_id) is not None])

    def wholes(self, cell_ids: Sequence[str]) -> list[dict[str, Any]]:
        """Return cells as nbformat has them; only what is not known any more is read now."""
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
                # Where Yjs says that something is, it is by now, and so are the ids.
                places = {path[0] for event in events if (path := event.path)}
                self._forget([self._notebook.ids[place] for place in places])
        except Exception:
            # It cannot say where: nothing that was read counts any more.
            self._wholes.clear()

    def _forget(self, cell_ids: Iterable[str]) -> None:
        for cell_id in cell_ids:
            self._wholes.pop(cell_id, None)

    # -- an arrangement --------------------------------------------------------------------------

    async def arrange(
        self, wanted: Sequence[str], anew: Mapping[str, dict[str, Any]], gone: int = 0
    ) -> None:
        """Work out how the cells become those that are wanted, if that takes long.

        Parameters
        ----------
        wanted : sequence of str
            Ids, in order.
        anew : mapping
            The cells of them that are made anew, or made, whole.
        gone : int, optional
            How many cells go for good.
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
        if len(state) > MOST_BYTES:
            return
        work = asyncio.get_running_loop().run_in_executor(
            _threads, in_short_turns, _worked_out, state, base, out, come
        )
        del state
        forms, update = await work
        self._arranged = _Arranged(arrangement, list(wanted), dict(anew), forms, update)

    def apply(self, wanted: Sequence[str], anew: Mapping[str, dict[str, Any]]) -> bool:
        """Arrange the cells in the transaction that is open, if it is known how.

        Returns
        -------
        bool
            Whether that was done; nothing was changed otherwise.
        """
        known, notebook = self._arranged, self._notebook
        if known is None or known.arrangement != notebook.arrangement:
            return False
        if known.wanted != list(wanted) or known.anew != anew:
            return False
        # What people have written is looked at itself, whatever was told of it.
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
    """Take cells out of a copy of a document, and put others in; return what that changes."""
    copy: Doc[Any] = Doc()
    copy.apply_update(state)
    shared = copy.get("cells", type=Array)
    forms = [cell_form(content) for _, content in come]
    with copy.transaction():
        take_out(shared, out)
        for (at, _), form in zip(come, forms, strict=True):
            shared.insert(at, shared_cell(form))
    return forms, copy.get_update(base)
