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
from typing import TYPE_CHECKING, Any, cast

from pycrdt import Array, Doc

from . import cells
from .live import splice_shared
from .merge import MergeConflict, Splice, merge, splice
from .values import well_formed

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from pycrdt import ArrayEvent, Subscription, Text

    from .live import LiveNotebook

GRACE_SECONDS = 10.0
"""How long keystrokes may take to arrive."""

LATE_ORIGIN = "jmcp:late"
"""Origin of the transactions that put them in their place."""

MOST_COPIES = 64
MOST_BYTES = 10_000_000
"""Of the updates that all copies are made of; the latest is kept whatever its size."""


@dataclass(slots=True)
class _Gone:
    """A cell that an agent took out of its place."""

    index: int | None
    """Where it is in the copy; None once a page has deleted it or made it anew."""

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
    until: float
    gone: dict[str, _Gone] = field(default_factory=dict)
    copy: Array[Any] | None = None
    subscription: Subscription | None = None

    def feed(self, update: bytes) -> None:
        """Apply a page's update to the copy."""
        if self.copy is None:
            ydoc: Doc[Any] = Doc()
            ydoc.apply_update(self.base)
            for earlier in self.updates[: self.size]:
                ydoc.apply_update(earlier)
            self.copy = ydoc.get("cells", type=Array)
            self.subscription = self.copy.observe(self._follow)
        self.copy.doc.apply_update(update)

    def _follow(self, event: ArrayEvent) -> None:
        """Keep the places of the cells."""
        at = 0
        for change in cast("Any", event).delta:
            if "retain" in change:
                at += int(change["retain"])
            elif "insert" in change:
                at += len(change["insert"])
                self._shift(at - len(change["insert"]), 0, len(change["insert"]))
            else:
                self._shift(at, int(change["delete"]), 0)

    def _shift(self, at: int, deleted: int, inserted: int) -> None:
        for gone in self.gone.values():
            if gone.index is None or gone.index < at:
                continue
            if gone.index < at + deleted:
                gone.index = None
            else:
                gone.index += inserted - deleted

    def text(self, gone: _Gone) -> str | None:
        """Return what an old cell says now, or None when there is nothing to look at."""
        if self.copy is None or gone.index is None:
            return None
        return str(self.copy[gone.index]["source"])


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
            branch.feed(update)

    def settle(self) -> None:
        """Bring home what was typed into cells that are gone; the document is up to date."""
        if self._notebook.doubled:
            self._join_doubles()
            self._notebook.repair_ids()
        for branch in self._branches:
            branch.gone = {i: gone for i, gone in branch.gone.items() if gone.index is not None}
            for cell_id, gone in branch.gone.items():
                typed = branch.text(gone)
                if typed is not None and typed != gone.text:
                    before, gone.text = gone.text, typed
                    self._bring(cell_id, gone, before, typed)

    def _join_doubles(self) -> None:
        """Make one cell of two, when a person and an agent moved or retyped it at once.

        Both made it anew. The person's stays; what became of the agent's since is merged in.
        """
        notebook = self._notebook
        for cell_id in list(notebook.doubles()):
            text = self._known(cell_id)
            found = notebook.doubles().get(cell_id)
            if found is None:
                continue
            keep, others = found
            for index in reversed(others):
                mine = str(notebook.ycells[index]["source"])
                source = cast("Text", notebook.ycells[keep]["source"])
                with notebook.transaction(LATE_ORIGIN):
                    present = str(source)
                    splice_shared(source, joined(text, mine, present))
                    del notebook.ycells[index]
                keep -= index < keep

    def _known(self, cell_id: str) -> str | None:
        """Return what the cell said that both made anew: best the one a page has just deleted."""
        known = [branch.gone[cell_id] for branch in self._branches if cell_id in branch.gone]
        remade = [gone for gone in known if gone.index is None]
        return (remade or known)[-1].text if known else None

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
        branch = _Branch(self._base, self._updates, len(self._updates), until)
        for cell_id in cell_ids:
            content = cells.whole(notebook, cell_id) if for_good else None
            place = cells.neighbours(notebook, cell_id)
            if content is not None:
                # What was typed before an earlier move has to find the cell as well.
                for earlier in self._branches:
                    if (moved := earlier.gone.get(cell_id)) is not None:
                        moved.content, moved.neighbours = content, place
            branch.gone[cell_id] = _Gone(place[2], str(notebook.source(cell_id)), content, place)
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

    def _bring(self, cell_id: str, gone: _Gone, before: str, typed: str) -> None:
        notebook = self._notebook
        present = notebook.source(cell_id)
        if present is not None:
            cells.edit(notebook, cell_id, carried(before, typed, present), LATE_ORIGIN)
        elif gone.content is not None:
            at = cells.beside(notebook, *gone.neighbours)
            last = str(gone.content.get("source", ""))
            source = splice(last, carried(before, typed, well_formed(last)))
            cells.insert_whole(notebook, at, gone.content | {"source": source}, LATE_ORIGIN)
            self._tell(
                f"The user was typing in cell {at + 1} (id {cell_id}) as it was deleted, so it "
                "is back. Read it before you go on."
            )


