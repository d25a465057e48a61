"""Change events of a shared array whose details are computed only on access.

pycrdt computes each event eagerly, once for each observer, including the event's path. Computing a
path means walking the array. When the outputs of 5,000 cells are cleared, these walks take longer
than everything else.
"""

from __future__ import annotations

from contextlib import contextmanager
from functools import partial
from typing import TYPE_CHECKING, Any, Final

from pycrdt import ArrayEvent, MapEvent, ReadTransaction, TextEvent

from .pycrdt_types import RawArrayEvent, RawMapEvent, RawTextEvent, process_event

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterator

    from pycrdt import Array, Doc, Subscription

_KINDS: Final = {RawArrayEvent: ArrayEvent, RawMapEvent: MapEvent, RawTextEvent: TextEvent}


class DeepEvent:
    """One event with the attributes of pycrdt's own; it is valid only inside the callback.

    Attributes
    ----------
    kind : type
        pycrdt's class for such an event.
    """

    __slots__ = ("_doc", "_raw", "_seen", "kind", "transaction")

    def __init__(self, raw: Any, doc: Doc[Any], transaction: ReadTransaction) -> None:  # noqa: ANN401
        self._raw = raw
        self._doc = doc
        self._seen: dict[str, Any] = {}
        self.kind = _KINDS.get(type(raw))
        self.transaction = transaction

    def __getattr__(self, name: str) -> Any:  # noqa: ANN401
        if name not in ("target", "delta", "keys", "path"):
            raise AttributeError(name)
        if name not in self._seen:
            if self._raw is None:
                raise RuntimeError("The transaction of this event has ended")
            self._seen[name] = process_event(getattr(self._raw, name), self._doc)
        return self._seen[name]

    def end(self) -> None:
        """Release what exists only during the callback."""
        self._raw = None


class CellEvents:
    """Reports all changes in the cells of one document.

    Parameters
    ----------
    array : Array
        The shared cells.

    Notes
    -----
    Before Yjs reports a transaction, it sorts the events, and computes their paths again and again
    for
    that. If the outputs of 5,000 cells are cleared at once, this takes seconds. Code that does so
    names
    the cells itself, and Yjs observers are off meanwhile.
    """

    def __init__(self, array: Array[Any]) -> None:
        self._array = array
        self._listeners: list[Callable[[list[DeepEvent], Collection[str]], None]] = []
        self._subscription: Subscription | None = None

    def listen(
        self, listener: Callable[[list[DeepEvent], Collection[str]], None]
    ) -> Callable[[], None]:
        """Call `listener` with the events of each transaction, or else with cell ids.

        It is called inside the transaction, so it must not write.

        Returns
        -------
        Callable
            Ends the subscription.
        """
        self._listeners.append(listener)
        self._follow()

        def end() -> None:
            if listener in self._listeners:
                self._listeners.remove(listener)
            if not self._listeners:
                self._leave()

        return end

    @contextmanager
    def unasked(self, cell_ids: Collection[str]) -> Iterator[None]:
        """Report transactions that end in the block by the given cell ids, without Yjs events.

        The texts, ids and execution states of these cells must not change.
        """
        self._leave()
        try:
            yield
        finally:
            self._follow()
            for listener in list(self._listeners):
                listener([], cell_ids)

    def _follow(self) -> None:
        if self._subscription is None and self._listeners:
            tell = partial(_tell, self._listeners, self._array.doc)
            self._subscription = self._array.integrated.observe_deep(tell)

    def _leave(self) -> None:
        if self._subscription is not None:
            self._subscription.drop()
            self._subscription = None


def _tell(
    listeners: list[Callable[[list[DeepEvent], Collection[str]], None]],
    doc: Doc[Any],
    raw_events: list[Any],
) -> None:
    with doc._read_transaction(raw_events[0].transaction) as transaction:
        events = [DeepEvent(raw, doc, transaction) for raw in raw_events]
        for listener in list(listeners):
            try:
                listener(events, ())
            except Exception as error:
                # Do as pycrdt does: it raises these exceptions when the transaction ends.
                doc._exceptions.append(error)
        for event in events:
            event.end()
