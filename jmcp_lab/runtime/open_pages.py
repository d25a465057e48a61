"""Tracks the open JupyterLab pages and what the person looks at in them.

A page with the panel polls the state, so a page that has not polled for a while is gone. This tells
whether anybody is there to approve a request. Such a page may come back with unsaved changes, for
example when a computer wakes up, so its list of unsaved files is kept longer than the page.
"""

from __future__ import annotations

import asyncio
import math
import re
import time
from collections import Counter, OrderedDict
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any
from uuid import uuid4

from ..errors import InvalidArgumentError

ALIVE = 75.0
"""Seconds without a poll after which a page is gone; hidden tabs poll at least once a minute."""

ASLEEP = 24 * 3600.0
"""Seconds for which a page that vanished may come back with unsaved changes."""

RELOAD_SECONDS = 10.0
"""Seconds in which a page that said goodbye may be reloading."""

MAX_WRITTEN = 100
"""Maximum number of recently written files to remember."""

MAX_PAGES = 50
"""Maximum number of pages to remember, and of pages that have vanished."""

MAX_OPEN = 100
"""Maximum number of files that one page can report as open."""

MAX_HELD = 1000
"""Maximum number of cells of a file that one page can report as edited, and as running."""

MAX_PATH = 1000
"""Maximum length of a path, in characters."""

MAX_SELECTION = 10_000
"""Maximum number of characters of a selection to remember."""

_TAB = re.compile(r"[A-Za-z0-9_-]{1,64}")


@dataclass(slots=True)
class Page:
    """What one page last reported; `asked` is set once it has polled this server for the state."""

    last_word: float
    asked: bool = False
    told: float = 0.0
    visible: bool = False
    focused: bool = False
    active: dict[str, Any] | None = None
    open: list[dict[str, Any]] = field(default_factory=list)
    files: list[dict[str, Any]] = field(default_factory=list)

    def entries(self, path: str) -> list[dict[str, Any]]:
        """Return what the page reported about a notebook or a text file."""
        return [entry for entry in (*self.open, *self.files) if entry["path"] == path]


