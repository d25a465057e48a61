"""A server extension for the benchmarks only: what has to be done or watched inside the server.

The floor under edits of a notebook in a page is writing into the open document as any code inside
the server can, without MCP, approvals, merging or a record of what was changed.
"""

from __future__ import annotations

import asyncio
import json
import os
import time
from typing import TYPE_CHECKING, Any, ClassVar, Self

from jupyter_server.base.handlers import APIHandler
from jupyter_server.utils import url_path_join
from tornado import web

if TYPE_CHECKING:
    from jupyter_server.serverapp import ServerApp

STEP_SECONDS = 0.002
"""How often the event loop is looked at."""


class WaitsForCpu:
    """What each thread of this process has waited for a CPU, though it could have run.

    Linux keeps count in ``/proc/<pid>/task/<tid>/schedstat``: nanoseconds on a CPU, nanoseconds
    of waiting for one, and turns. Elsewhere there is nothing to be read.
    """

    TASKS = "/proc/self/task"

    def __init__(self) -> None:
        self._files: dict[str, int] = {}
        self._before: dict[str, int] = {}

    def __enter__(self) -> Self:
        self.longest()
        return self

    def __exit__(self, *error: object) -> None:
        for file in self._files.values():
            os.close(file)

    def longest(self) -> float:
        """Return how many seconds the thread that waited most has waited since the last look."""
        try:
            threads = os.listdir(self.TASKS)
        except OSError:
            return 0.0
        now = {thread: waited for thread in threads if (waited := self._waited(thread)) is not None}
        longest = max(waited - self._before.get(thread, waited) for thread, waited in now.items())
        for thread in self._files.keys() - now.keys():
            os.close(self._files.pop(thread))
        self._before = now
        return longest / 1e9

    def _waited(self, thread: str) -> int | None:
        try:
            if thread not in self._files:
                path = f"{self.TASKS}/{thread}/schedstat"
                self._files[thread] = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
            return int(os.pread(self._files[thread], 100, 0).split()[1])
        except (OSError, IndexError):
            return None  # it has ended


class OverwriteHandler(APIHandler):
    """Give a cell a new text, and answer when that was, in milliseconds since the epoch."""

    @web.authenticated
    async def post(self) -> None:
        """Take ``{path, cell, source}``."""
        given: dict[str, Any] = json.loads(self.request.body)
        rooms = next(iter(self.serverapp.extension_manager.extension_apps["jupyter_server_ydoc"]))
        started = time.time() * 1000
        notebook = await rooms.get_document(
            path=given["path"], content_type="notebook", file_format="json", copy=False, create=True
        )
        cell = next(cell for cell in notebook.ycells if cell["id"].startswith(given["cell"]))
        text = cell["source"]
        with notebook.ydoc.transaction(origin="benchmark"):
            text.clear()
            text.insert(0, given["source"])
        self.finish({"started": started})


class SaveHandler(APIHandler):
    """Wait until all that was changed in an open notebook is in its file."""

    @web.authenticated
    async def post(self) -> None:
        """Take ``{path}``."""
        path = json.loads(self.request.body)["path"]
        rooms = next(iter(self.serverapp.extension_manager.extension_apps["jupyter_server_ydoc"]))
        for room in list(rooms.ywebsocket_server.rooms.values()):
            if getattr(room, "path", None) == path and not await room.autosave.finish(120):
                raise web.HTTPError(500, "It could not be saved")
        self.finish({})


class LoopHandler(APIHandler):
    """Watch the event loop from a POST to the next GET, which answers how long it stood still."""

    watching: asyncio.Task[None] | None = None
    longest: ClassVar[dict[str, float]] = {}
    began: ClassVar[float] = 0.0

    @web.authenticated
    async def post(self) -> None:
        """Begin."""
        await self._stop()
        LoopHandler.longest = dict.fromkeys(("late", "blocked", "work"), 0.0)
        LoopHandler.began = time.process_time()
        LoopHandler.watching = asyncio.create_task(self._watch())
        self.finish({})

    @web.authenticated
    async def get(self) -> None:
        """End, and answer ``{late_ms, blocked_ms, work_ms}``, each the longest between two beats.

        And ``cpu_ms``, what all threads of the server computed in all.

        The loop is late, too, while other processes have the CPUs, and also when it is another
        thread of the server that has none: that one may hold Python's lock. What one thread,
        whichever waited most, waited for a CPU is not in `blocked_ms`. `work_ms`, the loop's own
        work, always is, and what it waited for anything else, such as a file or a lock.
        """
        await self._stop()
        found = {**LoopHandler.longest, "cpu": time.process_time() - LoopHandler.began}
        self.finish({f"{name}_ms": value * 1000 for name, value in found.items()})

    @staticmethod
    async def _watch() -> None:
        longest = LoopHandler.longest
        with WaitsForCpu() as waits:
            while True:
                before, worked = time.perf_counter(), time.thread_time()
                await asyncio.sleep(STEP_SECONDS)
                late = time.perf_counter() - before - STEP_SECONDS
                work = time.thread_time() - worked
                blocked = max(work, late - waits.longest())
                for name, value in {"late": late, "blocked": blocked, "work": work}.items():
                    longest[name] = max(longest[name], value)

    @staticmethod
    async def _stop() -> None:
        if LoopHandler.watching is not None:
            LoopHandler.watching.cancel()
            await asyncio.gather(LoopHandler.watching, return_exceptions=True)
            LoopHandler.watching = None


def _jupyter_server_extension_points() -> list[dict[str, str]]:
    return [{"module": "in_process"}]


def _load_jupyter_server_extension(serverapp: ServerApp) -> None:
    routes: list[tuple[str, type[APIHandler]]] = [
        (url_path_join(serverapp.base_url, "benchmark", name), handler)
        for name, handler in (
            ("overwrite", OverwriteHandler),
            ("save", SaveHandler),
            ("loop", LoopHandler),
        )
    ]
    serverapp.web_app.add_handlers(".*$", routes)
