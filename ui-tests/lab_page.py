"""Opens JupyterLab pages in Chromium, and lists the console errors that are not ours."""

from __future__ import annotations

import os
import re
import shutil
from contextlib import suppress
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from playwright.sync_api import Browser, BrowserContext, ConsoleMessage, Page, WebError

    from lab_server import LabServer

CHROMIUM_ARGUMENTS = [
    # Chromium's sandbox does not work as root in a container.
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    # /dev/shm is 64 MB in a container.
    "--disable-dev-shm-usage",
    # The browser connects only to the server under test.
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]

PROFILE: dict[str, Any] = {
    "locale": "en-US",
    "viewport": {"width": 1280, "height": 800},
    "permissions": ["clipboard-read", "clipboard-write"],
}
"""What a browser profile is like."""

NO_CHROMIUM = (
    "The browser tests need Chromium and none was found: install it (Debian: "
    "`apt-get install chromium`) or set CHROMIUM_PATH to the executable of Chromium or Chrome."
)

_CANDIDATES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")

_KNOWN_CONSOLE_ERRORS: tuple[tuple[str, str], ...] = (
    (
        r"Plugin '@jupyter/docprovider-extension:statusBarTimeline' failed to activate",
        "jupyter-docprovider 3.0.4 requires a status bar there, which Notebook 7 has not",
    ),
    (
        r"reading 'schema'\)[\s\S]*/static/notebook/notebook_core\.",
        "Notebook 7.6.5 emits settings of a plugin that it does not know, also without us",
    ),
    (
        r"Canceled future for \w+ message before replies were done",
        "JupyterLab 4.6 logs it when a notebook is closed soon after it was opened",
    ),
    (
        r"^uncaught: Disposed\n[\s\S]*_handleNewSession",
        "JupyterLab 4.6 logs it when a notebook is closed while its kernel is being started",
    ),
    (
        r"^Comm not found for comm id ",
        "JupyterLab 4.6 logs it when another page on the same kernel has opened a comm",
    ),
    (
        r"^Failed to load resource: .*/mathjax/[\d.]+/es5/tex-svg\.min\.js",
        "the HTML of plotly 7 asks the network for MathJax, and the figure needs none",
    ),
)
"""Tolerated errors in the browser's console: (regular expression, reason)."""


def find_chromium() -> str:
    """Return the path of the browser to test with.

    Raises
    ------
    FileNotFoundError
        There is no browser; the message says what to install.
    """
    named = os.environ.get("CHROMIUM_PATH")
    found = next(filter(None, map(shutil.which, [named] if named else _CANDIDATES)), None)
    if found is None:
        raise FileNotFoundError(NO_CHROMIUM)
    return found


class Console:
    """Errors in the pages of a browser context."""

    def __init__(self) -> None:
        self.errors: list[str] = []
        self._expected: list[str] = []

    def watch(self, context: BrowserContext) -> None:
        """Collect the errors of all pages of `context`, including pages that open later."""
        context.on("console", self._on_console)
        context.on("weberror", self._on_error)

    def leave(self, context: BrowserContext) -> None:
        """Collect no more of what happens in `context`, if that has not been said before."""
        with suppress(KeyError):
            context.remove_listener("console", self._on_console)
            context.remove_listener("weberror", self._on_error)

    def expect(self, pattern: str) -> None:
        """Tolerate matching errors, for a test that provokes them on purpose."""
        self._expected.append(pattern)

    def unexpected(self) -> list[str]:
        """Return the unexpected errors."""
        patterns = [*self._expected, *(pattern for pattern, _ in _KNOWN_CONSOLE_ERRORS)]
        return [
            error for error in self.errors if not any(re.search(each, error) for each in patterns)
        ]

    def _on_error(self, error: WebError) -> None:
        # The stack shows which extension caused the error.
        self.errors.append(f"uncaught: {error.error.message}\n{error.error.stack}")

    def _on_console(self, message: ConsoleMessage) -> None:
        if message.type == "error":
            where = message.location.get("url", "")
            self.errors.append(f"{message.text} ({where})" if where else message.text)