def carried(before: str, typed: str, present: str) -> list[Splice]:
    """Return what brings the change from `before` to `typed` into `present`, come what may.

    Where the same line was changed on both sides, each character that was typed is put in, or
    taken out, by those around it: the keystrokes of a moment, which must not be lost.
    """
    try:
        return merge(before, typed, present)
    except MergeConflict:
        pass
    places, there = _places(before, present)
    found = []
    for kind, start, end, first, last in _opcodes(before, typed):
        if kind in ("insert", "replace"):
            found.append(Splice(places[start], places[start], typed[first:last]))
        if kind in ("delete", "replace"):
            found += [
                Splice(places[at], places[at] + 1, "") for at in range(start, end) if there[at]
            ]
    return found


def joined(text: str | None, mine: str, present: str) -> list[Splice]:
    """Return what makes of two copies of one cell the present one, where both began with `text`.

    What both have beyond it, one has from the other, by a way that was not followed: once is
    enough.
    """
    if text is None:
        return united(mine, present)
    theirs = _inserted(text, present)
    both = [
        Splice(at, at, "".join(new[i : i + size] for i, _, size in _common(new, theirs[at])))
        for at, new in sorted(_inserted(text, mine).items())
        if at in theirs
    ]
    return carried(splice(text, both), mine, present)


def _inserted(old: str, new: str) -> dict[int, str]:
    """Return what `new` has more, by its place in `old`."""
    return {
        start: new[first:last]
        for kind, start, _end, first, last in _opcodes(old, new)
        if kind in ("insert", "replace")
    }


def _common(one: str, other: str) -> Sequence[tuple[int, int, int]]:
    return SequenceMatcher(None, one, other, autojunk=False).get_matching_blocks()


def united(mine: str, present: str) -> list[Splice]:
    """Return what puts into `present` all that only `mine` has, where nobody knows who wrote it."""
    return [
        Splice(end, end, mine[first:last])
        for kind, _start, end, first, last in _opcodes(present, mine)
        if kind in ("insert", "replace")
    ]


def _opcodes(old: str, new: str) -> Sequence[tuple[str, int, int, int, int]]:
    return SequenceMatcher(None, old, new, autojunk=False).get_opcodes()


def _places(before: str, present: str) -> tuple[list[int], list[bool]]:
    """Return where each character of `before` is in `present`, and whether it is there at all."""
    places = [0] * (len(before) + 1)
    there = [False] * len(before)
    for kind, start, end, first, last in _opcodes(before, present):
        for at in range(start, end):
            places[at] = first + (at - start) if kind == "equal" else first
            there[at] = kind == "equal"
        places[end] = last
    return places, there
