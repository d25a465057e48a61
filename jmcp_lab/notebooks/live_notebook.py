"""One open notebook: the Yjs document that every page and every agent shares.

A `LiveNotebook` is valid as long as its room is. Tools open the room anew on every call (that is
cheap while it is open); only a run keeps it, together with a lease.
"""

from __future__ import annotations

import asyncio
import secrets
import time
from collections.abc import Awaitable, Callable
from contextlib import AbstractContextManager, contextmanager, nullcontext, suppress
from typing import TYPE_CHECKING, Any, Protocol, cast

from pycrdt import ArrayEvent, Assoc, Map, MapEvent, Text

from ..files.names import shown
from ..server.garbage_collector import collector_paused
from .cell_ids import CellIds
from .cell_order import CellOrder, plain
from .deep_events import CellEvents
from .identity import Identity
from .notebook_document import NotebookDocument

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Mapping, Sequence

    from jupyter_ydoc import YNotebook
    from pycrdt import Array, Doc

    from .deep_events import DeepEvent

OUTPUT_ORIGIN = "jmcp:exec"
"""Origin of every transaction that writes outputs: undoing an edit never touches them."""

NO_ORIGIN = "jmcp:none"
"""Origin of no transaction."""

REPAIR_ORIGIN = "jmcp:repair"
"""Origin of the transactions that make ids unique again."""


class Removal(Protocol):
    """Told just before cells are taken out of their place."""

    def __call__(self, cell_ids: Sequence[str], *, for_good: bool) -> None:
        """Take note; `for_good` unless the cells are made anew in the same step."""


Edit = Callable[[str, str, str], None]
"""Told the id of a cell, and its text before and after an edit."""


def agent_origin(agent_id: str) -> str:
    """Return the transaction origin of an agent's edits."""
    return f"jmcp:{agent_id}"


