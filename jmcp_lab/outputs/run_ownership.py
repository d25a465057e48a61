"""Whose run a cell shows: of all that are asked for, the last.

A person may run the cell of an agent's run, before it or while it goes on. The page of who pressed
Run last clears the cell, and so does the server, but neither knows of the other: a page goes on to
write the outputs of the run that it asked for, until that has ended.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, cast

from ..notebooks.live_notebook import OUTPUT_ORIGIN

if TYPE_CHECKING:
    from collections.abc import Callable

    from pycrdt import Map, MapEvent


class RunOwnership:
    """Follows what others do to a shared cell that shows a run of ours.

    Parameters
    ----------
    cell : Map
    on_change : Callable
        Called inside their transaction: it must not write.

    Attributes
    ----------
    taken : bool
        Somebody else runs the cell since: what it shows is theirs.
    overrun : bool
        A run of somebody else came to its end in it, which was asked for before ours: its outputs
        may stand among ours.
    count : int or None
        The number of our run, once it has ended: one that was asked for before it has a lower one.
    settled : bool
        Every run that was asked for before ours has ended, so a number that comes is no sign of
        one: the file may have changed on disk.

    Notes
    -----
    Nothing is written in answer to a page that shows the cell idle: it may be about to run it, and
    what it writes next would lose against our answer, and never be seen here.
    """

    def __init__(self, cell: Map[Any], on_change: Callable[[], None]) -> None:
        self.taken = self.overrun = self.settled = False
        self.count: int | None = None
        self._cell = cell
        self._on_change = on_change
        self._subscription = cell.observe(self._on_event)

    def release(self) -> None:
        """Follow no longer."""
        self._cell.unobserve(self._subscription)

    def _on_event(self, event: MapEvent) -> None:
        keys, transaction = cast("Any", event).keys, cast("Any", event).transaction
        if transaction.origin == OUTPUT_ORIGIN:
            return
        if "execution_state" in keys:
            # A page that runs a cell shows it idle first, so that this is always a change.
            self.taken |= self._cell.get("execution_state") == "running"
        theirs = self._cell.get("execution_count")
        if "execution_count" in keys and theirs is not None and not self.settled:
            self.overrun |= self.count is None or theirs < self.count
        if self.taken or self.overrun:
            self._on_change()
