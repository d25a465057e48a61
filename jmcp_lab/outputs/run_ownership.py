"""Decide whose run a cell shows: the one that was requested last.

A person may run the cell of an agent's run before it starts or while it runs. Both the page and the
server clear the cell when they start a run, but neither knows about the other. The page keeps
writing the outputs of its own run until that has ended.
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
        Called inside others' transactions, so it must not write.

    Attributes
    ----------
    taken : bool
        Whether somebody else has run the cell since, so that its content is theirs.
    overrun : bool
        Whether somebody else's run, requested before ours, has ended in the cell. Its outputs may
        be mixed with ours.
    count : int or None
        The execution count of our run after its end. A run requested earlier has a lower one.
    settled : bool
        Whether every run requested before ours has ended. Then a new count is no sign of such a
        run; it may come from a change of the file on disk.

    Notes
    -----
    Do not write anything in response to a page that shows the cell as idle. The page may be about
    to
    run it, and its next write would lose against our response and never be seen here.
    """

    def __init__(self, cell: Map[Any], on_change: Callable[[], None]) -> None:
        self.taken = self.overrun = self.settled = False
        self.count: int | None = None
        self._cell = cell
        self._on_change = on_change
        self._subscription = cell.observe(self._on_event)

    def release(self) -> None:
        """Stop following the cell."""
        self._cell.unobserve(self._subscription)

    def _on_event(self, event: MapEvent) -> None:
        keys, transaction = cast("Any", event).keys, cast("Any", event).transaction
        if transaction.origin == OUTPUT_ORIGIN:
            return
        if "execution_state" in keys:
            # A page that runs a cell first shows it as idle, so "running" is always a change.
            self.taken |= self._cell.get("execution_state") == "running"
        theirs = self._cell.get("execution_count")
        if "execution_count" in keys and theirs is not None and not self.settled:
            self.overrun |= self.count is None or theirs < self.count
        if self.taken or self.overrun:
            self._on_change()
