"""Files that were cut off: a server was killed, or lost its power, while it wrote them.

A contents manager writes into the file itself, so that its links and its owner stay. It copies
what was there to a file of another name before, and deletes that copy afterwards.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any

from jupyter_server.services.contents import fileio

if TYPE_CHECKING:
    import json

# Its functions carry no types.
_fileio: Any = fileio

NEAR = 8
"""How many characters before its end the parser may stop in a text that is cut off: it says where
a word or an escape begins."""


def is_cut_off(error: json.JSONDecodeError) -> bool:
    """Return whether JSON cannot be read because its end is missing, and not for another reason."""
    if error.msg.startswith("Unterminated string"):
        return True
    return len(error.doc.rstrip()) - error.pos < NEAR


def was_being_written(manager: Any, path: str) -> bool:  # noqa: ANN401 - of any kind
    """Return whether a server ended while it wrote a file.

    Parameters
    ----------
    manager : ContentsManager
        One that keeps no files on this machine's disk tells nothing.
    path : str
    """
    root = getattr(manager, "root_dir", None)
    if not root:
        return False
    return os.path.exists(_fileio.path_to_intermediate(os.path.join(root, path)))
