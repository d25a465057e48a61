"""Patterns by which people choose notebooks for an agent."""

from __future__ import annotations

import fnmatch
from collections.abc import Iterable

from ..files.names import normal_form

_ANY = ("q7zx.ipynb", "w9q/q7zx.ipynb", "e3w/w9q/q7zx.ipynb", "a/b/c/d/e/f/g/q7zx.ipynb")
"""Notebooks that nobody has in mind, and that only a choice of all would choose."""


def choose_all(patterns: Iterable[str]) -> bool:
    """Return whether patterns choose all notebooks, however they are written."""
    patterns = tuple(patterns)
    return all(any(matches(path, pattern) for pattern in patterns) for path in _ANY)


def matches(path: str, pattern: str) -> bool:
    """Return whether a pattern chooses a path, part by part.

    ``*`` stays within a folder, ``**`` is any depth. A bracket is a bracket: a notebook's own name
    chooses that notebook and no other.
    """
    path, pattern = normal_form(path), normal_form(pattern)
    return _match(path.split("/"), pattern.strip("/").replace("[", "[[]").split("/"))


def _match(parts: list[str], patterns: list[str]) -> bool:
    """Match all parts, each pattern against each part once at most, whatever an agent chose."""
    # Whether the patterns so far fit the first none, one, … or all of the parts.
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
