"""Globs on names and paths, matched in a time that does not grow without measure."""

from __future__ import annotations

import fnmatch
import re
from collections.abc import Callable

from .names import normal_form

_ANY_FOLDERS = re.compile(r"(?:(?<=/)|^)(?:\*\*/)+")


def glob(pattern: str) -> Callable[[str], bool]:
    """Return what tells whether a name, or a path when the glob holds a slash, fits a glob.

    ``*`` is any text, slashes included. ``**/`` is any folders, or none. Names that look the same
    because they are fit the same globs.

    Parameters
    ----------
    pattern : str
    """
    pattern = _ANY_FOLDERS.sub("**/", normal_form(pattern))
    # The standard library's own cache would keep as many globs as somebody thinks of, for ever.
    found = [_compiled(pattern)]
    if (without := _ANY_FOLDERS.sub("", pattern)) != pattern:
        found.append(_compiled(without))
    on_path = "/" in pattern

    def fits(path: str) -> bool:
        name = normal_form(path if on_path else path.rpartition("/")[2])
        return any(one.match(name) for one in found)

    return fits


def _compiled(pattern: str) -> re.Pattern[str]:
    # What `translate` returns does not go back over what follows a star: it takes linear time.
    return re.compile(fnmatch.translate(pattern))
