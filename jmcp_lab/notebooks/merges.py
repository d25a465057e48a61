"""The merges of one call, each worked out once, and off the event loop where texts are large.

What a call shows before it asks is what it does after that, and both are the same merge.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from ..server.heavy_work import in_turn
from ..text.three_way_merge import MergeConflict, merge

if TYPE_CHECKING:
    from collections.abc import Iterable

    from ..text.three_way_merge import Splice

Texts = tuple[str, str, str]
"""What was there before, what is wanted instead, and what is there now."""

LARGE = 50_000
"""Characters, of all three texts, from which on a merge takes more than some milliseconds."""


MOST_KNOWN = 20
"""Merges of one change with what is there now, which a person types while the call waits."""


class Merges:
    """Merges texts, and knows what came of it."""

    def __init__(self) -> None:
        self._known: dict[tuple[str, str], dict[str, list[Splice] | MergeConflict]] = {}

    def merge(self, base: str, mine: str, present: str) -> list[Splice]:
        """Map the change from `base` to `mine` onto `present`; see `merge.merge`.

        Raises
        ------
        MergeConflict
        """
        known = self._known.setdefault((base, mine), {})
        if present not in known:
            _keep(known, present, _merged((base, mine, present)))
        found = known[present]
        if isinstance(found, MergeConflict):
            raise MergeConflict(found.line)
        return found

    async def ahead(self, found: Iterable[Texts]) -> None:
        """Work out large merges in a thread, so that the loop finds them done."""
        for texts in found:
            base, mine, present = texts
            known = self._known.setdefault((base, mine), {})
            if sum(map(len, texts)) >= LARGE and present not in known:
                _keep(known, present, await asyncio.to_thread(in_turn, _merged, texts))


def _keep(
    known: dict[str, list[Splice] | MergeConflict],
    present: str,
    found: list[Splice] | MergeConflict,
) -> None:
    known[present] = found
    if len(known) > MOST_KNOWN:
        del known[next(iter(known))]


def _merged(texts: Texts) -> list[Splice] | MergeConflict:
    try:
        return merge(*texts)
    except MergeConflict as conflict:
        return conflict
