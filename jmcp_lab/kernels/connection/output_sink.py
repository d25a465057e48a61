"""The destination of one piece of code's output: memory, and its cell as the output arrives."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

from ...outputs.buffer import DEFAULT_LIMIT, OutputBuffer
from ...outputs.cell_writer import CellOutputWriter
from ...server.heap import give_back_soon
from .output_widgets import CAN_BE_TAKEN

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from ...outputs.cell_writer import OutputDocument
    from ...outputs.items import Rich

FLUSH_SECONDS = 0.05
"""Minimum seconds between two writes to a cell; a page cannot show more."""

FLOOD_SECONDS = 1.0
"""Minimum seconds between two writes once only the last lines of a flood are shown."""

LAST_WORDS_SECONDS = 5.0
"""Seconds after the end of a run in which a page may still write an earlier run's output."""

BUSY_SECONDS = 0.01
"""Seconds until the next check whether other code's transaction has ended."""

MAX_ERROR = 4000
"""Maximum characters of stderr searched for an error that the kernel does not publish."""


class Displays:
    """The updatable displays of one kernel, which any cell can update."""

    def __init__(self) -> None:
        self._places: dict[str, list[tuple[OutputSink, Rich]]] = {}

    def note(self, display_id: str, sink: OutputSink, item: Rich) -> None:
        """Record the place of a display."""
        self._places.setdefault(display_id, []).append((sink, item))

    def update(self, content: Mapping[str, Any]) -> set[OutputSink]:
        """Update a display in all its places; return the sinks that changed."""
        display_id = _display_id(content)
        places = self._places.get(display_id, []) if display_id else []
        kept = [place for place in places if place[0].update(place[1], content)]
        if display_id and places:
            self._places[display_id] = kept
            if not kept:
                del self._places[display_id]
        return {sink for sink, _ in kept}

    def forget(self, sink: OutputSink) -> None:
        """Drop the displays of a retired sink."""
        for display_id in list(self._places):
            kept = [place for place in self._places[display_id] if place[0] is not sink]
            if kept:
                self._places[display_id] = kept
            else:
                del self._places[display_id]


