"""A notebook that is open without a live document, and the time of its last use."""

from __future__ import annotations

import asyncio
import time
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from ...files.contents import FileState
    from ..unshared_pages import Pages
    from .notebook_file import NotebookFile

MAX_PAUSE_SECONDS = 30.0
"""Maximum seconds between two writes of a notebook while a cell prints. The pause grows until a
write takes at most a fifth of the time.
"""

WRITE_SECONDS = 1.0
"""Initial seconds between two writes while a cell prints; a large notebook takes longer."""


class OpenFile:
    """An open notebook, and the time of its last use."""

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
        self.sync_task: asyncio.Task[None] | None = None
        self.warned = False

    def follow_pages(self, pages: Pages) -> None:
        """Tell agents which cells people edit and which they run."""
        notebook = self.file.notebook
        notebook.carets = lambda: pages.editing(self.path)
        notebook.run_in_pages = lambda: pages.running(self.path)
