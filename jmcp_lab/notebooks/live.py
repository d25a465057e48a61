"""One open notebook: the Yjs document that every page and every agent shares.

A `LiveNotebook` is valid as long as its room is. Tools open the room anew on every call (that is
cheap while it is open); only a run keeps it, together with a lease.
"""

from __future__ import annotations

import asyncio
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, cast

from pycrdt import ArrayEvent, Map, Text

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from jupyter_ydoc import YNotebook, YUnicode
    from pycrdt import Array, Doc

    from .merge import Splice

OUTPUT_ORIGIN = "jmcp:exec"
"""Origin of every transaction that writes outputs: undoing an edit never touches them."""


def agent_origin(agent_id: str) -> str:
    """Return the transaction origin of an agent's edits."""
    return f"jmcp:{agent_id}"


class LiveText:
    """One open text file: the Yjs text that its pages share.

    Parameters
    ----------
    document : YUnicode
        The room's own document, not a copy.
    """

    def __init__(self, document: YUnicode) -> None:
        self._document = document

    @property
    def text(self) -> str:
        """The present text."""
        return str(self._source)

    @property
    def _source(self) -> Text:
        return cast("Text", self._document.ydoc.get("source", type=Text))

    def edit(self, splices: Sequence[Splice], origin: str) -> None:
        """Apply splices of the present text."""
        with self._document.ydoc.transaction(origin=origin):
            splice_shared(self._source, splices)


def splice_shared(text: Text, splices: Sequence[Splice]) -> None:
    """Apply splices of its present content to a shared text, inside a transaction.

    pycrdt counts the bytes of UTF-8, not characters.
    """
    present = str(text)
    for change in reversed(splices):
        start = len(present[: change.start].encode())
        end = start + len(present[change.start : change.end].encode())
        if end > start:
            del text[start:end]
        if change.text:
            text.insert(start, change.text)


class LiveNotebook:
    """The cells of one open notebook, found by id.

    Parameters
    ----------
    document : YNotebook
        The room's own document, not a copy.
    path : Callable[[], str]
        Returns the present path; it follows renames.
    file_id : str
        The id that stays with the file when it is renamed.

    Notes
    -----
    Looking through the ids of 5,000 cells in the document takes 166 ms, so the list of ids is kept
    here and follows the document's array events, whoever makes the change.
    """

    def __init__(self, document: YNotebook, path: Callable[[], str], file_id: str) -> None:
        self._document = document
        self._path = path
        self.file_id = file_id
        self.ids: list[str] = [cast("str", cell["id"]) for cell in document.ycells]
        self._listeners: list[Callable[[set[str]], None]] = []
        self._subscription = document.ycells.observe_deep(self._on_change)

    def close(self) -> None:
        """Stop following the document."""
        self._document.ycells.unobserve(self._subscription)
        self._listeners.clear()

    # -- what it is ----------------------------------------------------------------------------

    @property
    def path(self) -> str:
        """Path relative to the server's root."""
        return self._path()

    @property
    def document(self) -> YNotebook:
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
        return cast("Map[Any]", self.ydoc.get("meta", type=Map))

    @property
    def metadata(self) -> dict[str, Any]:
        """The notebook's metadata, as plain Python."""
        found = self.meta.get("metadata")
        return cast("dict[str, Any]", found.to_py()) if found is not None else {}

    @property
    def kernel_name(self) -> str | None:
        """The kernelspec named in the notebook, or None."""
        return (self.metadata.get("kernelspec") or {}).get("name") or None

    @property
    def language(self) -> str:
        """The notebook's language as far as it says so; ``python`` otherwise."""
        metadata = self.metadata
        named = (metadata.get("language_info") or {}).get("name")
        return named or (metadata.get("kernelspec") or {}).get("language") or "python"

    # -- cells ---------------------------------------------------------------------------------

    def cell(self, cell_id: str) -> Map[Any] | None:
        """Return the shared cell, or None when it was deleted."""
        index = self.index(cell_id)
        return None if index is None else cast("Map[Any]", self.ycells[index])

    def index(self, cell_id: str) -> int | None:
        """Return where the cell is, counted from 0, or None."""
        try:
            return self.ids.index(cell_id)
        except ValueError:
            return None

    def position(self, cell_id: str) -> int | None:
        """Return where the cell is as people count, from 1, or None."""
        index = self.index(cell_id)
        return None if index is None else index + 1

    def source(self, cell_id: str) -> str | None:
        """Return the present text of a cell, or None when it was deleted."""
        cell = self.cell(cell_id)
        return None if cell is None else str(cast("Text", cell["source"]))

    # -- changing ------------------------------------------------------------------------------

    @property
    def busy(self) -> bool:
        """Whether somebody else's transaction is open.

        jupyter-server-ydoc holds one across awaits while it merges a big file that changed on
        disk; writing then would raise or would join a transaction of another origin.
        """
        return self.ydoc._txn is not None

    async def ready(self) -> None:
        """Return when a transaction can be opened."""
        # There is no event for the end of a transaction.
        while self.busy:  # noqa: ASYNC110
            await asyncio.sleep(0)

    @contextmanager
    def transaction(self, origin: str) -> Iterator[None]:
        """Open a transaction; nothing may be awaited inside."""
        with self.ydoc.transaction(origin=origin):
            yield

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

    def _on_change(self, events: list[Any], _transaction: object) -> None:
        touched: set[str] = set()
        for event in events:
            path = event.path
            if not path and isinstance(event, ArrayEvent):
                touched |= self._follow(cast("Any", event).delta)
            elif path and isinstance(path[0], int) and (len(path) == 1 or path[1] == "source"):
                # The ids are those after all array changes of this transaction: Yjs reports
                # paths in the final state.
                touched.add(cast("str", self.ycells[path[0]]["id"]))
                if len(path) == 1 and "id" in event.keys:
                    self.ids[path[0]] = cast("str", self.ycells[path[0]]["id"])
        if touched:
            for listener in list(self._listeners):
                listener(touched)

    def _follow(self, delta: list[dict[str, Any]]) -> set[str]:
        """Apply an array delta to the list of ids; return the ids that came or went."""
        at = 0
        touched: set[str] = set()
        for change in delta:
            if "retain" in change:
                at += int(change["retain"])
            elif "insert" in change:
                new = [cast("str", cell["id"]) for cell in change["insert"]]
                self.ids[at:at] = new
                touched.update(new)
                at += len(new)
            else:
                gone = int(change["delete"])
                touched.update(self.ids[at : at + gone])
                del self.ids[at : at + gone]
        return touched
