"""The state of an output as it was written to the document."""

from __future__ import annotations

from .items import Item, Rich, Stream


class Written:
    """An item as the document has it.

    Parameters
    ----------
    item : Item
    pieces : int
        The number of a stream's final pieces that must not be shown.
    hidden : str
        The part of the following line that must not be shown, unless the line is rewritten.

    Attributes
    ----------
    tail : str
        The text of a stream that the document has after the final pieces.
    size : int
        The length of the stream's text in the document, in bytes.
    theirs : int
        The number of bytes at its beginning that somebody else wrote.
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
        """Whether the document has the item's current state, apart from appended text."""
        return isinstance(self.item, Stream) or self.version == self.item.version

    @property
    def kind(self) -> tuple[str, str | None]:
        """The type and the name that the shared output must have."""
        if isinstance(self.item, Stream):
            return "stream", self.item.name
        return str(self.item.output["output_type"]), None

    def becomes(self, item: Item) -> bool:
        """Replace this stream with another of the same name; return whether that is possible."""
        if self.kind[0] != "stream" or not isinstance(item, Stream) or self.kind[1] != item.name:
            return False
        self.item = item
        self.epoch, self.pieces, self.hidden, self.tail = -1, 0, "", ""
        return True

    def new_tail(self, stream: Stream) -> str:
        """Return the text that must follow the stream's final pieces in the document."""
        tail = "".join(stream.final[self.pieces :]) + stream.line.line
        return tail.removeprefix(self.hidden)

    def settled(self, stream: Stream) -> bool:
        """Whether the document has all of a stream's text."""
        return self.epoch == stream.epoch and self.tail == self.new_tail(stream)

    def mark(self, stream: Stream, size: int) -> None:
        """Record that the document has all of a stream's text."""
        if self.pieces != len(stream.final) or not stream.line.line.startswith(self.hidden):
            self.hidden = ""
        self.epoch = stream.epoch
        self.pieces = len(stream.final)
        self.tail = stream.line.line.removeprefix(self.hidden)
        self.size = size
