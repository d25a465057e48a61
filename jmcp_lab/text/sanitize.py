"""Clean printed text as a terminal would display it, so that it cannot mislead a reader.

Code in the kernel wrote it, so it may contain terminal control sequences, and characters that a
person cannot see but a model reads. All functions take linear time, because outputs of 100 MB do
occur. They process long texts in pieces, because no other thread runs while a regular expression is
at work.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

PIECE = 1 << 18
"""Maximum characters that one regular expression processes at once."""

_LONGEST_SEQUENCE = 1000
"""Maximum length of a control sequence that is recognized across a piece boundary within a line."""

_INTRODUCER = re.compile(r"[\x1b\x80-\x9f]")

_ESC = re.compile(
    r"""
    (?:\x1b\[|\x9b)[0-?]*+[ -/]*+[@-~]?+      # CSI: colours, cursor movement
    |(?:\x1b[\]PX^_]|[\x90\x98\x9d-\x9f])     # OSC, DCS, SOS, PM, APC: a string up to its end
        [^\x07\x1b\x9c\n]*+(?:\x07|\x1b\\|\x9c)?+
    |\x1b[ -/]*+[0-~]?+                       # any other escape sequence
    """,
    re.VERBOSE,
)
# Erase sequences become one character each, before the other sequences are dropped.
_ERASE_TO_END, _ERASE_LINE = "\x11", "\x12"
_ERASE = re.compile(r"(?:\x1b\[|\x9b)([02]?)K")
_ERASE_MARK = re.compile(r"[\x11\x12]")
_OVERWRITES = re.compile(r"[\r\b\x11\x12]")
# Zero-width, bidirectional and tag characters, variation selectors and the like: invisible to a
# person, readable by a model.
_INVISIBLE_SET = (
    "\u00ad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180b-\u180f\u200b-\u200f\u202a-\u202e"
    "\u2060-\u206f\u3164\ufe00-\ufe0f\ufeff\uffa0\ufff0-\ufffb\U000e0000-\U000e0fff"
)
_INVISIBLE = re.compile(f"[{_INVISIBLE_SET}]")
_CONTROL = re.compile(r"[\x00-\x08\x0b\x0e-\x1f\x7f-\x9f]")
_SURROGATE = re.compile("[\ud800-\udfff]")  # cannot be sent as UTF-8
_SPECIAL = re.compile(rf"[\x00-\x08\x0b-\x1f\x7f-\x9f\ud800-\udfff{_INVISIBLE_SET}]")


def clean(text: str) -> str:
    """Return `text` as a terminal displays it, without control and invisible characters.

    Carriage returns and backspaces overwrite, erase sequences erase, and every other control
    sequence is dropped. Tabs and newlines stay.
    """
    if not any(_SPECIAL.search(text, at, at + PIECE) for at in range(0, len(text), PIECE)):
        return text
    text = _without(_ERASE_MARK, text.replace("\r\n", "\n"))
    text = "".join(map(_without_sequences, _pieces(text)))
    if _OVERWRITES.search(text):
        text = "\n".join(map(_overwritten, text.split("\n")))
    text = _without(_CONTROL, text.replace("\x0c", "\n"))
    if not text.isascii():
        text = _without(_SURROGATE, _without(_INVISIBLE, text), "\ufffd")
    return text


def without_invisible(text: str) -> str:
    """Return `text` without characters that a person cannot see but a model reads."""
    return _without(_INVISIBLE, text)


def _pieces(text: str) -> Iterator[str]:
    """Yield a text in pieces that do not split control sequences of usual length."""
    at = 0
    while at < len(text):
        end = at + PIECE
        if end < len(text):
            last = end - _LONGEST_SEQUENCE
            begun = _INTRODUCER.search(text, last, end)
            end = begun.start() if begun else end
        yield text[at:end]
        at = end


def _without(pattern: re.Pattern[str], text: str, sign: str = "") -> str:
    """Return a text with each matching character removed or replaced with `sign`."""
    if len(text) <= PIECE:
        return pattern.sub(sign, text)
    pieces = (text[at : at + PIECE] for at in range(0, len(text), PIECE))
    return "".join(pattern.sub(sign, piece) for piece in pieces)


def _without_sequences(text: str) -> str:
    if not _ESC.search(text):
        return text
    text = _ERASE.sub(lambda found: _ERASE_LINE if found[1] == "2" else _ERASE_TO_END, text)
    return _ESC.sub("", text)


def quoted(text: str, length: int) -> str:
    """Return the end of `text` in quotes, or nothing if it has no visible text.

    The result is one line and cannot close its quotes, so a reader can tell where text that is not
    ours begins and ends.
    """
    line = " ".join(clean(text).split()).replace('"', "'")
    return f'"{"…" if len(line) > length else ""}{line[-length:]}"' if line else ""


def _overwritten(line: str) -> str:
    """Return what stays visible of a line with carriage returns, backspaces and erase marks."""
    if "\b" not in line and not _ERASE_MARK.search(line):
        return _without_returns(line)
    shown: list[str] = []
    at = 0  # never beyond the end of what is shown, which keeps this linear
    for char in line:
        if char == "\r":
            at = 0
        elif char == "\b":
            at = max(0, at - 1)
        elif char == _ERASE_TO_END:
            del shown[at:]
        elif char == _ERASE_LINE:
            # A terminal keeps the cursor, but programs return it to the start right before or
            # after.
            shown.clear()
            at = 0
        else:
            shown[at : at + 1] = char
            at += 1
    return "".join(shown)


def _without_returns(line: str) -> str:
    """Return what stays visible of a line if each carriage return starts to overwrite it.

    From the last piece backwards, each piece adds only what is longer than all later ones. This
    keeps a line of many small pieces linear.
    """
    if "\r" not in line:
        return line
    shown: list[str] = []
    length = 0
    for piece in reversed(line.split("\r")):
        if len(piece) > length:
            shown.append(piece[length:])
            length = len(piece)
    return "".join(shown)