class OutputSink:
    """Receives the kernel's messages for one piece of code.

    Parameters
    ----------
    notebook : OutputDocument or None
    cell_id : str or None
        None keeps the outputs in memory only.
    limit : int or None
        Maximum characters of output to keep.
    on_output : Callable, optional
        Called after new output was written.

    Notes
    -----
    Call all methods in the thread of the event loop.
    """

    def __init__(
        self,
        notebook: OutputDocument | None = None,
        cell_id: str | None = None,
        *,
        limit: int | None = DEFAULT_LIMIT,
        on_output: Callable[[], None] | None = None,
    ) -> None:
        self.buffer = OutputBuffer(limit)
        self.notebook = notebook
        self.cell_id = cell_id
        self.error: tuple[str, str] | None = None
        self.ended = False
        self.retired = False
        self._cell = (
            CellOutputWriter(notebook, cell_id, self._on_foreign)
            if notebook is not None and cell_id is not None
            else None
        )
        self._on_output = on_output
        self._complaint = ""
        self._changed = False
        self._timer: asyncio.TimerHandle | None = None
        self._flushed = 0.0
        self._returning: asyncio.Task[None] | None = None
        self._settling: asyncio.TimerHandle | None = None
        self._count: int | None = None

    # -- life ----------------------------------------------------------------------------------

    def begin(self) -> bool:
        """Clear the cell and show it as running; return False if it is gone.

        The document must be ready.
        """
        return self._cell is None or self._cell.begin()

    async def end(self, execution_count: int | None) -> None:
        """Write the remaining output and show the cell as finished."""
        self.ended = True
        self._count = execution_count
        self._cancel_timer()
        if self.buffer.overflowing:
            give_back_soon()
        if self._cell is None or self.notebook is None:
            return
        loop = asyncio.get_running_loop()
        self._settling = loop.call_later(LAST_WORDS_SECONDS, self._cell.settle)
        await self.notebook.ready()
        # Do not await from here on, so that the document stays ready.
        try:
            self._write(live=False)
        finally:
            # The code has ended, even if writing its outputs failed.
            if not self._cell.end(execution_count):
                self._end_in_returning_cell()

    def _end_in_returning_cell(self) -> None:
        """Show the end of the run if somebody undoes the deletion of its cell.

        The cell returns as it was deleted: with its [*], and without later output.
        """
        assert self.notebook is not None

        def on_change(cell_ids: set[str]) -> None:
            if self.cell_id in cell_ids:
                unfollow()
                # The current transaction must end before anything is written.
                self._returning = asyncio.create_task(self.end(self._count))

        unfollow = self.notebook.on_change(on_change)

    def retire(self) -> None:
        """Stop writing, because the kernel is gone or the cell runs again."""
        self.retired = True
        self._cancel_timer()
        if self._settling is not None:
            self._settling.cancel()
        if self._cell is not None:
            self._cell.release()

    # -- messages ------------------------------------------------------------------------------

    def message(
        self,
        kind: str,
        content: Mapping[str, Any],
        displays: Displays,
        widget: str | None = None,
    ) -> bool:
        """Process one message; return whether it was output.

        Parameters
        ----------
        kind : str
        content : mapping
        displays : Displays
        widget : str, optional
            The widget that currently captures the outputs.
        """
        if widget is None or kind not in CAN_BE_TAKEN:
            return self._message(self.buffer, kind, content, displays)
        with self.buffer.taken_by(widget) as taken:
            return self._message(taken, kind, content, displays)

    def _message(
        self, buffer: OutputBuffer, kind: str, content: Mapping[str, Any], displays: Displays
    ) -> bool:
        match kind:
            case "stream":
                name, text = str(content.get("name")), _text(content.get("text"))
                buffer.stream(name, text)
                if name == "stderr":
                    self._complaint = (self._complaint + text[-MAX_ERROR:])[-MAX_ERROR:]
            case "display_data" | "execute_result" | "error":
                item = buffer.add(_output(kind, content))
                if kind == "display_data" and (display_id := _display_id(content)):
                    displays.note(display_id, self, item)
                if kind == "error":
                    self.error = (str(content.get("ename")), str(content.get("evalue")))
            case "clear_output":
                buffer.clear(wait=bool(content.get("wait")))
            case _:
                return False
        self._changed = True
        return True

    def page_takes(self, widget: str, kind: str, content: Mapping[str, Any]) -> bool:
        """Handle a message that the page puts into a widget; return whether our output changed."""
        if kind not in CAN_BE_TAKEN:
            return False
        wait = bool(content.get("wait"))
        changed = self.buffer.page_takes(widget, clear=kind == "clear_output", wait=wait)
        self._changed = self._changed or changed
        return changed

    def update(self, item: Rich, content: Mapping[str, Any]) -> bool:
        """Update a display of this cell; return False if it no longer exists."""
        if self.retired:
            return False
        there = self.buffer.update(item, _mapping(content, "data"), _mapping(content, "metadata"))
        self._changed = self._changed or there
        return there

    def print(self, text: str) -> None:
        """Print what the kernel does not print itself: a prompt, and the answer to it."""
        if not self.ended:
            self.message("stream", {"name": "stdout", "text": text}, Displays())
            self.batch_done()

    def show_page(self, data: Mapping[str, Any]) -> None:
        """Show the kernel's pager output below the outputs, as JupyterLab does."""
        self.message("display_data", {"data": data, "metadata": {}}, Displays())

    def has_told(self, reply: Mapping[str, Any]) -> bool:
        """Return whether the error in the kernel's reply is already in stderr.

        IPython prints its own errors, such as that for an unknown magic, and does not publish them.
        """
        name, value = str(reply.get("ename")), str(reply.get("evalue"))
        return f"{name}: {value}"[:MAX_ERROR] in self._complaint

    def show_error(self, reply: Mapping[str, Any]) -> None:
        """Show the error from the kernel's reply."""
        self.message("error", reply, Displays())

    def note(self, words: str) -> None:
        """Add a message below the outputs about what happened to them."""
        self.buffer.note(words)
        self._changed = True

    # -- writing -------------------------------------------------------------------------------

    def batch_done(self) -> None:
        """Write, now or soon, what a batch of messages has changed."""
        if not self._changed or self._timer is not None or self.retired:
            return
        loop = asyncio.get_running_loop()
        pause = FLOOD_SECONDS if self.buffer.overflowing else FLUSH_SECONDS
        wait = self._flushed + pause - loop.time()
        if wait > 0:
            self._timer = loop.call_later(wait, self._flush)
        else:
            self._flush()

    def write_now(self) -> None:
        """Write pending output immediately."""
        if self._timer is not None:
            self._timer.cancel()
            self._flush()

    def _flush(self) -> None:
        self._timer = None
        if self.retired or not self._changed:
            return
        loop = asyncio.get_running_loop()
        if self.notebook is not None and self.notebook.busy:
            self._timer = loop.call_later(BUSY_SECONDS, self._flush)
            return
        cell = self._cell
        if self.ended and cell is not None and cell.foreign and not cell.overrun:
            # A background thread still prints, but the cell shows something else by now.
            self.retire()
            return
        self._write(live=not self.ended)
        self._flushed = loop.time()
        if self._on_output is not None:
            self._on_output()

    def _write(self, *, live: bool) -> None:
        self._changed = False
        if self._cell is not None:
            again = self.ended and self._cell.overrun
            # If the cell was deleted, the run continues, and its outputs are kept for when it
            # returns.
            self._cell.write(self.buffer.view(live=live))
            if again:
                self._cell.end(self._count)

    def _on_foreign(self) -> None:
        """Schedule a check of the cell for when the transaction that changed it has ended."""
        if not self.retired:
            self._changed = True
            self._timer = self._timer or asyncio.get_running_loop().call_later(0, self._flush)

    def _cancel_timer(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None


def _text(text: object) -> str:
    return "".join(_lines(text))


def _lines(text: object) -> list[str]:
    """Return the texts of an nbformat value that is one text or a list of texts."""
    if isinstance(text, str):
        return [text]
    return [str(line) for line in text] if isinstance(text, list) else []


def _mapping(content: Mapping[str, Any], key: str) -> dict[str, Any]:
    value = content.get(key)
    return value if isinstance(value, dict) else {}


def _display_id(content: Mapping[str, Any]) -> str | None:
    display_id = _mapping(content, "transient").get("display_id")
    return display_id if isinstance(display_id, str) else None


def _output(kind: str, content: Mapping[str, Any]) -> dict[str, Any]:
    """Return a message as an nbformat output, whatever the kernel put into it."""
    if kind == "error":
        return {
            "output_type": kind,
            "ename": str(content.get("ename") or ""),
            "evalue": str(content.get("evalue") or ""),
            "traceback": _lines(content.get("traceback")),
        }
    output: dict[str, Any] = {
        "output_type": kind,
        "data": _mapping(content, "data"),
        "metadata": _mapping(content, "metadata"),
    }
    if kind == "execute_result":
        output["execution_count"] = content.get("execution_count")
    return output
