"""Write outputs to the shared document, within the limits of what pages really render.

The way in which JupyterLab 4.6 handles changes of a shared cell determines how they may be made.
Each rule was found by comparing the document with the DOM:

* Only the last output may grow or shrink, and only at its end. The page applies every change of a
  text to the end of its last output, whichever output the change names.
* The texts of two streams must not change in one transaction, because the page looks at one change.
* An output in the middle cannot be replaced, because the page puts the new one at the end. It and
  all outputs after it are deleted and added again in one transaction.
* The page appends a stream to the last output if the output that was added last, whether it still
  exists or not, was a stream of the same name.
* The page never shows an assignment to a part of an output.
* Numbers are floats, as everywhere in Yjs: an integer would become a BigInt in the page.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Protocol, cast

from pycrdt import Array, Map, Text

from ..codec.shared_outputs import shared_output
from ..notebooks.live_notebook import OUTPUT_ORIGIN
from ..text.diff import common_prefix
from .items import Item, Rich, Stream
from .run_ownership import RunOwnership
from .written_output import Written

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from contextlib import AbstractContextManager

TIMES = "execution"
"""The metadata key under which JupyterLab records when a cell ran."""


class OutputDocument(Protocol):
    """The interface of a live notebook that writing outputs needs."""

    @property
    def busy(self) -> bool:
        """Whether other code has a transaction open."""

    async def ready(self) -> None:
        """Return when a transaction can be opened."""

    def cell(self, cell_id: str) -> Map[Any] | None:
        """Return the shared cell, or None if it was deleted."""

    def learn_output(self, cell_id: str, index: int, output: Mapping[str, Any]) -> None:
        """Record the file form of the output that is about to go to `index` of a cell."""

    def transaction(self, origin: str) -> AbstractContextManager[None]:
        """Open a transaction."""

    def on_change(self, listener: Callable[[set[str]], None]) -> Callable[[], None]:
        """Call `listener` with the ids of changed cells; return a function that ends that."""


class CellOutputWriter:
    """Makes the outputs of a shared cell follow a list of items.

    Parameters
    ----------
    notebook : OutputDocument
    cell_id : str
    on_foreign : Callable, optional
        Called inside others' transactions when their changes to the cell require a `write`.

    Notes
    -----
    Everybody may change the cell: a person can clear its outputs, run it or delete it at any
    moment. So
    before every change, the document is compared with what was written last. If somebody else has
    changed it, their change stays, and only later items are added after it. If the cell is run
    twice,
    it shows the run that was requested last.
    """

    def __init__(
        self,
        notebook: OutputDocument,
        cell_id: str,
        on_foreign: Callable[[], None] = lambda: None,
    ) -> None:
        self._notebook = notebook
        self._cell_id = cell_id
        self._on_foreign = on_foreign
        self._hold: RunOwnership | None = None
        self._written: list[Written] = []
        self._added: str | None = None
        self._base = 0
        self._hidden: dict[int, Written] = {}

    @property
    def cell(self) -> Map[Any] | None:
        """The shared cell, if it still exists and can have outputs."""
        cell = self._notebook.cell(self._cell_id)
        return cell if cell is not None and isinstance(cell.get("outputs"), Array) else None

    def begin(self) -> bool:
        """Clear the outputs and show the cell as running; return False if the cell is gone."""
        if (cell := self.cell) is None:
            return False
        self._written, self._base, self._hidden = [], 0, {}
        self.release()
        self._hold = RunOwnership(cell, self._on_foreign)
        with self._notebook.transaction(OUTPUT_ORIGIN):
            outputs = cast("Array[Any]", cell["outputs"])
            if len(outputs):
                outputs.clear()
            # Keep this order: a page shows a running cell as idle as soon as its count is set.
            cell["execution_count"] = None
            # The start and end times of the previous run, which a page records if that is enabled.
            metadata = cell.get("metadata")
            if isinstance(metadata, Map) and TIMES in metadata:
                del metadata[TIMES]
            # A queued cell already shows this state, and Yjs keeps a trace of every change.
            if cell.get("execution_state") != "running":
                cell["execution_state"] = "running"
        return True

    def show_waiting(self) -> bool:
        """Show the cell as [*]; return False if it already is, or if it is gone."""
        if (cell := self.cell) is None or cell.get("execution_state") == "running":
            return False
        self.set_state("running")
        return True

    def set_state(self, state: str) -> None:
        """Show the cell as running or idle, and change nothing else."""
        if (cell := self.cell) is not None and cell.get("execution_state") != state:
            with self._notebook.transaction(OUTPUT_ORIGIN):
                cell["execution_state"] = state

    def end(self, execution_count: int | None) -> bool:
        """Show the cell as finished; return False if it is gone."""
        if (cell := self.cell) is None:
            return False
        if self._hold is not None:
            self._hold.count = execution_count
            if self._hold.taken:
                return True
        with self._notebook.transaction(OUTPUT_ORIGIN):
            cell["execution_state"] = "idle"
            # Write the count last. The next run removes it first, and Yjs stores two adjacent
            # changes of one key as one item.
            if execution_count is not None:
                cell["execution_count"] = float(execution_count)
        return True

    def release(self) -> None:
        """Stop following what others do to the cell."""
        if self._hold is not None:
            self._hold.release()
            self._hold = None

    def settle(self) -> None:
        """Record that all runs requested before this one have ended."""
        if self._hold is not None:
            self._hold.settled = True

    @property
    def taken(self) -> bool:
        """Whether somebody else has run the cell since."""
        return self._hold is not None and self._hold.taken

    @property
    def overrun(self) -> bool:
        """Whether a run that was requested before this one has ended in the cell since."""
        return self._hold is not None and self._hold.overrun and not self._hold.taken

    @property
    def foreign(self) -> bool:
        """Whether somebody else has added outputs to the cell, or removed some of ours."""
        if (cell := self.cell) is None or self.taken:
            return True
        outputs = cast("Array[Any]", cell["outputs"])
        return len(outputs) > 0 and not self._ours(outputs)

    def write(self, items: Sequence[Item]) -> bool:
        """Make the document show `items`; return False if the cell is gone or runs for others.

        Parameters
        ----------
        items : sequence
            All outputs, including those written before.
        """
        if (cell := self.cell) is None or self.taken:
            return False
        if self.overrun:
            self.begin()
        outputs = cast("Array[Any]", cell["outputs"])
        if not self._ours(outputs):
            self._start_over(outputs, items)
        shown = [item for item in items if not self._is_hidden(item)]
        same = self._kept(shown)
        self._separate(outputs, same, shown)
        self._delete(outputs, same, shown)
        if same == len(self._written):
            if self._written:
                self._grow(outputs, self._written[-1])
            self._append(outputs, shown[same:])
        return True

    # -- steps ---------------------------------------------------------------------------------

    def _ours(self, outputs: Array[Any]) -> bool:
        if len(outputs) != self._base + len(self._written):
            return False
        if not self._written:
            return True
        last = self._written[-1]
        output = outputs[len(outputs) - 1]
        if not isinstance(output, Map):
            return False
        kind = last.kind
        if output.get("output_type") != kind[0]:
            return False
        if kind[0] != "stream":
            return True
        text = output.get("text")
        return output.get("name") == kind[1] and isinstance(text, Text) and len(text) == last.size

    def _start_over(self, outputs: Array[Any], items: Sequence[Item]) -> None:
        """Leave the document's outputs alone, and show only what comes after the written ones."""
        present = {id(item) for item in items}
        self._hidden = {key: held for key, held in self._hidden.items() if key in present}
        for written in self._written:
            # Hide only what the document had, not what arrived since.
            had = Written(written.item, written.pieces, written.hidden + written.tail)
            self._hidden[id(written.item)] = had
        self._written = []
        self._base = len(outputs)

    def _is_hidden(self, item: Item) -> bool:
        held = self._hidden.get(id(item))
        return held is not None and (isinstance(item, Rich) or not held.new_tail(item))

    def _kept(self, shown: Sequence[Item]) -> int:
        """Return how many outputs may stay, the last of them possibly with a changed text."""
        for number, (written, item) in enumerate(zip(self._written, shown, strict=False)):
            if written.item is not item or not written.current:
                return number + int(written.becomes(item))
            if isinstance(item, Stream) and not written.settled(item):
                return number + 1
        return min(len(self._written), len(shown))

    def _separate(self, outputs: Array[Any], keep: int, shown: Sequence[Item]) -> None:
        """Make the page forget a deleted stream that it would otherwise join to the next one."""
        new = shown[keep] if keep < len(shown) else None
        if not isinstance(new, Stream) or new.name != self._added or not self._base + keep:
            return
        between = shared_output({"output_type": "display_data", "data": {}, "metadata": {}})
        with self._notebook.transaction(OUTPUT_ORIGIN):
            del outputs[self._base + keep : len(outputs)]
            del self._written[keep:]
            outputs.append(between)
        with self._notebook.transaction(OUTPUT_ORIGIN):
            del outputs[len(outputs) - 1]
        self._added = None

    def _delete(self, outputs: Array[Any], keep: int, shown: Sequence[Item]) -> None:
        """Delete surplus outputs, and add their replacements in the same transaction."""
        if keep == len(self._written):
            return
        last = self._written[keep - 1] if keep else None
        settled = last is None or not isinstance(last.item, Stream) or last.settled(last.item)
        with self._notebook.transaction(OUTPUT_ORIGIN):
            del outputs[self._base + keep : len(outputs)]
            del self._written[keep:]
            if settled:
                self._extend(outputs, shown[keep:])
        if not settled and last is not None:
            # Only now is the stream the last output, and only the last one may change.
            self._grow(outputs, last)
            self._append(outputs, shown[keep:])

    def _append(self, outputs: Array[Any], items: Sequence[Item]) -> None:
        if not items:
            return
        first = items[0]
        if not self._written and self._base and isinstance(first, Stream):
            # The page would join them: two adjacent streams of one name are one.
            above = outputs[len(outputs) - 1]
            if isinstance(above, Map) and above.get("name") == first.name:
                self._base -= 1
                self._written.append(self._new(first))
                self._written[0].size = len(cast("Text", above["text"]))
                self._written[0].theirs = self._written[0].size
                self._grow(outputs, self._written[0])
                items = items[1:]
        if items:
            with self._notebook.transaction(OUTPUT_ORIGIN):
                self._extend(outputs, items)

    def _extend(self, outputs: Array[Any], items: Sequence[Item]) -> None:
        new: list[Map[Any]] = []
        for item in items:
            written = self._new(item)
            if isinstance(item, Stream):
                text = written.new_tail(item)
                written.mark(item, len(text.encode()))
                new.append(shared_output({**item.to_py(), "text": text}))
            else:
                output = item.to_py()
                self._notebook.learn_output(self._cell_id, len(outputs) + len(new), output)
                new.append(shared_output(output))
            self._written.append(written)
            self._added = item.name if isinstance(item, Stream) else None
        outputs.extend(new)

    def _new(self, item: Item) -> Written:
        held = self._hidden.get(id(item))
        return Written(item, held.pieces, held.hidden) if held is not None else Written(item)

    def _grow(self, outputs: Array[Any], written: Written) -> None:
        """If the last output is a stream, bring its text up to date by a change at its end."""
        stream = written.item
        if not isinstance(stream, Stream) or written.settled(stream):
            return
        text = cast("Text", outputs[len(outputs) - 1]["text"])
        if written.epoch != stream.epoch:
            # The text was not only extended: it was cut, or the item was exchanged.
            old = str(text).encode()[written.theirs :].decode()
            new = stream.text.removeprefix(written.hidden)
            same = common_prefix(old, new)
            gone, new = len(old[same:].encode()), new[same:]
        else:
            new = written.new_tail(stream)
            same = common_prefix(written.tail, new)
            gone, new = len(written.tail[same:].encode()), new[same:]
        with self._notebook.transaction(OUTPUT_ORIGIN):
            # Yjs counts text in bytes here, and both offsets are at character boundaries.
            if gone:
                del text[len(text) - gone : len(text)]
            if new:
                text.insert(len(text), new)
        written.mark(stream, len(text))