class OpenPages:
    """The pages that are open.

    Parameters
    ----------
    clock : callable, optional
        Monotonic clock, in seconds.
    """

    def __init__(self, *, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._pages: dict[str, Page] = {}
        self._asleep: dict[str, Page] = {}
        self._wanted: Counter[str] = Counter()
        self._written: OrderedDict[str, str] = OrderedDict()
        self._told = asyncio.Event()
        self.ring: Callable[[], None] = lambda: None
        """Is called when pages should poll."""
        self.address: str | None = None
        """Address of the server as the person's browser knows it, from the latest page."""
        self._last_goodbye = -RELOAD_SECONDS - 1
        self._silent: dict[str, float] = {}

    def seen(self, tab: str) -> bool:
        """Record that a page polls the state, and return whether it had polled before."""
        page = self._note(tab)
        asked, page.asked = page.asked, True
        return asked

    def _note(self, tab: str) -> Page:
        """Return the record of a live page, which may report what it shows before it polls."""
        self._prune()
        page = self._pages.get(_tab(tab))
        if page is not None:
            page.last_word = self._clock()
            return page
        if len(self._pages) >= MAX_PAGES:
            self._falls_silent(min(self._pages, key=lambda name: self._pages[name].last_word))
        page = self._pages[tab] = Page(self._clock())
        self._silent.pop(tab, None)
        before = self._asleep.pop(tab, None)
        if before is not None:
            # Until it reports again.
            page.open, page.files = before.open, before.files
        return page

    def tell(self, tab: str, view: Mapping[str, Any]) -> None:
        """Record what the person looks at in a page.

        Raises
        ------
        InvalidArgumentError
        """
        active = _active(view.get("active"))
        opened, files = _open(view, "open"), _open(view, "files")
        page = self._note(tab)
        page.told = self._clock()
        page.visible = view.get("visible") is True
        page.focused = view.get("focused") is True
        page.active, page.open, page.files = active, opened, files
        self._told.set()

    def forget(self, tab: str) -> None:
        """Record that a page was closed or is being reloaded."""
        self._asleep.pop(_tab(tab), None)
        self._silent.pop(_tab(tab), None)
        if self._pages.pop(tab, None) is not None:
            self._last_goodbye = self._clock()
            self._told.set()

    def anyone(self) -> bool:
        """Return whether a page with the panel is open, so that somebody can approve."""
        self._prune()
        return bool(self._pages)

    def recently(self) -> bool:
        """Return whether such a page may poll in a moment.

        Either it was open a few seconds ago and may be reloading, or it is hidden, does not poll
        while no agent is connected, and has just been notified.
        """
        reloads = self._clock() - self._last_goodbye <= RELOAD_SECONDS
        return self.anyone() or reloads or bool(self._silent)

    def looking_at(self) -> dict[str, Any] | None:
        """Return what the person looks at in the focused page, or else in the latest one."""
        self._prune()
        if not self._pages:
            return None
        page = max(self._pages.values(), key=lambda page: (page.focused, page.visible, page.told))
        return {"active": page.active, "open": page.open, "visible": page.visible}

    # -- files that pages do not share live ----------------------------------------------------

    def paths(self) -> set[str]:
        """Return the paths of the notebooks that pages have open."""
        self._prune()
        return {entry["path"] for page in self._pages.values() for entry in page.open}

    def editing(self, path: str) -> set[str]:
        """Return the ids of a notebook's cells in which pages have the caret."""
        return self._held(path, "editing")

    def running(self, path: str) -> set[str]:
        """Return the ids of a notebook's cells that pages are running."""
        return self._held(path, "running")

    def _held(self, path: str, how: str) -> set[str]:
        self._prune()
        entries = [entry for page in self._pages.values() for entry in page.entries(path)]
        return {cell_id for entry in entries for cell_id in entry[how]}

    def unsaved(self, path: str) -> bool:
        """Return whether a page has unsaved changes in a notebook or a text file.

        A page that is asleep counts, unless a page that reported later has the file open. The
        person works on in that one, and the other page merges when it comes back.
        """
        return any(entry["dirty"] for entry in self._entries(path))

    async def saved(self, path: str, seconds: float) -> bool:
        """Ask pages to save a file, and return whether no unsaved change is left in the end.

        A page in which the person has turned autosave off is not asked.
        """
        if any(entry["dirty"] and not entry["saves"] for entry in self._entries(path)):
            return False
        if not self.unsaved(path):
            return True
        self._wanted[path] += 1
        self.ring()
        try:
            async with asyncio.timeout(seconds):
                while self.unsaved(path):
                    self._told.clear()
                    await self._told.wait()
        except TimeoutError:
            return False
        finally:
            self._wanted[path] -= 1
            self._wanted += Counter()  # drops the entries that reached zero
        return True

    def wrote(self, path: str) -> None:
        """Tell pages that the content of a file has changed."""
        # The mark is unique, also among those of earlier servers.
        self._written[path] = uuid4().hex[:12]
        self._written.move_to_end(path)
        if len(self._written) > MAX_WRITTEN:
            self._written.popitem(last=False)
        self.ring()

    def errands(self) -> dict[str, Any]:
        """Return what pages should do: files to save, and files that were written."""
        return {"save": sorted(self._wanted), "written": dict(self._written)}

    def _entries(self, path: str) -> list[dict[str, Any]]:
        self._prune()
        awake = [(page, entry) for page in self._pages.values() for entry in page.entries(path)]
        last = max((page.told for page, _ in awake), default=-math.inf)
        return [entry for _, entry in awake] + [
            entry
            for page in self._asleep.values()
            for entry in page.entries(path)
            if entry["dirty"] and page.last_word >= last
        ]

    def _prune(self) -> None:
        now = self._clock()
        for tab, page in list(self._pages.items()):
            if now - page.last_word > ALIVE:
                self._falls_silent(tab)
        for tab, page in list(self._asleep.items()):
            if now - page.last_word > ASLEEP:
                del self._asleep[tab]
        for tab, since in list(self._silent.items()):
            if now - since > ASLEEP:
                del self._silent[tab]

    def _falls_silent(self, tab: str) -> None:
        page = self._pages.pop(tab)
        if not page.visible:
            self._silent[tab] = self._clock()
            if len(self._silent) > MAX_PAGES:
                del self._silent[min(self._silent, key=lambda name: self._silent[name])]
        if any(entry["dirty"] for entry in (*page.open, *page.files)):
            self._asleep[tab] = page
            if len(self._asleep) > MAX_PAGES:
                del self._asleep[min(self._asleep, key=lambda name: self._asleep[name].last_word)]


def _tab(tab: str) -> str:
    if not _TAB.fullmatch(tab):
        raise InvalidArgumentError("The id of a page can have at most 64 letters and digits.")
    return tab


def path_of(value: object) -> str:
    """Return a path that a page sent, after checking it.

    Raises
    ------
    InvalidArgumentError
    """
    if not isinstance(value, str) or not 0 < len(value) <= MAX_PATH:
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
        raise InvalidArgumentError("'active' must be an object or null.")
    cell_id = value.get("cell_id")
    selection = value.get("selection")
    text = selection.get("text") if isinstance(selection, Mapping) else None
    return {
        "path": path_of(value.get("path")),
        "cell_id": cell_id if isinstance(cell_id, str) and len(cell_id) <= 64 else None,
        "cursor": _numbers(value.get("cursor"), ("line", "column")),
        "selection": {"text": text[:MAX_SELECTION]} if isinstance(text, str) else None,
    }


def _open(view: Mapping[str, Any], name: str) -> list[dict[str, Any]]:
    value = view.get(name)
    if value is None:
        return []
    if not isinstance(value, list) or not all(isinstance(item, Mapping) for item in value):
        raise InvalidArgumentError(f"'{name}' must be a list of objects.")
    return [
        {
            "path": path_of(item.get("path")),
            "dirty": item.get("dirty") is True,
            "saves": item.get("saves") is not False,
            "editing": _ids(item.get("editing")),
            "running": _ids(item.get("running")),
        }
        for item in value[:MAX_OPEN]
    ]


def _ids(value: object) -> list[str]:
    if not isinstance(value, list):
        return []
    return [each for each in value[:MAX_HELD] if isinstance(each, str) and len(each) <= 64]
