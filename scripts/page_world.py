"""Plays a notebook in two real pages with an agent while the server restarts, and finds faults."""

from __future__ import annotations

import json
import shutil
import sqlite3
import tempfile
import time
from collections import Counter
from contextlib import closing, suppress
from pathlib import Path
from typing import TYPE_CHECKING

from page_robots import CELLS, marks
from playwright.sync_api import Error as PlaywrightError

from lab_page import Console, log_in, new_context, open_lab, open_notebook

if TYPE_CHECKING:
    import random

    from page_robots import Robot
    from playwright.sync_api import Browser, Page

    from lab_server import LabServer

MEET_SECONDS = 30.0
"""Maximum number of seconds until pages and file have the same content."""

CLICK_MILLISECONDS = 8000
"""Maximum number of milliseconds for a click."""

TORN_LOOKS = 100
"""Maximum number of attempts to read a file that is being written."""

TORN_SECONDS = 0.05
"""Seconds between two such attempts."""

QUIET_LOOKS = 4
"""Number of equal looks in a row, every half second, after which pages and file are in sync."""

EXPECTED = (
    r"ERR_|WebSocket|Failed to fetch|NetworkError|Connection lost|[Ss]erver|status of \d+",
    r"Kernel is dead|Canceled future|[Kk]ernel.*(?:dead|disposed)",
)
"""Patterns of console messages about a server that is gone and about its kernels."""

QUESTIONS = ("connection to the Jupyter server", "Server Connection Error", "Select kernel")
"""Texts of JupyterLab's dialogs about a lost server, and about the kernel of a new notebook."""

_WATCH = """() => {
  // JupyterLab says that the server is gone; whatever else it asks, the person agrees.
  window.asked = [];
  new MutationObserver(() => {
    for (const dialog of document.querySelectorAll('.jp-Dialog'))
      if (!dialog.noted) {
        dialog.noted = true;
        const at = window.asked.push('') - 1;
        const agree = setInterval(() => {
          // Its title is drawn after it is there.
          window.asked[at] ||= dialog.textContent;
          const buttons = [...dialog.querySelectorAll('button')];
          if (dialog.isConnected) (buttons.at(-1) ?? dialog).click();
          else clearInterval(agree);
        }, 100);
      }
  }).observe(document.body, { childList: true });
}"""


