"""Compute the merges of one call once each, and off the event loop if the texts are large.

A call previews its change before it asks, and applies it afterwards. Both use the same merge.
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
"""The earlier text, the wanted text and the current text."""

LARGE = 50_000
"""Number of characters in all three texts from which a merge takes more than a few milliseconds."""


MAX_KNOWN = 20
"""Maximum number of cached merges of one change, as a person may type while the call waits."""


class Merges:
    """Merges texts, and caches the results."""

    def __init__(self) -> None:
        self._known: dict[tuple[str, str], dict[str, list[Splice] | MergeConflict]] = {}

    def merge(self, base: str, mine: str, present: str) -> list[Splice]:
        """Rebase the change from `base` to `mine` onto `present`; see `three_way_merge.merge`.

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
        """Compute large merges in a thread, so that the event loop finds them cached."""
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
    if len(known) > MAX_KNOWN:
        del known[next(iter(known))]


def _merged(texts: Texts) -> list[Splice] | MergeConflict:
    try:
        return merge(*texts)
    except MergeConflict as conflict:
        return conflict