def new_context(browser: Browser, console: Console, **options: Any) -> BrowserContext:
    """Return a fresh browser profile that may use the clipboard, and watch its errors."""
    return watched(browser.new_context(**{**PROFILE, **options}), console)


def watched(context: BrowserContext, console: Console) -> BrowserContext:
    """Return the profile, with patience and with its errors watched."""
    context.set_default_timeout(30_000)
    console.watch(context)
    return context


def log_in(context: BrowserContext, server: LabServer) -> None:
    """Give the context the login cookie, as a person's first visit with the token does."""
    answer = context.request.get(f"{server.url}lab", params={"token": server.token})
    assert answer.ok, f"login failed: {answer.status}"


def open_lab(page: Page, server: LabServer, path: str = "lab?reset") -> None:
    """Open JupyterLab (or Notebook 7, at `tree` or `notebooks/…`) and wait until it is ready.

    ``?reset`` empties the workspace, so that no test sees the documents of another one.
    """
    page.goto(f"{server.url}{path}")
    page.wait_for_function("() => window.jupyterapp !== undefined")
    _wait_until_restored(page)
    page.locator("#jupyterlab-splash").wait_for(state="detached")
    if path == "lab?reset":
        # The launcher appears a moment later and takes the focus.
        page.wait_for_function("() => document.activeElement?.closest('.jp-Launcher')")


def reload_lab(page: Page) -> None:
    """Reload the page, and wait until it is ready.

    The place of the panel then depends on whether JupyterLab had saved its layout, which it does a
    while after each change.
    """
    page.reload()
    page.wait_for_function("() => window.jupyterapp !== undefined")
    _wait_until_restored(page)


def _wait_until_restored(page: Page, limit: float = 30.0) -> None:
    # `evaluate` has no timeout, so a plugin that never activates would block it forever.
    waiting = page.evaluate(
        """limit => Promise.race([
          window.jupyterapp.restored.then(() => null),
          new Promise(resolve => setTimeout(resolve, limit * 1000)).then(() => {
            const app = window.jupyterapp;
            const ours = app.listPlugins().filter(id => id.startsWith('jmcp-lab:'));
            return ours.filter(id => !app.isPluginActivated(id));
          })
        ])""",
        limit,
    )
    assert waiting is None, (
        f"JupyterLab was not restored within {limit:.0f} s; not activated of ours: {waiting}"
    )


def open_notebook(page: Page, path: str) -> None:
    """Open a notebook in a JupyterLab page, and wait until its cells are visible."""
    page.evaluate(
        "path => window.jupyterapp.commands"
        ".execute('docmanager:open', { path, factory: 'Notebook' }).then(() => null)",
        path,
    )
    page.locator(".jp-NotebookPanel:not(.lm-mod-hidden) .jp-Cell").first.wait_for()


def panel_request(
    page: Page, server: LabServer, method: str, path: str, body: object = None
) -> tuple[int, Any]:
    """Send an HTTP request to the panel's REST interface from within the page.

    This uses the page's own `fetch`, so cookies, `Origin` and the XSRF token are those of a
    person's browser.

    Returns
    -------
    tuple
        The HTTP status and the decoded answer (None without one).
    """
    answer = page.evaluate(
        """async ([url, method, body]) => {
          const xsrf = document.cookie.match(/(?:^|; )_xsrf=([^;]*)/);
          const response = await fetch(url, {
            method,
            body: body === null ? undefined : JSON.stringify(body),
            headers: {
              'Content-Type': 'application/json',
              ...(xsrf ? { 'X-XSRFToken': decodeURIComponent(xsrf[1]) } : {})
            }
          });
          const text = await response.text();
          return [response.status, text ? JSON.parse(text) : null];
        }""",
        [f"{server.url}jmcp-lab/api/{path}", method, body],
    )
    return answer[0], answer[1]
