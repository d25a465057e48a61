"""Provides a server extension that edits and measures inside the server, for benchmarks only.

The baseline for edits that a page shows is code inside the server that writes into the open
document, without MCP, approvals, merging or a change set.
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
"""Seconds between two checks of the event loop."""


class WaitsForCpu:
    """Measures how long each runnable thread of this process has waited for a CPU.

    Linux counts this in ``/proc/<pid>/task/<tid>/schedstat``: nanoseconds on a CPU, nanoseconds of
    waiting for one, and time slices. Other systems have no such file.
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
        """Return the longest time in seconds that one thread has waited since the last call."""
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
            return None  # the thread has ended


class OverwriteHandler(APIHandler):
    """Overwrites a cell, and answers the time of that in milliseconds since the epoch."""

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
    """Waits until all changes of an open notebook are saved."""

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
    """Measures how long the event loop is blocked, from a POST to the next GET."""

    watching: asyncio.Task[None] | None = None
    longest: ClassVar[dict[str, float]] = {}
    began: ClassVar[float] = 0.0

    @web.authenticated
    async def post(self) -> None:
        """Start to measure."""
        await self._stop()
        LoopHandler.longest = dict.fromkeys(("late", "blocked", "work"), 0.0)
        LoopHandler.began = time.process_time()
        LoopHandler.watching = asyncio.create_task(self._watch())
        self.finish({})

    @web.authenticated
    async def get(self) -> None:
        """Stop, and answer the maxima of ``{late_ms, blocked_ms, work_ms}`` between two checks.

        The answer also has ``cpu_ms``, the CPU time of all threads of the server in total.

        The loop is also late while other processes use the CPUs, and even while another thread of
        the server waits for a CPU, because that thread may hold Python's lock. So `blocked_ms`
        excludes the longest time that any one thread has waited for a CPU. It always includes
        `work_ms`, the loop's own CPU time, and the time that the loop waited for anything else,
        such as a file or a lock.
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
