"""Parse Yjs updates far enough to tell what they delete.

An update is a list of structs (insertions) and a set of deleted ids. This package needs the two
separately, and pycrdt offers neither. The format is Yjs update encoding version 1, which all
implementations share.
"""

from __future__ import annotations

from bisect import bisect_right

Ranges = list[tuple[int, int]]
"""Clock ranges ``[start, end)``, in order."""

Ids = dict[int, Ranges]
"""Ranges of ids, by client."""

_ID_BITS = 0xC0
_HAS_ORIGIN = 0x80
_HAS_RIGHT_ORIGIN = 0x40
_HAS_KEY = 0x20

_GC, _SKIP = 0, 10
_XML_ELEMENT, _XML_HOOK = 3, 5


def deletes(update: bytes) -> bool:
    """Return whether an update deletes anything; it ends with the number of deletions."""
    return update[-1:] != b"\0"


def split(update: bytes) -> tuple[bytes, Ids, Ids]:
    """Return the encoded structs of an update, their ids, and the ids that it deletes.

    Raises
    ------
    ValueError
        The bytes are not an update, or they hold content that notebooks do not have.
    """
    try:
        reader, inserted = _Reader(update), Ids()
        for _ in range(reader.number()):
            structs, client, start = reader.number(), reader.number(), reader.number()
            clock = start + sum(reader.skip_struct() for _ in range(structs))
            inserted.setdefault(client, []).append((start, clock))
        end = reader.at
        return update[:end], inserted, _read_deleted(reader)
    except IndexError:
        raise ValueError("The update ends too early.") from None


def join(structs: bytes, deleted: Ids) -> bytes:
    """Return an update with these structs that deletes exactly these ids."""
    found = bytearray(structs)
    _write(found, len(deleted))
    for client, ranges in deleted.items():
        _write(found, client)
        _write(found, len(ranges))
        for start, end in ranges:
            _write(found, start)
            _write(found, end - start)
    return bytes(found)


def holds(deleted: Ids, client: int, clock: int) -> bool:
    """Return whether an id is among the deleted ones."""
    ranges = deleted.get(client, [])
    at = bisect_right(ranges, clock, key=lambda each: each[0]) - 1
    return at >= 0 and clock < ranges[at][1]


def union(first: Ids, second: Ids) -> Ids:
    """Return the ids that are in either."""
    found = dict(first)
    for client, ranges in second.items():
        whole: Ranges = []
        for start, end in sorted([*found.get(client, []), *ranges]):
            if whole and start <= whole[-1][1]:
                whole[-1] = (whole[-1][0], max(end, whole[-1][1]))
            else:
                whole.append((start, end))
        found[client] = whole
    return found


def without(deleted: Ids, known: Ids) -> Ids:
    """Return the deleted ids that are not in `known`."""
    found = {}
    for client, ranges in deleted.items():
        rest = _subtract(ranges, known[client]) if client in known else ranges
        if rest:
            found[client] = rest
    return found


def _subtract(ranges: Ranges, known: Ranges) -> Ranges:
    rest: Ranges = []
    at = 0
    for first, end in ranges:
        start = first
        while at < len(known) and known[at][1] <= start:
            at += 1
        look = at
        while look < len(known) and known[look][0] < end:
            if known[look][0] > start:
                rest.append((start, known[look][0]))
            start = max(start, known[look][1])
            look += 1
        if start < end:
            rest.append((start, end))
    return rest


def _read_deleted(reader: _Reader) -> Ids:
    found: Ids = {}
    for _ in range(reader.number()):
        client = reader.number()
        ranges = found.setdefault(client, [])
        for _ in range(reader.number()):
            start = reader.number()
            ranges.append((start, start + reader.number()))
        ranges.sort()
    return found


def _write(out: bytearray, number: int) -> None:
    while number > 0x7F:
        out.append(0x80 | (number & 0x7F))
        number >>= 7
    out.append(number)


class _Reader:
    """Reads through an update."""

    def __init__(self, data: bytes) -> None:
        self._data = data
        self.at = 0

    def number(self) -> int:
        """Read a number."""
        found = shift = 0
        while True:
            byte = self._data[self.at]
            self.at += 1
            found |= (byte & 0x7F) << shift
            if byte < 0x80:
                return found
            shift += 7

    def skip_numbers(self, count: int) -> None:
        """Skip numbers, including signed ones."""
        for _ in range(count):
            while self._data[self.at] >= 0x80:
                self.at += 1
            self.at += 1

    def skip_bytes(self) -> None:
        """Skip a length-prefixed text or byte string."""
        size = self.number()
        self.at += size
        if self.at > len(self._data):
            raise IndexError

    def skip_text(self) -> int:
        """Skip a text; return its length in UTF-16 units, as JavaScript counts."""
        size = self.number()
        text = self._data[self.at : self.at + size]
        self.at += size
        if self.at > len(self._data):
            raise IndexError
        return len(text.decode("utf-8", "surrogatepass").encode("utf-16-le", "surrogatepass")) // 2

    def skip_struct(self) -> int:
        """Skip an item or a gap; return how many ids it has."""
        info = self._data[self.at]
        self.at += 1
        if info in (_GC, _SKIP):
            return self.number()
        if info & _HAS_ORIGIN:
            self.skip_numbers(2)
        if info & _HAS_RIGHT_ORIGIN:
            self.skip_numbers(2)
        if not info & _ID_BITS:
            if self.number():
                self.skip_bytes()
            else:
                self.skip_numbers(2)
            if info & _HAS_KEY:
                self.skip_bytes()
        return self._skip_content(info & 0x1F)

    def _skip_content(self, kind: int) -> int:
        size = 1
        match kind:
            case 1:  # deleted
                size = self.number()
            case 2:  # JSON
                size = self.number()
                for _ in range(size):
                    self.skip_bytes()
            case 3 | 5:  # bytes, embedded JSON
                self.skip_bytes()
            case 4:
                size = self.skip_text()
            case 6:  # a format: its key and its value as JSON
                self.skip_bytes()
                self.skip_bytes()
            case 7:  # a shared type
                if self.number() in (_XML_ELEMENT, _XML_HOOK):
                    self.skip_bytes()
            case 8:  # plain values
                size = self.number()
                for _ in range(size):
                    self._skip_value()
            case 9:  # a document
                self.skip_bytes()
                self._skip_value()
            case _:
                raise ValueError(f"Unknown content in an update: {kind}.")
        return size

    def _skip_value(self) -> None:
        """Skip a plain value."""
        left = 1
        while left:
            left -= 1
            kind = self._data[self.at]
            self.at += 1
            match kind:
                case 120 | 121 | 126 | 127:  # true, false, null, undefined
                    pass
                case 125:  # whole number
                    self.skip_numbers(1)
                case 124:  # 32 bits
                    self.at += 4
                case 122 | 123:  # 64 bits
                    self.at += 8
                case 116 | 119:  # bytes, text
                    self.skip_bytes()
                case 117:  # list
                    left += self.number()
                case 118:  # object
                    for _ in range(self.number()):
                        self.skip_bytes()
                        self._skip_value()
                case _:
                    raise ValueError(f"Unknown value in an update: {kind}.")
