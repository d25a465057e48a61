"""Keeps one page for tests that need no page of their own: loading JupyterLab takes longer."""

from __future__ import annotations

from contextlib import ExitStack
from typing import TYPE_CHECKING

from playwright.sync_api import TimeoutError as PlaywrightTimeout

from lab_page import log_in, open_lab

if TYPE_CHECKING:
    from playwright.sync_api import BrowserContext, Page

    from lab_page import Console
    from lab_server import LabServer
    from profiles import Profiles

EMPTY_MS = 5000
"""Milliseconds for a page to close what is open; a new page takes longer than that to load."""

# Not by the command, which asks whether to save.
_CLOSE_ALL = """() => {
  const { shell } = window.jupyterapp;
  [...shell.widgets('main')].forEach(widget => widget.dispose());
  shell.collapseRight();
}"""

_TIDY = """() => document.querySelector('.jp-Launcher') !== null
  && document.querySelector('.jp-Dialog, .jp-NotebookPanel, .jp-FileEditor') === null"""


class KeptPage:
    """A page of JupyterLab that is emptied between tests instead of loaded again.

    A test that fails may leave anything behind, so the next one gets a new page; so it does where a
    page cannot be emptied.

    Parameters
    ----------
    profiles
        Where to borrow a profile for it.
    server
        The server whose JupyterLab it shows.
    """

    def __init__(self, profiles: Profiles, server: LabServer) -> None:
        self._profiles = profiles
        self._server = server
        self._borrowed = ExitStack()
        self._context: BrowserContext | None = None
        self._page: Page | None = None

    def open(self, console: Console) -> Page:
        """Return the page for one test, whose errors go to `console`."""
        if self._context is None or self._page is None:
            self._context = self._borrowed.enter_context(self._profiles.lend(console))
            log_in(self._context, self._server)
            page = self._context.new_page()
            open_lab(page, self._server)
            self._page = page
        else:
            console.watch(self._context)
        return self._page

    def empty(self, console: Console) -> None:
        """Close what a test has opened, and stop watching for it."""
        assert self._context is not None
        assert self._page is not None
        for other in self._context.pages:
            if other is not self._page:
                other.close()
        self._page.unroute_all()
        self._page.evaluate(_CLOSE_ALL)
        try:
            # JupyterLab then shows the launcher, as in a new page.
            self._page.wait_for_function(_TIDY, timeout=EMPTY_MS)
        except PlaywrightTimeout:
            self.close()
            return
        self._page.mouse.move(0, 0)
        console.leave(self._context)

    def close(self) -> None:
        """Close the page; the next test gets a new one."""
        self._borrowed.close()
        self._context = self._page = None
