"""A server extension for the benchmarks only: what has to be done or watched inside the server.

The floor under edits of a notebook in a page is writing into the open document as any code inside
the server can, without MCP, approvals, merging or a record of what was changed.
"""

from __future__ import annotations

import asyncio
import json
import threading
import time
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, ClassVar

from jupyter_server.base.handlers import APIHandler
from jupyter_server.utils import url_path_join
from tornado import web

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from jupyter_server.serverapp import ServerApp

STEP_SECONDS = 0.002
"""How often the event loop is looked at."""


@contextmanager
def waiting_for_cpu() -> Iterator[Callable[[], float]]:
    """Yield what tells how many seconds this thread could have run and had no CPU so far.

    Linux keeps count in ``/proc/<pid>/task/<tid>/schedstat``: nanoseconds on a CPU, nanoseconds
    that it waited for one, and turns. Elsewhere it is 0 for ever.
    """
    try:
        counts = open(f"/proc/self/task/{threading.get_native_id()}/schedstat", encoding="ascii")
    except OSError:
        yield lambda: 0.0
        return

    def waited() -> float:
        counts.seek(0)
        return int(counts.read().split()[1]) / 1e9

    with counts:
        yield waited


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


class LoopHandler(APIHandler):
    """Watch the event loop from a POST to the next GET, which answers how long it stood still."""

    watching: asyncio.Task[None] | None = None
    longest: ClassVar[dict[str, float]] = {}

    @web.authenticated
    async def post(self) -> None:
        """Begin."""
        await self._stop()
        LoopHandler.longest = dict.fromkeys(("late", "blocked", "work"), 0.0)
        LoopHandler.watching = asyncio.create_task(self._watch())
        self.finish({})

    @web.authenticated
    async def get(self) -> None:
        """End, and answer ``{late_ms, blocked_ms, work_ms}``, each the longest between two beats.

        The loop is late, too, while other processes have the CPUs: what its thread waited for one
        is not in `blocked_ms`. Its own work is, and what it waited for anything else, such as
        Python's lock in another thread's hands or a file. `work_ms` is its own work alone.
        """
        await self._stop()
        self.finish({f"{name}_ms": value * 1000 for name, value in LoopHandler.longest.items()})

    @staticmethod
    async def _watch() -> None:
        longest = LoopHandler.longest
        with waiting_for_cpu() as waited:
            while True:
                before, worked, waited_before = time.perf_counter(), time.thread_time(), waited()
                await asyncio.sleep(STEP_SECONDS)
                late = time.perf_counter() - before - STEP_SECONDS
                found = {
                    "late": late,
                    "blocked": late - (waited() - waited_before),
                    "work": time.thread_time() - worked,
                }
                for name, value in found.items():
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
        for name, handler in (("overwrite", OverwriteHandler), ("loop", LoopHandler))
    ]
    serverapp.web_app.add_handlers(".*$", routes)
