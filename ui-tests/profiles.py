"""Lends browser profiles; one on the disk keeps JupyterLab's scripts, fetched and compiled.

As for a person, who loads JupyterLab every day and waits for its megabytes of scripts only once.
"""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from lab_page import PROFILE, new_context, watched

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from playwright.sync_api import BrowserContext, BrowserType

    from lab_page import Console

_KEPT_BY_SERVERS = "cookies,file_systems,indexeddb,local_storage,service_workers,websql"
"""What the browser keeps for a site, besides what it only need not fetch or compile again."""


class Profiles:
    """The profiles of one running browser.

    Parameters
    ----------
    chromium
        Starts the browser.
    folder
        Where its profile is kept.
    options
        Of the start.
    """

    def __init__(self, chromium: BrowserType, folder: Path, **options: Any) -> None:
        self._kept = chromium.launch_persistent_context(folder, **PROFILE, **options)
        self._lent = False

    @contextmanager
    def lend(self, console: Console, **options: Any) -> Iterator[BrowserContext]:
        """Lend a profile without pages, cookies and data, whose errors go to `console`.

        It is one of its own where another is lent already, or where it needs other options.
        """
        if self._lent or options:
            browser = self._kept.browser
            assert browser is not None
            context = new_context(browser, console, **options)
            try:
                yield context
            finally:
                context.close()
            return
        self._lent = True
        try:
            yield watched(self._kept, console)
        finally:
            self._clear()
            console.leave(self._kept)
            self._lent = False

    def close(self) -> None:
        """Close the browser."""
        self._kept.close()

    def _clear(self) -> None:
        for page in self._kept.pages:
            page.close()
        self._kept.unroute_all()
        self._kept.set_offline(False)
        self._kept.clear_cookies()
        page = self._kept.new_page()
        self._kept.new_cdp_session(page).send(
            "Storage.clearDataForOrigin", {"origin": "*", "storageTypes": _KEPT_BY_SERVERS}
        )
        page.close()
