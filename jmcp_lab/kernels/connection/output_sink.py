"""Where the output of one piece of code goes: into memory, and into its cell as it comes."""

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
"""Text is written into the cell at most this often; a page cannot show more."""

FLOOD_SECONDS = 1.0
"""The same when so much came that only the last lines are shown."""

LAST_WORDS_SECONDS = 5.0
"""So long after the end of a run a page may still write of one that was asked for before it."""

BUSY_SECONDS = 0.01
"""When to look again whether somebody else's transaction has ended."""

LONGEST_ERROR = 4000
"""Characters of stderr in which an error is looked for that the kernel does not publish."""


class Displays:
    """The displays of one kernel that can be updated, from any cell."""

    def __init__(self) -> None:
        self._places: dict[str, list[tuple[OutputSink, Rich]]] = {}

    def note(self, display_id: str, sink: OutputSink, item: Rich) -> None:
        """Remember where a display is."""
        self._places.setdefault(display_id, []).append((sink, item))

    def update(self, content: Mapping[str, Any]) -> set[OutputSink]:
        """Update every place of a display; return the sinks that changed."""
        display_id = _display_id(content)
        places = self._places.get(display_id, []) if display_id else []
        kept = [place for place in places if place[0].update(place[1], content)]
        if display_id and places:
            self._places[display_id] = kept
            if not kept:
                del self._places[display_id]
        return {sink for sink, _ in kept}

    def forget(self, sink: OutputSink) -> None:
        """Forget the displays of a sink that is retired."""
        for display_id in list(self._places):
            kept = [place for place in self._places[display_id] if place[0] is not sink]
            if kept:
                self._places[display_id] = kept
            else:
                del self._places[display_id]


class OutputSink:
    """Takes the kernel's messages of one piece of code.

    Parameters
    ----------
    notebook : OutputDocument or None
    cell_id : str or None
        None: the outputs are kept in memory only.
    limit : int or None
        Characters of output to keep.
    on_output : Callable, optional
        Called after new output was written.

    Notes
    -----
    All methods belong to the thread of the event loop.
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
        """Write what is left and show the cell as run."""
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
        # Nothing is awaited from here on, so the document stays free.
        try:
            self._write(live=False)
        finally:
            # Whatever became of the outputs, the code has ended.
            if not self._cell.end(execution_count):
                self._end_in_returning_cell()

    def _end_in_returning_cell(self) -> None:
        """Show the end of the code when somebody takes back that its cell was deleted.

        The cell comes back as it went: with its [*], and without what was printed since.
        """
        assert self.notebook is not None

        def on_change(cell_ids: set[str]) -> None:
            if self.cell_id in cell_ids:
                unfollow()
                # Nothing may be written before the transaction is over.
                self._returning = asyncio.create_task(self.end(self._count))

        unfollow = self.notebook.on_change(on_change)

    def retire(self) -> None:
        """Stop writing: the kernel is gone, or the cell runs again."""
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
        """Take one message; return whether it was output.

        Parameters
        ----------
        kind : str
        content : mapping
        displays : Displays
        widget : str, optional
            The widget that takes the outputs now.
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
                    self._complaint = (self._complaint + text[-LONGEST_ERROR:])[-LONGEST_ERROR:]
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
        """Learn that the page puts a message into a widget; return whether that changed ours."""
        if kind not in CAN_BE_TAKEN:
            return False
        wait = bool(content.get("wait"))
        changed = self.buffer.page_takes(widget, clear=kind == "clear_output", wait=wait)
        self._changed = self._changed or changed
        return changed

    def update(self, item: Rich, content: Mapping[str, Any]) -> bool:
        """Update a display of this cell; return False when it is no longer there."""
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
        """Show what the kernel sent to the pager, as JupyterLab does: below the outputs."""
        self.message("display_data", {"data": data, "metadata": {}}, Displays())

    def has_told(self, reply: Mapping[str, Any]) -> bool:
        """Return whether the error that the kernel tells of in its reply stands in stderr.

        IPython prints its own errors, such as of a magic that there is not, and publishes none.
        """
        name, value = str(reply.get("ename")), str(reply.get("evalue"))
        return f"{name}: {value}"[:LONGEST_ERROR] in self._complaint

    def show_error(self, reply: Mapping[str, Any]) -> None:
        """Show the error that the kernel told of in its reply."""
        self.message("error", reply, Displays())

    def note(self, words: str) -> None:
        """Say below the outputs what happened to them."""
        self.buffer.note(words)
        self._changed = True

    # -- writing -------------------------------------------------------------------------------

    def batch_done(self) -> None:
        """Write, now or soon, what the messages of a batch changed."""
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
        """Write what waits for its time."""
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
            # A background thread still prints, but the cell now shows something else.
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
            # When it was deleted the run goes on, and its outputs are here if it comes back.
            self._cell.write(self.buffer.view(live=live))
            if again:
                self._cell.end(self._count)

    def _on_foreign(self) -> None:
        """Look at the cell again, once the transaction is over in which others changed it."""
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
    """Return the texts of what nbformat has as one text or as several."""
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
    """Return the nbformat output of a message, whatever the kernel put into it."""
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
