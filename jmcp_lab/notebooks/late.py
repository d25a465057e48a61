"""What a person typed into a cell while the cell was moved, retyped or deleted by an agent.

Yjs cannot move: the cell is deleted and made anew. Keystrokes that were on their way from a page
at that moment belong to the deleted text, and Yjs drops them as they arrive. So for a while the
updates of pages also go to a copy of the document in which the old cell still lives; what appears
there is merged into the new cell. A cell that an agent deleted comes back: had the keystrokes
come a moment earlier, the deletion would have been refused.
"""

from __future__ import annotations

import asyncio
import time
from dataclasses import dataclass, field
from difflib import SequenceMatcher
from typing import TYPE_CHECKING, Any

from jupyter_ydoc import YNotebook
from pycrdt import Doc

from . import cells
from .live import LiveNotebook
from .merge import MergeConflict, Splice, merge

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

GRACE_SECONDS = 10.0
"""How long keystrokes may take to arrive."""

LATE_ORIGIN = "jmcp:late"
"""Origin of the transactions that put them in their place."""

MOST_COPIES = 8
MOST_BYTES = 20_000_000
"""Of all copies together; the latest one is kept whatever its size."""


@dataclass(slots=True)
class _Gone:
    """A cell that an agent took out of its place."""

    text: str
    """What it said when it was last looked at in the copy."""

    content: dict[str, Any] | None
    """The whole cell, when it was deleted for good."""

    neighbours: tuple[str | None, str | None, int]


@dataclass(slots=True)
class _Branch:
    """The document just before cells were taken out; a copy of it is made when it is needed."""

    base: bytes
    updates: list[bytes]
    size: int
    ids: list[str]
    until: float
    gone: dict[str, _Gone] = field(default_factory=dict)
    copy: LiveNotebook | None = None

    def open(self) -> LiveNotebook:
        """Return the copy."""
        if self.copy is None:
            ydoc: Doc[Any] = Doc()
            ydoc.apply_update(self.base)
            for update in self.updates[: self.size]:
                ydoc.apply_update(update)
            self.copy = LiveNotebook(YNotebook(ydoc), str, "", ids=self.ids)
        return self.copy


class LateTyping:
    """Follows one notebook, and brings late keystrokes home.

    Parameters
    ----------
    notebook : LiveNotebook
    expected : Callable[[], bool]
        Whether anything may be on its way at all: no page, no copies.
    tell : Callable[[str], None]
        Told in words when a deleted cell came back.
    """

    def __init__(
        self,
        notebook: LiveNotebook,
        expected: Callable[[], bool],
        tell: Callable[[str], None],
    ) -> None:
        self._notebook = notebook
        self._expected = expected
        self._tell = tell
        self._branches: list[_Branch] = []
        self._updates: list[bytes] = []
        self._base: bytes | None = None
        self._subscription: Any = None
        self._timer: asyncio.TimerHandle | None = None
        notebook.on_removal(self._keep)

    def close(self) -> None:
        """Drop all copies."""
        if self._timer is not None:
            self._timer.cancel()
        self._branches.clear()
        self._stop_recording()

    def feed(self, update: bytes) -> None:
        """Take a page's update, just before or after the document itself does."""
        self._expire()
        for branch in self._branches:
            branch.open().ydoc.apply_update(update)

    def settle(self) -> None:
        """Bring home what was typed into cells that are gone; the document is up to date."""
        for branch in list(self._branches):
            for cell_id, gone in branch.gone.items():
                self._bring(branch, cell_id, gone)

    # -- keeping -------------------------------------------------------------------------------

    def _keep(self, cell_ids: Sequence[str], *, for_good: bool) -> None:
        self._expire()
        if not self._expected():
            return
        notebook = self._notebook
        if self._base is None or len(self._updates) > 1000:
            self._stop_recording()
            self._base = notebook.ydoc.get_update()
            self._updates = updates = []
            self._subscription = notebook.ydoc.observe(lambda event: updates.append(event.update))
        until = time.monotonic() + GRACE_SECONDS
        branch = _Branch(self._base, self._updates, len(self._updates), list(notebook.ids), until)
        for cell_id in cell_ids:
            branch.gone[cell_id] = _Gone(
                str(notebook.source(cell_id)),
                cells.whole(notebook, cell_id) if for_good else None,
                cells.neighbours(notebook, cell_id),
            )
        self._branches.append(branch)
        most = max(1, min(MOST_COPIES, MOST_BYTES // max(len(self._base), 1)))
        del self._branches[:-most]
        if self._timer is None:
            self._arm()

    def _arm(self) -> None:
        try:
            loop = asyncio.get_running_loop()
        except RuntimeError:
            return
        self._timer = loop.call_later(GRACE_SECONDS + 0.1, self._on_timer)

    def _on_timer(self) -> None:
        self._timer = None
        self._expire()
        if self._branches:
            self._arm()

    def _expire(self) -> None:
        now = time.monotonic()
        self._branches = [branch for branch in self._branches if branch.until > now]
        if not self._branches:
            self._stop_recording()

    def _stop_recording(self) -> None:
        if self._subscription is not None:
            self._notebook.ydoc.unobserve(self._subscription)
            self._subscription = None
        self._base = None
        self._updates = []

    # -- bringing home -------------------------------------------------------------------------

    def _bring(self, branch: _Branch, cell_id: str, gone: _Gone) -> None:
        if branch.copy is None:
            return
        typed = branch.copy.source(cell_id)
        if typed is None or typed == gone.text:
            return
        before, gone.text = gone.text, typed
        notebook = self._notebook
        present = notebook.source(cell_id)
        if present is not None:
            cells.edit(notebook, cell_id, carried(before, typed, present), LATE_ORIGIN)
        elif gone.content is not None:
            at = cells.beside(notebook, *gone.neighbours)
            cells.insert_whole(notebook, at, gone.content | {"source": typed}, LATE_ORIGIN)
            self._tell(
                f"The user was typing in cell {at + 1} (id {cell_id}) as it was deleted, so it "
                "is back. Read it before you go on."
            )


def carried(before: str, typed: str, present: str) -> list[Splice]:
    """Return what brings the change from `before` to `typed` into `present`, come what may.

    Where the same line was changed on both sides, what was typed is put in at its place by the
    characters around it; what it replaced stays then, for nothing is to be lost.
    """
    try:
        return merge(before, typed, present)
    except MergeConflict:
        pass
    places = _offsets(before, present)
    found = []
    for kind, start, _end, first, last in SequenceMatcher(
        None, before, typed, autojunk=False
    ).get_opcodes():
        if kind in ("insert", "replace"):
            found.append(Splice(places[start], places[start], typed[first:last]))
    return found


def _offsets(before: str, present: str) -> list[int]:
    """Return for each place in `before` the place in `present`, in the same order."""
    places = [0] * (len(before) + 1)
    matcher = SequenceMatcher(None, before, present, autojunk=False)
    for kind, start, end, first, last in matcher.get_opcodes():
        for at in range(start, end):
            places[at] = first + (at - start) if kind == "equal" else first
        places[end] = last
    return places
