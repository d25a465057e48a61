"""What of a cell's outputs was written into the document."""

from __future__ import annotations

from .items import Item, Rich, Stream


class Written:
    """An item as the document has it.

    Parameters
    ----------
    item : Item
    pieces : int
        How many final pieces of a stream are not to be shown.
    hidden : str
        What is not to be shown of the line after these, unless it is rewritten.

    Attributes
    ----------
    tail : str
        What the document has of a stream after its final pieces.
    size : int
        Length of the stream's text in the document, in bytes.
    theirs : int
        How much of that, from the beginning, somebody else wrote.
    """

    __slots__ = ("epoch", "hidden", "item", "pieces", "size", "tail", "theirs", "version")

    def __init__(self, item: Item, pieces: int = 0, hidden: str = "") -> None:
        self.item = item
        self.version = item.version if isinstance(item, Rich) else 0
        self.epoch = item.epoch if isinstance(item, Stream) else 0
        self.pieces = pieces
        self.hidden = hidden
        self.tail = ""
        self.size = 0
        self.theirs = 0

    @property
    def current(self) -> bool:
        """Whether the document has the item as it is now, up to text that was appended."""
        return isinstance(self.item, Stream) or self.version == self.item.version

    @property
    def kind(self) -> tuple[str, str | None]:
        """What the shared output must be to be this one."""
        if isinstance(self.item, Stream):
            return "stream", self.item.name
        return str(self.item.output["output_type"]), None

    def becomes(self, item: Item) -> bool:
        """Take another stream of the same name for this one; return whether it could be done."""
        if self.kind[0] != "stream" or not isinstance(item, Stream) or self.kind[1] != item.name:
            return False
        self.item = item
        self.epoch, self.pieces, self.hidden, self.tail = -1, 0, "", ""
        return True

    def new_tail(self, stream: Stream) -> str:
        """Return what the document should have of a stream after the final pieces it has."""
        tail = "".join(stream.final[self.pieces :]) + stream.line.line
        return tail.removeprefix(self.hidden)

    def settled(self, stream: Stream) -> bool:
        """Whether the document has all of a stream's text."""
        return self.epoch == stream.epoch and self.tail == self.new_tail(stream)

    def mark(self, stream: Stream, size: int) -> None:
        """Note that the document has all of a stream's text."""
        if self.pieces != len(stream.final) or not stream.line.line.startswith(self.hidden):
            self.hidden = ""
        self.epoch = stream.epoch
        self.pieces = len(stream.final)
        self.tail = stream.line.line.removeprefix(self.hidden)
        self.size = size
