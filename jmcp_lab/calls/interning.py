"""Share equal values between calls, because most of a thousand calls have nearly equal content."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, TypeVar, cast

if TYPE_CHECKING:
    from collections.abc import Hashable

    from .call import Action

T = TypeVar("T", bound="Hashable")

MAX_KEPT = 256


class Alike:
    """Caches the latest values, and returns the first of several equal ones.

    Parameters
    ----------
    kept : int, optional
        Maximum number of cached values. A value that leaves the cache lives on where it is used.
    """

    def __init__(self, kept: int = MAX_KEPT) -> None:
        self._kept = kept
        self._found: dict[tuple[type, Hashable], Hashable] = {}

    def __call__(self, value: T) -> T:
        """Return a value that equals this one; it may be this one."""
        # Include the type, because True equals 1.
        key = type(value), value
        found = self._found.get(key)
        if found is not None:
            return cast("T", found)
        self._found[key] = value
        if len(self._found) > self._kept:
            del self._found[next(iter(self._found))]
        return value

    def action(self, action: Action) -> Action:
        """Return an action without its preview, sharing equal parts with other actions."""
        bare = action if action.preview is None else replace(action, preview=None)
        found = self._found.get((type(bare), bare))
        if found is not None:
            return cast("Action", found)
        target = bare.target
        alike = replace(
            target,
            path=self(target.path),
            cell_ids=self(target.cell_ids),
            positions=self(target.positions),
            kernel=self(target.kernel),
            file_id=self(target.file_id),
            kernel_id=self(target.kernel_id),
        )
        return self(replace(bare, target=self(alike), details=self(bare.details)))
