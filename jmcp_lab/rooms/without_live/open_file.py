"""A notebook that is open without a live document, and when it was last used."""

from __future__ import annotations

import asyncio
import time
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from ...files.contents import FileState
    from ..unshared_pages import Pages
    from .notebook_file import NotebookFile

LONGEST_SECONDS = 30.0
"""How seldom a notebook is written at least while something prints: a big one takes a fifth of the
time for it."""

WRITE_SECONDS = 1.0
"""How often a notebook is written while something prints, at first: a big one takes longer."""


class HeldFile:
    """A notebook that is open, and when it was last used."""

    def __init__(self, path: str, file: NotebookFile, file_id: str) -> None:
        self.path = path
        self.names = {path}
        self.file = file
        self.file_id = file_id
        self.state: FileState | None = None
        self.leases = 0
        self.used = time.monotonic()
        self.pause = WRITE_SECONDS
        self.timer: asyncio.TimerHandle | None = None
        self.tending: asyncio.Task[None] | None = None
        self.complained = False

    def heed(self, pages: Pages) -> None:
        """Let agents know in which cells people type, and which they run."""
        notebook = self.file.notebook
        notebook.carets = lambda: pages.editing(self.path)
        notebook.run_in_pages = lambda: pages.running(self.path)
