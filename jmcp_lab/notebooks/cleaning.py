"""Text that code printed, as a terminal would leave it, for a reader who must not be misled.

It is written by whatever the kernel ran, so it may hold terminal control sequences and characters
that a person cannot see but a model reads. All of it works in linear time: outputs of 100 MB do
occur.
"""

from __future__ import annotations

import re

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
    """Return `text` as a terminal would leave it, without control and invisible characters.

    Carriage returns and backspaces overwrite, erase sequences erase, every other control sequence
    is dropped. Tabs and newlines stay.
    """
    if not _SPECIAL.search(text):
        return text
    text = _ERASE_MARK.sub("", text.replace("\r\n", "\n"))
    if _ESC.search(text):
        text = _ERASE.sub(lambda found: _ERASE_LINE if found[1] == "2" else _ERASE_TO_END, text)
        text = _ESC.sub("", text)
    if _OVERWRITES.search(text):
        text = "\n".join(map(_overwritten, text.split("\n")))
    text = _CONTROL.sub("", text.replace("\x0c", "\n"))
    if not text.isascii():
        text = _SURROGATE.sub("\ufffd", _INVISIBLE.sub("", text))
    return text


def without_invisible(text: str) -> str:
    """Return `text` without the characters that a person cannot see and a model reads."""
    return _INVISIBLE.sub("", text)


def quoted(text: str, length: int) -> str:
    """Return the end of `text` in quotes, or nothing when there is nothing to see in it.

    It stays one line and cannot close its quotes, so that a reader knows where words that are not
    ours begin and end.
    """
    line = " ".join(clean(text).split()).replace('"', "'")
    return f'"{"…" if len(line) > length else ""}{line[-length:]}"' if line else ""


def _overwritten(line: str) -> str:
    """Return what stays visible of one line with carriage returns, backspaces, erase marks."""
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
            # The cursor would stay, but programs return it to the start right before or after.
            shown.clear()
            at = 0
        else:
            shown[at : at + 1] = char
            at += 1
    return "".join(shown)


def _without_returns(line: str) -> str:
    """Return what stays of a line when each carriage return starts to write over it.

    Read from the last piece back, a piece only adds what is longer than all that came after it:
    that keeps a line of many small pieces linear.
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