class World:
    """One notebook with two people and an agent, which tracks the marks that they write.

    Parameters
    ----------
    server : LabServer
        Running server.
    browser : Browser
    path : str
        Path of the notebook, which must not exist yet.
    robot : Robot
    """

    def __init__(self, server: LabServer, browser: Browser, path: str, robot: Robot) -> None:
        self.server = server
        self.path = path
        self.robot = robot
        self.story: list[str] = []
        self.longest_unsaved = 0.0
        """Maximum age in seconds of acknowledged work that no file had at kill -9."""

        self.longest_lost = 0.0
        """Maximum age in seconds of such work that no page and no history had either."""

        self.hung = ""
        self.refused: list[str] = []
        self.reloads: list[str] = []
        self.made: set[str] = set()
        self.loose: set[str] = set()
        """Marks that somebody removed, or that were nowhere when a server was killed."""

        self._acknowledged: dict[str, float] = {}
        self._browser = browser
        self._console = Console()
        for pattern in EXPECTED:
            self._console.expect(pattern)
        self._pages: list[Page] = []
        self._all: list[Page] = []
        self._offline: set[int] = set()
        self._backup = Path(tempfile.mkdtemp())

    @property
    def where(self) -> Path:
        """Path of the notebook file."""
        return self.server.root / self.path

    def new_page(self) -> Page:
        """Open JupyterLab in a page with a new profile, and return the page."""
        context = new_context(self._browser, self._console)
        log_in(context, self.server)
        page = context.new_page()
        self._all.append(page)
        open_lab(page, self.server)
        page.evaluate(_WATCH)
        page.on("domcontentloaded", lambda loaded: self.reloads.append(loaded.url))
        return page

    def online(self) -> Page:
        """Return a page that can reach the server."""
        return self._pages[1 if 0 in self._offline else 0]

    def begins(self, kind: str) -> None:
        """Create the notebook, and open it in both pages."""
        self.story.append(kind)
        self._pages = [self.new_page()]
        if kind == "new":
            self.path = self._pages[0].evaluate(
                "() => window.jupyterapp.commands"
                ".execute('docmanager:new-untitled', { type: 'notebook' }).then(m => m.path)"
            )
        else:
            cells = [
                {
                    **({"id": f"c{n}"} if kind == "4.5" else {}),
                    **{"cell_type": "code", "source": f"start{n}", "metadata": {}},
                    **{"outputs": [], "execution_count": None},
                }
                for n in range(3)
            ]
            self.made |= {f"start{n}" for n in range(3)}
            self.where.write_text(
                json.dumps(
                    {
                        "cells": cells,
                        "metadata": {"kernelspec": {"name": "python3", "display_name": "Python"}},
                        "nbformat": 4,
                        "nbformat_minor": int(kind[-1]),
                    }
                )
            )
        self._pages.append(self.new_page())
        for page in self._pages:
            open_notebook(page, self.path)
        self.robot.joins(self)

    # -- what happens ------------------------------------------------------------------------------

    def _mark(self, letter: str) -> str:
        return f"{letter}{len(self.made):03d}"

    def types(self, generator: random.Random) -> None:
        """Let a person type into a cell with a real keyboard."""
        at, cell = generator.randrange(2), generator.randrange(6)
        page = self._pages[at]
        shown = page.locator(".jp-NotebookPanel:not(.lm-mod-hidden) .jp-Cell .cm-content")
        count = shown.count()
        if not count:
            return
        mark = self._mark("typed")
        try:
            shown.nth(cell % count).click(timeout=CLICK_MILLISECONDS)
        except PlaywrightError:
            self.refused.append(f"page {at}")
            return
        page.keyboard.press("ControlOrMeta+End")
        page.keyboard.type(f" {mark} ")
        page.keyboard.press("Escape")
        if mark in marks(self.texts(page)):
            self.made.add(mark)
            self.story.append(f"page {at} types {mark}")

    def agent_inserts(self, generator: random.Random) -> None:
        """Let the agent insert a cell."""
        self._agent("inserts", generator.randrange(4))

    def agent_writes(self, generator: random.Random) -> None:
        """Let the agent write into a cell."""
        self._agent("writes", generator.randrange(6))

    def agent_moves(self, generator: random.Random) -> None:
        """Let the agent move a cell."""
        if self.robot.moves(generator.randrange(6), generator.randrange(4)):
            self.story.append("the agent moves")

    def _agent(self, what: str, index: int) -> None:
        mark = self._mark("agent")
        self._forget_written()
        if getattr(self.robot, what)(index, mark):
            self.made.add(mark)
            self._acknowledged[mark] = time.monotonic()
            self.story.append(f"the agent {what} {mark}")

    def _histories(self) -> list[Path]:
        ours = self.server.folder / "data" / "jmcp_lab" / "history"
        return [*ours.glob("*.db*"), *self.server.folder.glob("ystore.db*")]

    def backs_up(self, _generator: random.Random) -> None:
        """Copy the files of the histories, as a backup does."""
        self.story.append("backup")
        for path in self._histories():
            shutil.copy(path, self._backup / path.name)

    def restarts(self, generator: random.Random) -> None:
        """Stop or kill the server, maybe change its files, and start it again."""
        killed = generator.random() < 0.6
        what = generator.choice(["", "", "loses", "loses", "restores", "rewrites", "checks_out"])
        away = generator.choice([[], [], [0], [1], [0, 1]])
        earlier = self.where.read_text()
        typing = [generator.random() < 0.7 for _ in range(3)]
        for at in away:
            self._pages[at].context.set_offline(True)
            self._offline.add(at)
        if away and typing[0]:
            self.types(generator)
        alive = self._alive()
        self.robot.leaves()
        self.story.append(f"{'kill' if killed else 'stop'} {what} away {away}")
        if killed:
            self.server.kill()
            self._note_unsaved()
        else:
            self._stop()
            # A stopped server has saved everything; a removal from the file is then intended.
            self._acknowledged.clear()
        alive |= self._alive()
        if what:
            getattr(self, f"_{what}")(generator, earlier)
        self.loose |= alive - self._alive()
        if typing[1]:
            self.types(generator)
        self.server.start()
        if len(away) < 2:
            self.robot.joins(self)
            if typing[2]:
                self.agent_inserts(generator)
        for at in away:
            self._pages[at].context.set_offline(False)
        self._offline.clear()
        if len(away) == 2:
            self.robot.joins(self)

    def _stop(self) -> None:
        try:
            self.server.stop()
        except AssertionError as error:
            self.hung = str(error)[-1500:]

    def _forget_written(self) -> None:
        """Forget acknowledged marks that the file has, because they may be removed later."""
        for mark in marks([self.where.read_text()]):
            self._acknowledged.pop(mark, None)

    def _note_unsaved(self) -> None:
        now = time.monotonic()
        self._forget_written()
        if late := list(self._acknowledged.values()):
            self.longest_unsaved = max(self.longest_unsaved, now - min(late))
        alive = self._alive()
        gone = {mark: at for mark, at in self._acknowledged.items() if mark not in alive}
        if gone:
            self.longest_lost = max(self.longest_lost, now - min(gone.values()))
            self.loose |= set(gone)
        self._acknowledged.clear()

    def _loses(self, _generator: random.Random, _earlier: str) -> None:
        for path in self._histories():
            path.unlink()

    def _restores(self, generator: random.Random, earlier: str) -> None:
        if kept := list(self._backup.iterdir()):
            self._loses(generator, earlier)
            ours = self.server.folder / "data" / "jmcp_lab" / "history"
            for path in kept:
                shutil.copy(path, self.server.folder if "ystore" in path.name else ours)

    def _rewrites(self, generator: random.Random, _earlier: str) -> None:
        content = json.loads(self.where.read_text())
        mark = self._mark("other")
        if not content["cells"]:
            return
        cell = content["cells"][generator.randrange(len(content["cells"]))]
        cell["source"] = f"{''.join(cell['source'])} {mark}"
        self._replace(json.dumps(content))
        self.made.add(mark)

    def _checks_out(self, _generator: random.Random, earlier: str) -> None:
        self.loose |= set(marks([self.where.read_text()])) - set(marks([earlier]))
        self._replace(earlier)

    def _replace(self, text: str) -> None:
        new = self.where.with_suffix(".tmp")
        new.write_text(text)
        new.replace(self.where)

    # -- what has become of it ---------------------------------------------------------------------

    def texts(self, page: Page) -> list[str]:
        """Return the texts of the cells in a page."""
        found: list[str] = page.evaluate(CELLS, self.path)
        return found

    def _saved(self) -> list[str]:
        """Return the texts of the cells in the file, which may be incomplete during a write."""
        for _ in range(TORN_LOOKS):
            with suppress(json.JSONDecodeError):
                found = json.loads(self.where.read_text())["cells"]
                return ["".join(cell["source"]) for cell in found]
            time.sleep(TORN_SECONDS)
        return []

    def copies(self) -> list[Path]:
        """Return the paths of the versions that were kept next to the file."""
        return [*self.server.root.glob(f"{Path(self.path).stem}-other*.ipynb")]

    def _alive(self) -> set[str]:
        """Return every mark in the file, a copy, a page, or a history."""
        found = [path.read_text() for path in (self.where, *self.copies())]
        for page in self._pages:
            found += self.texts(page)
        return {*marks(found), *marks(self._in_histories())}

    def _in_histories(self) -> list[str]:
        found = []
        with tempfile.TemporaryDirectory() as folder:
            for path in self._histories():
                with suppress(OSError):
                    shutil.copy(path, folder)
            for path in Path(folder).glob("*.db"):
                column = "yupdate FROM yupdates" if "ystore" in path.name else "data FROM updates"
                with suppress(sqlite3.Error), closing(sqlite3.connect(path)) as history:
                    rows = history.execute(f"SELECT {column}").fetchall()
                    found += [bytes(data).decode("utf-8", "replace") for (data,) in rows]
        return found

    def faults(self) -> dict[str, object]:
        """Wait until pages and file have the same content; return the faults, by kind."""
        first, second = self._pages
        end = time.monotonic() + MEET_SECONDS
        looks = 0
        said: list[list[str]] = []
        while looks < QUIET_LOOKS and time.monotonic() < end:
            said = [self.texts(first), self.texts(second), self._saved()]
            looks = looks + 1 if said[0] == said[1] == said[2] else 0
            first.wait_for_timeout(500)
        counted = Counter(marks(said[0]))
        kept = {*counted, *self.loose, *marks([path.read_text() for path in self.copies()])}
        asked = [text for page in self._pages for text in page.evaluate("() => window.asked ?? []")]
        found: dict[str, object] = {
            "something is lost": self.made - kept,
            "something is doubled": {mark for mark, times in counted.items() if times > 1},
            "the pages differ": [] if said[0] == said[1] else said[:2],
            "page and file differ": [] if said[0] == said[2] else [said[0], said[2]],
            "a page is empty": not all(any(cells) for cells in said[:2]),
            "a person is asked": [
                text for text in asked if not any(known in text for known in QUESTIONS)
            ],
            "an error in the console": self._console.unexpected(),
            "a page takes no typing": self.refused,
            "a page is loaded again": self.reloads,
            "a server does not end": self.hung,
            "a traceback in the log": self._traceback(),
        }
        return {kind: what for kind, what in found.items() if what}

    def _traceback(self) -> str:
        try:
            self.server.check_log()
        except AssertionError as error:
            # The file stays in place, because the server still appends to it.
            self.server.log_path.write_text("")
            return str(error)
        return ""

    def ends(self) -> None:
        """Close the pages."""
        self.robot.leaves()
        for page in self._all:
            page.context.close()
        shutil.rmtree(self._backup)
