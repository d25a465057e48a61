"""Rescue keystrokes that arrive after an agent has moved, converted or deleted their cell.

Yjs cannot move a cell or change its type in place: the cell is deleted and recreated. Keystrokes on
their way from a page at that moment belong to the deleted text, and Yjs drops them on arrival. So
the updates of pages also go to a shadow copy of the document, in which the old cell still exists.
Text that appears there is merged into the new cell. A cell that an agent deleted is restored: had
the keystrokes come a moment earlier, the deletion would have been refused.
"""

from __future__ import annotations

import asyncio
import logging
import math
import time
from typing import TYPE_CHECKING, Any, cast

from ...codec.cell_form import source_of
from ...codec.values import well_formed
from ...notebooks import cells
from ...notebooks.shared_text import splice_shared
from ...text.overlapping_merge import merge_overlapping
from ...text.rebase import rebase
from ...text.three_way_merge import splice
from . import yjs_updates as updates
from .recreated_cells import RecreatedCells
from .shadow_copy import OutdatedCopyError, RemovedCell, ShadowCopy

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from pycrdt import Text

    from ...notebooks.live_notebook import LiveNotebook
    from ..external_changes import TextMerge

LATE_SECONDS = 3600.0
"""Seconds that a room stays open for keystrokes that may still arrive."""

KEPT_SECONDS = 7 * 24 * 3600.0
"""Seconds for which late keystrokes are accepted in a room that stays open anyway.

A room stays open while an agent works, and a laptop may sleep over a weekend. In a room that was
opened since, `rejoin` compares the page's document with the room's.
"""

LATE_ORIGIN = "jmcp:late"
"""Origin of the transactions that merge late edits."""

MAX_REMOVED = 2000
MAX_BYTES = 16_000_000
"""Maximum size of the removed cells of one notebook, beside their number; the oldest go first."""

_log = logging.getLogger("jmcp_lab")


