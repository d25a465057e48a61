r"""What ``\r``, ``\b`` and ``\n`` do to printed text: the rules of JupyterLab's output area."""

from __future__ import annotations

import re

_CONTROL = re.compile("[\n\b\r]")


class TerminalLine:
    """The last line of a stream and the cursor in it.

    The cursor never leaves the last line: a newline is appended at the end of the text wherever
    the cursor is, and neither a carriage return nor a backspace crosses one. So what is before
    the last newline is final, and only the last line has to be looked at again.

    Attributes
    ----------
    line : str
        The text after the last newline.
    cursor : int
        Where in `line` the next character goes.
    """

    __slots__ = ("cursor", "line")

    def __init__(self, line: str = "") -> None:
        self.line = line
        self.cursor = len(line)

    def feed(self, text: str) -> str:
        """Write `text` at the cursor.

        Returns
        -------
        str
            The lines that became final, each with its newline; `line` holds what follows them.
        """
        if self.cursor == len(self.line) and "\r" not in text and "\b" not in text:
            head, newline, rest = text.rpartition("\n")
            final = self.line + head + newline if newline else ""
            self.line = rest if newline else self.line + rest
            self.cursor = len(self.line)
            return final
        return self._feed_controls(text)

    def _feed_controls(self, text: str) -> str:
        final: list[str] = []
        start = 0
        while True:
            found = _CONTROL.search(text, start)
            self._write(text[start : found.start()] if found else text[start:])
            if found is None:
                return "".join(final)
            start = found.end()
            match found[0]:
                case "\n":
                    final.append(self.line + "\n")
                    self.line, self.cursor = "", 0
                case "\r":
                    self.cursor = 0
                case "\b" if self.cursor:
                    # In the middle of a line JupyterLab 4.6 removes the character under the
                    # cursor as well; the result is to be that of the same cell run by hand.
                    self.line = self.line[: self.cursor - 1] + self.line[self.cursor + 1 :]
                    self.cursor -= 1

    def _write(self, text: str) -> None:
        end = self.cursor + len(text)
        self.line = self.line[: self.cursor] + text + self.line[end:]
        self.cursor = end
