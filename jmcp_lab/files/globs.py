"""Match names and paths against globs in bounded time."""

from __future__ import annotations

import fnmatch
import re
from collections.abc import Callable

from .names import normal_form

_ANY_FOLDERS = re.compile(r"(?:(?<=/)|^)(?:\*\*/)+")


def glob(pattern: str) -> Callable[[str], bool]:
    """Return a predicate that matches names, or paths if the glob contains a slash.

    ``*`` matches any text, including slashes. ``**/`` matches any folders, or none. Names that
    differ only in their Unicode normal form match the same globs.

    Parameters
    ----------
    pattern : str
    """
    pattern = _ANY_FOLDERS.sub("**/", normal_form(pattern))
    # The standard library's cache would keep every glob that anybody tries, for ever.
    found = [_compiled(pattern)]
    if (without := _ANY_FOLDERS.sub("", pattern)) != pattern:
        found.append(_compiled(without))
    on_path = "/" in pattern

    def fits(path: str) -> bool:
        name = normal_form(path if on_path else path.rpartition("/")[2])
        return any(one.match(name) for one in found)

    return fits


def _compiled(pattern: str) -> re.Pattern[str]:
    # The regular expression that `translate` returns does not backtrack into stars, so it takes
    # linear time.
    return re.compile(fnmatch.translate(pattern))
