"""The JupyterLab pages that are open, and what the person looks at in them.

A page with the panel asks for the state again and again; one that has not asked for a while is
gone. So it is known whether anybody is there to approve.
"""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from ..errors import InvalidArgumentError

ALIVE = 75.0
"""Seconds without a word after which a page is gone; hidden tabs poll once a minute at least."""

RELOADS_WITHIN = 10.0
"""Seconds for which a page that said goodbye may only be reloading."""

MOST_PAGES = 50
MOST_OPEN = 100
LONGEST_PATH = 1000
LONGEST_SELECTION = 10_000

_TAB = re.compile(r"[A-Za-z0-9_-]{1,64}")


@dataclass(slots=True)
class Page:
    """One page, by what it last told; `asked` once it has asked this server for the state."""

    last_word: float
    asked: bool = False
    told: float = 0.0
    visible: bool = False
    focused: bool = False
    active: dict[str, Any] | None = None
    open: list[dict[str, Any]] = field(default_factory=list)


class OpenPages:
    """The pages that are open.

    Parameters
    ----------
    clock : callable, optional
        Seconds on a clock that is never set back.
    """

    def __init__(self, *, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._pages: dict[str, Page] = {}
        self._last_goodbye = -RELOADS_WITHIN - 1

    def seen(self, tab: str) -> bool:
        """Note that a page asks for the state; return whether it had asked before."""
        page = self._note(tab)
        asked, page.asked = page.asked, True
        return asked

    def _note(self, tab: str) -> Page:
        """Return a page that is there: it may have told what it shows before it asks anything."""
        self._prune()
        page = self._pages.get(_tab(tab))
        if page is not None:
            page.last_word = self._clock()
            return page
        if len(self._pages) >= MOST_PAGES:
            oldest = min(self._pages, key=lambda name: self._pages[name].last_word)
            del self._pages[oldest]
        page = self._pages[tab] = Page(self._clock())
        return page

    def tell(self, tab: str, view: Mapping[str, Any]) -> None:
        """Note what the person looks at in a page.

        Raises
        ------
        InvalidArgumentError
        """
        active, opened = _active(view.get("active")), _open(view.get("open"))
        page = self._note(tab)
        page.told = self._clock()
        page.visible = view.get("visible") is True
        page.focused = view.get("focused") is True
        page.active, page.open = active, opened

    def forget(self, tab: str) -> None:
        """Note that a page was closed or is being reloaded."""
        if self._pages.pop(_tab(tab), None) is not None:
            self._last_goodbye = self._clock()

    def anyone(self) -> bool:
        """Return whether a page with the panel is open, so that somebody can approve."""
        self._prune()
        return bool(self._pages)

    def recently(self) -> bool:
        """Return whether such a page was open a few seconds ago: it may be reloading."""
        return self.anyone() or self._clock() - self._last_goodbye <= RELOADS_WITHIN

    def looking_at(self) -> dict[str, Any] | None:
        """Return what the person looks at: in the page that has the focus, else the last one."""
        self._prune()
        if not self._pages:
            return None
        page = max(self._pages.values(), key=lambda page: (page.focused, page.visible, page.told))
        return {"active": page.active, "open": page.open, "visible": page.visible}

    def _prune(self) -> None:
        now = self._clock()
        for tab, page in list(self._pages.items()):
            if now - page.last_word > ALIVE:
                del self._pages[tab]


def _tab(tab: str) -> str:
    if not _TAB.fullmatch(tab):
        raise InvalidArgumentError("A page's id has at most 64 letters and digits.")
    return tab


def _path(value: object) -> str:
    if not isinstance(value, str) or not 0 < len(value) <= LONGEST_PATH:
        raise InvalidArgumentError("A path is missing or too long.")
    return value


def _numbers(value: object, names: tuple[str, str]) -> dict[str, int] | None:
    if not isinstance(value, Mapping):
        return None
    found = {name: value.get(name) for name in names}
    return {n: v for n, v in found.items() if isinstance(v, int)} or None


def _active(value: object) -> dict[str, Any] | None:
    if value is None:
        return None
    if not isinstance(value, Mapping):
        raise InvalidArgumentError("'active' is an object or null.")
    cell_id = value.get("cell_id")
    selection = value.get("selection")
    text = selection.get("text") if isinstance(selection, Mapping) else None
    return {
        "path": _path(value.get("path")),
        "cell_id": cell_id if isinstance(cell_id, str) and len(cell_id) <= 64 else None,
        "cursor": _numbers(value.get("cursor"), ("line", "column")),
        "selection": {"text": text[:LONGEST_SELECTION]} if isinstance(text, str) else None,
    }


def _open(value: object) -> list[dict[str, Any]]:
    if value is None:
        return []
    if not isinstance(value, list) or not all(isinstance(item, Mapping) for item in value):
        raise InvalidArgumentError("'open' is a list of objects.")
    return [
        {"path": _path(item.get("path")), "dirty": item.get("dirty") is True}
        for item in value[:MOST_OPEN]
    ]