class LateEdits:
    """Follows one notebook, and merges late keystrokes into it.

    Parameters
    ----------
    notebook : LiveNotebook
    expected : Callable[[], bool]
        Returns whether keystrokes can be on their way; without any page, nothing is kept.
    tell : Callable[[str], None]
        Called with a message when a deleted cell was restored.
    shared : Callable[[], bool], optional
        Returns whether keystrokes can be on their way from more than one page.
    clock : Callable[[], float], optional
        Returns the seconds of a monotonic clock.
    """

    def __init__(
        self,
        notebook: LiveNotebook,
        expected: Callable[[], bool],
        tell: Callable[[str], None],
        *,
        shared: Callable[[], bool] = lambda: True,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._notebook = notebook
        self._expected = expected
        self._shared = shared
        self._tell = tell
        self._clock = clock
        self._shadow: ShadowCopy | None = None
        self._items: tuple[int, list[tuple[int, int]]] | None = None
        self._subscription: Any = None
        self._timer: asyncio.TimerHandle | None = None
        self._recreated = RecreatedCells(notebook, clock=lambda: self._clock())
        notebook.on_removal(self._keep)

    def close(self) -> None:
        """Discard everything that is kept."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        self._clear()

    @property
    def waiting(self) -> bool:
        """Whether cells are kept that a page may still type into."""
        self._expire()
        shadow = self._shadow
        if shadow is None or not self._expected():
            return False
        latest = max((cell.until for cell in shadow.removed[-1:]), default=math.inf)
        return latest - self._clock() > KEPT_SECONDS - LATE_SECONDS

    def before_update(self, update: bytes) -> None:
        """Process a page's update, just before the document applies it."""
        self._recreated.before_update(update)
        self._expire()
        if self._shared() and (removed := self._removed_by(update)):
            # Another page may have typed into the cells, without knowing of this removal yet.
            self._keep(removed, for_good=False)
            self._try(lambda shadow: shadow.feed_removal(update))
        elif self._shadow is not None:
            self._try(lambda shadow: shadow.feed(update))

    def after_update(self) -> None:
        """Merge what was typed into removed cells; call this once the document is up to date."""
        self._recreated.after_update()
        joined = {*self._notebook.doubles()} if self._notebook.doubled else set()
        self.join_doubles({})
        if self._shadow is not None:
            for cell, before, typed in self._shadow.typed():
                # The texts of a page that recreated the cell both contain what it had typed there
                # before.
                self._bring(
                    cell, before, typed, merge_overlapping if cell.cell_id in joined else rebase
                )

    def join_doubles(self, known: Mapping[str, str]) -> None:
        """Merge the two copies of a cell that a person and an agent moved or converted at once.

        Both recreated the cell. The person's copy stays, and changes to the agent's copy are merged
        into it.

        Parameters
        ----------
        known : Mapping
            The text before both edits, by cell id, as far as it is known.
        """
        notebook = self._notebook
        if not notebook.doubled:
            return
        for cell_id in list(notebook.doubles()):
            found = notebook.doubles().get(cell_id)
            if found is None:
                continue
            keep, others = found
            text = self._shadow.known(cell_id) if self._shadow is not None else None
            if text is not None:
                theirs = str(notebook.ycells[keep]["source"])
                text = self._recreated.known(cell_id, theirs, text, moved=True)
            text = known.get(cell_id, text)
            for index in reversed(others):
                mine = str(notebook.ycells[index]["source"])
                source = cast("Text", notebook.ycells[keep]["source"])
                with notebook.transaction(LATE_ORIGIN):
                    present = str(source)
                    splice_shared(source, merge_overlapping(text, mine, present))
                    del notebook.ycells[index]
                keep -= index < keep
        notebook.repair_ids()

    # -- keeping -------------------------------------------------------------------------------

    def _removed_by(self, update: bytes) -> list[str]:
        """Return the cells that a page's update removes from their place."""
        if not updates.deletes(update):
            return []
        try:
            _, inserted, deleted = updates.split(update)
        except ValueError:
            return []
        deleted = updates.without(deleted, inserted)
        notebook = self._notebook
        if self._items is None or self._items[0] != notebook.arrangement:
            self._items = notebook.arrangement, notebook.items()
        items = self._items[1]
        return [
            cell_id
            for cell_id, item in zip(notebook.ids, items, strict=True)
            if updates.holds(deleted, *item)
        ]

    def _keep(self, cell_ids: Sequence[str], *, for_good: bool) -> None:
        self._expire()
        if not self._expected():
            return
        notebook = self._notebook
        places, removed = [], []
        for cell_id in cell_ids:
            text = str(notebook.source(cell_id))
            content = cells.whole(notebook, cell_id) if for_good else None
            neighbours = cells.neighbours(notebook, cell_id)
            size = len(text) + (len(repr(content)) if content is not None else 0)
            until = self._clock() + KEPT_SECONDS
            removed.append(RemovedCell(cell_id, text, content, neighbours, size, until))
            places.append(neighbours[2])
            if content is not None and self._shadow is not None:
                # Text typed before an earlier move must find this cell as well.
                for earlier in self._shadow.removed:
                    if earlier.cell_id == cell_id:
                        earlier.content, earlier.neighbours = content, neighbours
        try:
            self._begin().keep(places, removed)
        except OutdatedCopyError:
            # The old copy no longer matches the document, so its text cannot be attributed.
            self._clear()
            self._begin().keep(places, removed)
        self._arm()

    def _begin(self) -> ShadowCopy:
        if self._shadow is None:
            self._shadow = ShadowCopy(self._notebook.ydoc.get_update())
            # A failed copy leaves its subscription. With two, every transaction would apply twice,
            # and the second would delete the kept cells.
            if self._subscription is None:
                self._subscription = self._notebook.ydoc.observe(self._on_transaction)
        return self._shadow

    def _on_transaction(self, event: Any) -> None:  # noqa: ANN401 - pycrdt's
        update = event.update
        self._try(lambda shadow: shadow.follow(update))

    def _try(self, act: Callable[[ShadowCopy], None]) -> None:
        """Pass an update to the copy; if that fails, drop the copy and spare the document."""
        if self._shadow is None:
            return
        try:
            act(self._shadow)
        except Exception:
            # This runs inside a transaction of the document, which an exception would break.
            _log.exception("Late keystrokes in '%s' cannot be recovered", self._notebook.path)
            self._shadow = None

    def _arm(self) -> None:
        try:
            loop = asyncio.get_running_loop()
        except RuntimeError:
            return
        if self._timer is None:
            self._timer = loop.call_later(LATE_SECONDS / 60, self._on_timer)

    def _on_timer(self) -> None:
        self._timer = None
        self._expire()
        if self._shadow is not None:
            self._arm()

    def _expire(self) -> None:
        shadow = self._shadow
        if shadow is None or shadow.expecting:
            return
        now, held = self._clock(), shadow.size
        while shadow.removed:
            oldest = shadow.removed[0]
            over = len(shadow.removed) > MAX_REMOVED or (
                held > MAX_BYTES and len(shadow.removed) > 1
            )
            if not (over or oldest.until < now):
                return
            held -= oldest.size
            shadow.drop(oldest)
        self._clear()

    def _clear(self) -> None:
        self._shadow = None
        if self._subscription is not None:
            self._notebook.ydoc.unobserve(self._subscription)
            self._subscription = None

    # -- merging -------------------------------------------------------------------------------

    def _bring(self, cell: RemovedCell, before: str, typed: str, merge: TextMerge) -> None:
        notebook, cell_id = self._notebook, cell.cell_id
        present = notebook.source(cell_id)
        if present is not None:
            cells.edit(notebook, cell_id, merge(before, typed, present), LATE_ORIGIN)
        elif cell.content is not None:
            at = cells.beside(notebook, *cell.neighbours)
            last = source_of(cell.content)
            source = splice(last, rebase(before, typed, well_formed(last)))
            cells.insert_whole(notebook, at, cell.content | {"source": source}, LATE_ORIGIN)
            self._tell(
                f"The user was typing in cell {at + 1} (id {cell_id}) when it was deleted, so the "
                "cell is back. Read it before you go on."
            )
