"""Files that were cut off: a server was killed, or its disk was full, while it wrote them.

A contents manager writes into the file itself, so that its links and its owner stay. Half a
notebook is none, so it is told by itself. Half a text is a text, and may be what somebody wanted:
only who knows what was being written can tell.
"""

from __future__ import annotations

import codecs
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import json

ZERO = "\0"

NEAR = 8
"""How many characters before its end the parser may stop in a text that is cut off: it says where
a word or an escape begins."""


def is_cut_off(error: json.JSONDecodeError) -> bool:
    """Return whether JSON cannot be read because its end is missing, and not for another reason."""
    if error.msg.startswith("Unterminated string"):
        return True
    return len(error.doc.rstrip()) - error.pos < NEAR


def is_beginning(text: str, whole: str) -> bool:
    """Return whether a text is what was written of another before the writing ended.

    After a loss of power a file may have its new length already, and zeros for what is missing.
    """
    return text != whole and whole.startswith(text.rstrip(ZERO))


def decoded(data: bytes) -> str | None:
    """Return the text of a file that may end in the middle of a character; None if it is none."""
    try:
        return codecs.getincrementaldecoder("utf-8")().decode(data.rstrip(ZERO.encode()))
    except UnicodeDecodeError:
        return None
