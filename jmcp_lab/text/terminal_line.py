r"""Apply ``\r``, ``\b`` and ``\n`` in printed text by the rules of JupyterLab's output area."""

from __future__ import annotations

import re

_CONTROL = re.compile("\n|\r|\b+")

_SMALL = 64
"""Maximum length of pieces that are cut by copying; longer ones are halved first."""


class TerminalLine:
    """The last line of a stream, and the cursor in it.

    The cursor never leaves the last line. A newline is appended at the end of the text wherever the
    cursor is, and neither a carriage return nor a backspace crosses one. So everything before the
    last newline is final, and only the last line can still change.

    Notes
    -----
    The line is stored in pieces, those left and those right of the cursor, and the piece next to
    the
    cursor is last in both lists. So the cost of a change depends on the size of the change, not of
    the
    line. Otherwise, code that prints a spinner after megabytes without a newline would block the
    server.
    """

    __slots__ = ("_left", "_left_size", "_right", "_right_size")

    def __init__(self, line: str = "", cursor: int | None = None) -> None:
        self._left: list[str]
        self._right: list[str]
        self._left_size: int
        self._right_size: int
        at = len(line) if cursor is None else cursor
        self._set(line[:at], line[at:])

    @property
    def line(self) -> str:
        """The text after the last newline."""
        left, right = "".join(self._left), "".join(reversed(self._right))
        # Store the joined text: joining once is enough, and one string needs less memory than many.
        self._set(left, right)
        return left + right

    @property
    def cursor(self) -> int:
        """The index in `line` of the next character."""
        return self._left_size

    def __len__(self) -> int:
        return self._left_size + self._right_size

    def feed(self, text: str) -> str:
        """Write `text` at the cursor.

        Returns
        -------
        str
            The lines that became final, each with its newline; `line` holds what follows them.
        """
        if not self._right and "\r" not in text and "\b" not in text:
            head, newline, rest = text.rpartition("\n")
            final = self.line + head + newline if newline else ""
            if newline:
                self._set(rest, "")
            else:
                self._write(text)
            return final
        return self._feed_controls(text)

    def _feed_controls(self, text: str) -> str:
        final: list[str] = []
        start = 0
        for found in _CONTROL.finditer(text):
            self._write(text[start : found.start()])
            start = found.end()
            match found[0]:
                case "\n":
                    final.append(self.line + "\n")
                    self._set("", "")
                case "\r":
                    while self._left:
                        self._right.append(self._left.pop())
                    self._right_size += self._left_size
                    self._left_size = 0
                case backspaces:
                    self._erase(len(backspaces))
        self._write(text[start:])
        return "".join(final)

    def _set(self, left: str, right: str) -> None:
        self._left = [left] if left else []
        self._right = [right] if right else []
        self._left_size, self._right_size = len(left), len(right)

    def _write(self, text: str) -> None:
        if text:
            self._left.append(text)
            self._left_size += len(text)
            self._drop_right(len(text))

    def _erase(self, count: int) -> None:
        # In the middle of a line, JupyterLab 4.6 removes the character under the cursor as well.
        # The result must equal that of the same cell run by hand.
        count = min(count, self._left_size)
        self._left_size -= count
        pieces, gone = self._left, count
        while gone:
            piece = pieces.pop()
            if len(piece) <= gone:
                gone -= len(piece)
            elif len(piece) <= _SMALL:
                pieces.append(piece[:-gone])
                break
            else:
                half = len(piece) // 2
                pieces += (piece[:half], piece[half:])
        self._drop_right(count)

    def _drop_right(self, count: int) -> None:
        count = min(count, self._right_size)
        self._right_size -= count
        pieces = self._right
        while count:
            piece = pieces.pop()
            if len(piece) <= count:
                count -= len(piece)
            elif len(piece) <= _SMALL:
                pieces.append(piece[count:])
                break
            else:
                half = len(piece) // 2
                pieces += (piece[half:], piece[:half])
