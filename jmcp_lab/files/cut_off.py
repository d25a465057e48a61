"""Detect truncated files: a server was killed, or its disk was full, while it wrote them.

A contents manager writes to the file in place, so that links and owner stay. A truncated notebook
is recognizable, because it is not valid JSON. A truncated text is still a text, and may be what
somebody wanted. Only code that knows what was being written can tell.
"""

from __future__ import annotations

import codecs
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import json

ZERO = "\0"

NEAR = 8
"""Maximum characters before the end at which the parser of a truncated text may stop. It reports
the start of a word or an escape sequence.
"""


def is_cut_off(error: json.JSONDecodeError) -> bool:
    """Return whether JSON is invalid only because its end is missing."""
    if error.msg.startswith("Unterminated string"):
        return True
    return len(error.doc.rstrip()) - error.pos < NEAR


def is_beginning(text: str, whole: str) -> bool:
    """Return whether a text is what an interrupted write of another text leaves.

    After a power loss, a file may have its new length already, with zeros for the missing part.
    """
    return text != whole and whole.startswith(text.rstrip(ZERO))


def decoded(data: bytes) -> str | None:
    """Decode a file that may end inside a character; return None if it is not text."""
    try:
        return codecs.getincrementaldecoder("utf-8")().decode(data.rstrip(ZERO.encode()))
    except UnicodeDecodeError:
        return None
