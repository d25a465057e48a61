"""One open notebook: the Yjs document that every page and every agent shares.

A `LiveNotebook` is valid as long as its room is. Tools open the room again on every call, which is
cheap while it is open; only a run keeps the notebook, together with a lease.
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
"""Origin of every transaction that writes outputs; undoing an edit never affects them."""

NO_ORIGIN = "jmcp:none"
"""Origin that no transaction has."""

REPAIR_ORIGIN = "jmcp:repair"
"""Origin of the transactions that make ids unique again."""


class Removal(Protocol):
    """A listener that is called just before cells are removed from their place."""

    def __call__(self, cell_ids: Sequence[str], *, for_good: bool) -> None:
        """Handle the removal; `for_good` unless the same step recreates the cells."""


Edit = Callable[[str, str, str], None]
"""A listener that gets a cell's id, and its text before and after an edit."""


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
        Returns the current path; it follows renames.
    file_id : str
        The file's id, which survives renames.

    Notes
    -----
    Reading the ids of 5,000 cells from the document takes 166 ms. So this class keeps a list of ids
    that follows the document's events, whoever makes the change.
    """

    def __init__(self, document: YNotebook, path: Callable[[], str], file_id: str) -> None:
        self._document = cast("NotebookDocument", document)
        # jupyter-ydoc 4.2 tracks all of pages' transactions for undo, so it keeps what they delete:
        # all outputs of a cell that is run a hundred times, in memory and for each page that joins.
        # Nothing uses this undo manager, because pages have their own.
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
        """The placeholder cell that an agent's first cells replace; see `first_cell`."""
        self.changes = self._saved = 0
        self.together: Callable[[], AbstractContextManager[None]] = nullcontext
        """Returns a context that sends several transactions to pages as one."""

        self.carets: Callable[[], set[str]] = set
        """Returns the ids of the cells that people are editing."""
        self.saving: Callable[[], bool] = lambda: False
        """Returns whether a save is due, which shows whether the file is writable."""
        self.sync_file: Callable[[], Awaitable[object]] | None = None
        """Merges what another program has written to the file."""
        self.run_in_pages: Callable[[], set[str]] = set
        """Returns the ids of the cells that people run, if the document cannot tell."""
        self.state_changed: dict[str, float] = {}
        """The time of each cell's last observed change of its execution state."""
        self._listeners: list[Callable[[set[str]], None]] = []
        self._removals: list[Removal] = []
        self._edits: list[Edit] = []
        self._moved: set[str] = set()
        self._subscription = cells.observe(self._on_array)
        self._end_events = self.events.listen(self._on_change)
        # Keep this one object: a second object for the same map does not know the subscription.
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

    # -- properties ----------------------------------------------------------------------------

    @property
    def path(self) -> str:
        """The path relative to the server's root."""
        return self._path()

    @property
    def shown(self) -> str:
        """The path as replies show it."""
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
        """The notebook's metadata as plain Python."""
        found = self.meta.get("metadata")
        return cast("dict[str, Any]", found.to_py()) if found is not None else {}

    @property
    def kernel_name(self) -> str | None:
        """The kernelspec named in the notebook, or None."""
        return self._said("kernelspec", "name") or None

    @property
    def language(self) -> str:
        """The notebook's language if its metadata names one, otherwise ``python``."""
        named = self._said("language_info", "name") or self._said("kernelspec", "language")
        return named or "python"

    def _said(self, key: str, field: str) -> str:
        """Return a text from the metadata; converting all of it to Python would be slower."""
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
        """A counter that changes whenever cells are added, removed, moved or renamed."""
        return self._ids.arrangement

    def cell(self, cell_id: str) -> Map[Any] | None:
        """Return the shared cell, or None if it was deleted."""
        index = self.index(cell_id)
        return None if index is None else self.cell_at(index)

    def cell_at(self, index: int) -> Map[Any]:
        """Return the shared cell at an index, as of before any open transaction."""
        return cast("Map[Any]", self._order[index])

    def shared_cells(self) -> Iterator[Map[Any]]:
        """Return the shared cells, in order."""
        return iter(self._order)

    def index(self, cell_id: str) -> int | None:
        """Return the index of the cell, from 0, or None."""
        return self._ids.index(cell_id)

    def starting(self, start: str) -> list[str]:
        """Return the ids that start with a prefix."""
        return self._ids.starting(start)

    def __len__(self) -> int:
        return len(self.ids)

    def __bool__(self) -> bool:
        return True

    def position(self, cell_id: str) -> int | None:
        """Return the position of the cell as people count, from 1, or None."""
        index = self.index(cell_id)
        return None if index is None else index + 1

    def source(self, cell_id: str) -> str | None:
        """Return the current text of a cell, or None if it was deleted."""
        cell = self.cell(cell_id)
        return None if cell is None else str(plain(cell, "source")[0])

    def learn_output(self, cell_id: str, index: int, output: Mapping[str, Any]) -> None:
        """Record the file form of the output that is about to go to `index` of a cell."""
        self._document.learn_output(cell_id, index, dict(output))

    def items(self) -> list[tuple[int, int]]:
        """Return the Yjs id of each shared cell, which differs if the cell is recreated."""
        with self.reading():
            return [self.item(index) for index in range(len(self.ids))]

    def item(self, index: int) -> tuple[int, int]:
        """Return the Yjs id of the shared cell at an index."""
        place = cast("Any", self.ycells.sticky_index(index, Assoc.AFTER))
        item = place.to_json()["item"]
        return item["client"], item["clock"]

    def short_id(self, cell_id: str) -> str:
        """Return the prefix of a cell's id if it is unique, otherwise the whole id."""
        return self._ids.short(cell_id)

    # -- changing ------------------------------------------------------------------------------

    @property
    def busy(self) -> bool:
        """Whether other code has a transaction open, which a write must not join.

        jupyter-server-ydoc keeps one open across awaits while it merges a large changed file.
        """
        return self.ydoc._txn is not None

    async def ready(self) -> None:
        """Return when a transaction can be opened."""
        # There is no event for the end of a transaction.
        while self.busy:  # noqa: ASYNC110
            await asyncio.sleep(0)

    async def look(self) -> None:
        """Merge the file's current content, and return when a transaction can be opened."""
        if self.sync_file is not None:
            with suppress(Exception):  # the next write reports the problem
                await self.sync_file()
        await self.ready()

    @contextmanager
    def transaction(self, origin: str) -> Iterator[None]:
        """Open a transaction; the block must not await."""
        with collector_paused(), self.ydoc.transaction(origin=origin):
            yield

    @contextmanager
    def reading(self) -> Iterator[None]:
        """Read many cells; the block must neither await nor write.

        Without it, each access to a shared object opens a transaction of its own.
        """
        with collector_paused(), self.ydoc.transaction():
            yield

    @property
    def edited(self) -> bool:
        """Whether anything changed since the document was opened or last saved."""
        return self.changes != self._saved

    def mark_saved(self, changes: int) -> None:
        """Record that the document was saved in its state after this number of changes."""
        self._saved = changes

    @property
    def doubled(self) -> bool:
        """Whether a cell was added whose id another cell has."""
        return self._ids.doubled

    def doubles(self) -> dict[str, tuple[int, list[int]]]:
        """Return the duplicate ids, each with the index of its newest cell and of the others."""
        return self._ids.doubles()

    def repair_ids(self) -> None:
        """Make all cell ids unique again, as after a file was assembled by hand.

        Of cells with the same id and text, one stays; otherwise all stay, under new ids.
        """
        while found := self.doubles():
            _, (keep, others) = found.popitem()
            text = str(self.ycells[keep]["source"])
            # Iterate backwards, so that the other indexes stay valid.
            for index in reversed(others):
                with self.transaction(REPAIR_ORIGIN):
                    if str(self.ycells[index]["source"]) == text:
                        del self.ycells[index]
                    else:
                        self.ycells[index]["id"] = secrets.token_hex(4)

    # -- following -----------------------------------------------------------------------------

    def on_change(self, listener: Callable[[set[str]], None]) -> Callable[[], None]:
        """Call `listener` with the ids of cells that were edited, added or removed.

        It is called inside the transaction, so it must not write.

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
        """Call `listener` just before the server removes cells from their place."""
        self._removals.append(listener)

    def removing(self, cell_ids: Sequence[str], *, for_good: bool) -> None:
        """Announce that cells are about to be removed."""
        for listener in self._removals:
            listener(cell_ids, for_good=for_good)

    def on_edit(self, listener: Edit) -> None:
        """Call `listener` just after the server has changed the text of a cell."""
        self._edits.append(listener)

    def has_edited(self, cell_id: str, before: str) -> None:
        """Announce that the text of a cell was changed."""
        for listener in self._edits:
            listener(cell_id, before, str(self.source(cell_id)))

    def _on_meta(self, _events: list[Any]) -> None:
        self.changes += 1

    def _on_array(self, event: ArrayEvent) -> None:
        """Update the list of cells; Yjs reports its changes before changes inside cells."""
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
            # A change in any list other than the list of cells is a change of outputs.
            elif event.kind is not ArrayEvent and (path := event.path)[1:2] == ["source"]:
                # Yjs reports paths in the final state, and the ids are in that state too.
                touched.add(self.ids[path[0]])
        if touched:
            for listener in list(self._listeners):
                listener(touched)

    def _follow_cell(self, event: DeepEvent) -> set[str]:
        """Record a change in a cell other than its text; return its id if the target is a cell."""
        if not is_cell(event.target):
            return set()
        cell_id, keys = cast("str", event.target["id"]), event.keys
        if "id" in keys and len(path := event.path) == 1:
            self._ids.rename(path[0], cell_id)
        if "execution_state" in keys:
            self.state_changed[cell_id] = time.monotonic()
        return {cell_id}


def is_cell(shared: Map[Any]) -> bool:
    """Return whether a shared map is a cell; no other map in a notebook has a shared source."""
    return isinstance(shared.get("source"), Text)