class LiveNotebook:
    """The cells of one open notebook, found by id.

    Parameters
    ----------
    document : NotebookDocument
        The room's own document, not a copy.
    path : Callable[[], str]
        Returns the present path; it follows renames.
    file_id : str
        The id that stays with the file when it is renamed.

    Notes
    -----
    Looking through the ids of 5,000 cells in the document takes 166 ms, so the list of ids is kept
    here, beside that of the cells, and follows the document's events, whoever makes the change.
    """

    def __init__(self, document: YNotebook, path: Callable[[], str], file_id: str) -> None:
        self._document = cast("NotebookDocument", document)
        # jupyter-ydoc 4.2 has it undo what comes without an origin, which is all that pages send,
        # and so keep what they delete: of a cell that a person runs a hundred times all outputs,
        # in memory and for each page that joins. Nobody undoes there: pages have their own.
        document.undo_manager.include_origin(NO_ORIGIN)
        self._path = path
        self.file_id = file_id
        self.identity = Identity(file_id)
        cells = document.ycells
        known = isinstance(document, NotebookDocument)
        self._order = self._document.order if known else CellOrder(cells)
        self.events = self._document.events if known else CellEvents(cells)
        with document.ydoc.transaction():
            self._ids = CellIds(cast("str", plain(cell, "id")[0]) for cell in self._order)
        self.blank: str | None = None
        """The cell that makes way for the first cells that an agent brings; see `blank`."""
        self.changes = self._saved = 0
        self.together: Callable[[], AbstractContextManager[None]] = nullcontext
        """Lets pages hear of several transactions as of one."""

        self.carets: Callable[[], set[str]] = set
        """Returns the ids of the cells that people are editing."""
        self.saving: Callable[[], bool] = lambda: False
        """Returns whether a save is to come, which tells whether the file can be written."""
        self.meet_file: Callable[[], Awaitable[object]] | None = None
        """Takes in what another program has written into the file."""
        self.run_in_pages: Callable[[], set[str]] = set
        """Returns the ids of the cells that people run, where the document cannot say it."""
        self.state_changed: dict[str, float] = {}
        """When a cell was last said to run, or not to, where that was seen."""
        self._listeners: list[Callable[[set[str]], None]] = []
        self._removals: list[Removal] = []
        self._edits: list[Edit] = []
        self._moved: set[str] = set()
        self._subscription = cells.observe(self._on_array)
        self._end_events = self.events.listen(self._on_change)
        # The one object: another one for the same map does not know the subscription.
        self._meta = cast("Map[Any]", document.ydoc.get("meta", type=Map))
        self._meta_subscription = self._meta.observe_deep(self._on_meta)

    def close(self) -> None:
        """Stop following the document."""
        self._document.ycells.unobserve(self._subscription)
        self._end_events()
        self._meta.unobserve(self._meta_subscription)
        self._listeners.clear()
        self._removals.clear()
        self._edits.clear()

    # -- what it is ----------------------------------------------------------------------------

    @property
    def path(self) -> str:
        """Path relative to the server's root."""
        return self._path()

    @property
    def shown(self) -> str:
        """The path as it stands in a reply."""
        return shown(self.path)

    @property
    def document(self) -> NotebookDocument:
        """The shared model."""
        return self._document

    @property
    def ydoc(self) -> Doc[Any]:
        """The Yjs document."""
        return self._document.ydoc

    @property
    def ycells(self) -> Array[Any]:
        """The shared cells."""
        return cast("Array[Any]", self._document.ycells)

    @property
    def meta(self) -> Map[Any]:
        """The shared map that holds ``nbformat``, ``nbformat_minor`` and ``metadata``."""
        return self._meta

    @property
    def metadata(self) -> dict[str, Any]:
        """The notebook's metadata, as plain Python."""
        found = self.meta.get("metadata")
        return cast("dict[str, Any]", found.to_py()) if found is not None else {}

    @property
    def kernel_name(self) -> str | None:
        """The kernelspec named in the notebook, or None."""
        return self._said("kernelspec", "name") or None

    @property
    def language(self) -> str:
        """The notebook's language as far as it says so; ``python`` otherwise."""
        named = self._said("language_info", "name") or self._said("kernelspec", "language")
        return named or "python"

    def _said(self, key: str, field: str) -> str:
        """Return a text in the metadata; making Python of all of it would take much longer."""
        found = self.meta.get("metadata")
        part = found.get(key) if isinstance(found, Map) else None
        said = part.get(field) if isinstance(part, Map | dict) else None
        return said if isinstance(said, str) else ""

    # -- cells ---------------------------------------------------------------------------------

    @property
    def ids(self) -> list[str]:
        """The ids of the cells, in order."""
        return self._ids.all

    @property
    def arrangement(self) -> int:
        """Another number whenever cells came, went, moved or changed their ids."""
        return self._ids.arrangement

    def cell(self, cell_id: str) -> Map[Any] | None:
        """Return the shared cell, or None when it was deleted."""
        index = self.index(cell_id)
        return None if index is None else self.cell_at(index)

    def cell_at(self, index: int) -> Map[Any]:
        """Return the shared cell at a place, as it was before the transaction that is open."""
        return cast("Map[Any]", self._order[index])

    def shared_cells(self) -> Iterator[Map[Any]]:
        """Return the shared cells, in order."""
        return iter(self._order)

    def index(self, cell_id: str) -> int | None:
        """Return where the cell is, counted from 0, or None."""
        return self._ids.index(cell_id)

    def starting(self, start: str) -> list[str]:
        """Return the ids that start with a text."""
        return self._ids.starting(start)

    def __len__(self) -> int:
        return len(self.ids)

    def __bool__(self) -> bool:
        return True

    def position(self, cell_id: str) -> int | None:
        """Return where the cell is as people count, from 1, or None."""
        index = self.index(cell_id)
        return None if index is None else index + 1

    def source(self, cell_id: str) -> str | None:
        """Return the present text of a cell, or None when it was deleted."""
        cell = self.cell(cell_id)
        return None if cell is None else str(plain(cell, "source")[0])

    def learn_output(self, cell_id: str, index: int, output: Mapping[str, Any]) -> None:
        """Take note of what the file is to say of the output that goes to `index` of a cell."""
        self._document.learn_output(cell_id, index, dict(output))

    def items(self) -> list[tuple[int, int]]:
        """Return what tells each shared cell from any that comes in its place: its Yjs id."""
        with self.reading():
            return [self.item(index) for index in range(len(self.ids))]

    def item(self, index: int) -> tuple[int, int]:
        """Return what tells the shared cell at a place from any that comes there."""
        place = cast("Any", self.ycells.sticky_index(index, Assoc.AFTER))
        item = place.to_json()["item"]
        return item["client"], item["clock"]

    def short_id(self, cell_id: str) -> str:
        """Return the start of a cell's id where that names it, else the whole id."""
        return self._ids.short(cell_id)

    # -- changing ------------------------------------------------------------------------------

    @property
    def busy(self) -> bool:
        """Whether somebody else's transaction is open, which a write must not join.

        jupyter-server-ydoc holds one across awaits while it merges a big file that changed on disk.
        """
        return self.ydoc._txn is not None

    async def ready(self) -> None:
        """Return when a transaction can be opened."""
        # There is no event for the end of a transaction.
        while self.busy:  # noqa: ASYNC110
            await asyncio.sleep(0)

    async def look(self) -> None:
        """Take in what is in the file by now, and return when a transaction can be opened."""
        if self.meet_file is not None:
            with suppress(Exception):  # whoever writes next says what is wrong with the file
                await self.meet_file()
        await self.ready()

    @contextmanager
    def transaction(self, origin: str) -> Iterator[None]:
        """Open a transaction; nothing may be awaited inside."""
        with collector_paused(), self.ydoc.transaction(origin=origin):
            yield

    @contextmanager
    def reading(self) -> Iterator[None]:
        """Look at many cells; nothing may be awaited, nor written, inside.

        Each look at a shared object opens a transaction of its own, unless there is one.
        """
        with collector_paused(), self.ydoc.transaction():
            yield

    @property
    def edited(self) -> bool:
        """Whether anything changed since the document was opened or last saved."""
        return self.changes != self._saved

    def mark_saved(self, changes: int) -> None:
        """Take note that the document was written to disk as it was after so many changes."""
        self._saved = changes

    @property
    def doubled(self) -> bool:
        """Whether an id came that another cell has."""
        return self._ids.doubled

    def doubles(self) -> dict[str, tuple[int, list[int]]]:
        """Return the ids that more than one cell has: where the newest is, and the others."""
        return self._ids.doubles()

    def repair_ids(self) -> None:
        """Give every cell an id of its own again, as in a file that was put together by hand.

        Of cells with the same id and text one stays; otherwise all stay, under new ids.
        """
        while found := self.doubles():
            _, (keep, others) = found.popitem()
            text = str(self.ycells[keep]["source"])
            # From the end, so that the places of the rest stay what they are.
            for index in reversed(others):
                with self.transaction(REPAIR_ORIGIN):
                    if str(self.ycells[index]["source"]) == text:
                        del self.ycells[index]
                    else:
                        self.ycells[index]["id"] = secrets.token_hex(4)

    # -- following -----------------------------------------------------------------------------

    def on_change(self, listener: Callable[[set[str]], None]) -> Callable[[], None]:
        """Call `listener` with the ids of cells whose text changed, or that came or went.

        It is called inside the transaction: it must not write.

        Returns
        -------
        Callable
            Ends the subscription.
        """
        self._listeners.append(listener)

        def end() -> None:
            if listener in self._listeners:
                self._listeners.remove(listener)

        return end

    def on_removal(self, listener: Removal) -> None:
        """Call `listener` just before cells are taken out of their place by us."""
        self._removals.append(listener)

    def removing(self, cell_ids: Sequence[str], *, for_good: bool) -> None:
        """Say that cells are about to be taken out."""
        for listener in self._removals:
            listener(cell_ids, for_good=for_good)

    def on_edit(self, listener: Edit) -> None:
        """Call `listener` just after we have changed the text of a cell."""
        self._edits.append(listener)

    def has_edited(self, cell_id: str, before: str) -> None:
        """Say that the text of a cell was changed."""
        for listener in self._edits:
            listener(cell_id, before, str(self.source(cell_id)))

    def _on_meta(self, _events: list[Any]) -> None:
        self.changes += 1

    def _on_array(self, event: ArrayEvent) -> None:
        """Follow which cells there are: Yjs tells it before what else is new in them."""
        touched, went = self._ids.follow(cast("Any", event).delta)
        self._moved |= touched
        for cell_id in went:
            self.state_changed.pop(cell_id, None)

    def _on_change(self, events: list[DeepEvent], cell_ids: Collection[str]) -> None:
        self.changes += 1
        touched, self._moved = self._moved.union(cell_ids), set()
        for event in events:
            if event.kind is MapEvent:
                touched |= self._follow_cell(event)
            # Where a list changes that is not the list of cells, outputs do.
            elif event.kind is not ArrayEvent and (path := event.path)[1:2] == ["source"]:
                # Yjs reports paths in the final state, and so are the ids.
                touched.add(self.ids[path[0]])
        if touched:
            for listener in list(self._listeners):
                listener(touched)

    def _follow_cell(self, event: DeepEvent) -> set[str]:
        """Take note of what changed in a cell beside its text; return its id if it is one."""
        if not is_cell(event.target):
            return set()
        cell_id, keys = cast("str", event.target["id"]), event.keys
        if "id" in keys and len(path := event.path) == 1:
            self._ids.rename(path[0], cell_id)
        if "execution_state" in keys:
            self.state_changed[cell_id] = time.monotonic()
        return {cell_id}


def is_cell(shared: Map[Any]) -> bool:
    """Return whether a shared map is a cell; other maps in a notebook hold no shared source."""
    return isinstance(shared.get("source"), Text)
