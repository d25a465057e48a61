"""Patterns with which people choose notebooks for an agent."""

from __future__ import annotations

import fnmatch
from collections.abc import Iterable

from ..files.names import normal_form

_ANY = ("q7zx.ipynb", "w9q/q7zx.ipynb", "e3w/w9q/q7zx.ipynb", "a/b/c/d/e/f/g/q7zx.ipynb")
"""Paths of made-up notebooks that only patterns for all notebooks match."""


def choose_all(patterns: Iterable[str]) -> bool:
    """Return whether patterns match all notebooks, however they are written."""
    patterns = tuple(patterns)
    return all(any(matches(path, pattern) for pattern in patterns) for path in _ANY)


def matches(path: str, pattern: str) -> bool:
    """Return whether a pattern matches a path, part by part.

    ``*`` stays within a folder, and ``**`` matches any depth. A bracket is literal, so a notebook's
    own name matches that notebook and no other.
    """
    path, pattern = normal_form(path), normal_form(pattern)
    return _match(path.split("/"), pattern.strip("/").replace("[", "[[]").split("/"))


def _match(parts: list[str], patterns: list[str]) -> bool:
    """Match all parts in bounded time, comparing each pattern with each part at most once."""
    # Whether the patterns so far match the first none, one, … or all of the parts.
    fits = [True] + [False] * len(parts)
    for pattern in patterns:
        if pattern == "**":
            first = fits.index(True) if True in fits else len(fits)
            fits = [at >= first for at in range(len(fits))]
        else:
            fits = [False] + [
                before and fnmatch.fnmatchcase(part, pattern)
                for before, part in zip(fits, parts, strict=False)
            ]
    return fits[-1]
