"""A server extension for the benchmarks only: what has to be done or watched inside the server.

The floor under edits of a notebook in a page is writing into the open document as any code inside
the server can, without MCP, approvals, merging or a record of what was changed.
"""

from __future__ import annotations

import asyncio
import json
import time
from typing import TYPE_CHECKING, Any

from jupyter_server.base.handlers import APIHandler
from jupyter_server.utils import url_path_join
from tornado import web

if TYPE_CHECKING:
    from jupyter_server.serverapp import ServerApp

STEP_SECONDS = 0.002
"""How often the event loop is looked at."""


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
    longest = 0.0
    work = 0.0

    @web.authenticated
    async def post(self) -> None:
        """Begin."""
        await self._stop()
        LoopHandler.longest = LoopHandler.work = 0.0
        LoopHandler.watching = asyncio.create_task(self._watch())
        self.finish({})

    @web.authenticated
    async def get(self) -> None:
        """End, and answer ``{longest_ms, work_ms}``.

        A loop also stands still while another process has the CPU, or another thread has Python's
        lock: `work_ms` is the most that the loop's own thread worked between two beats.
        """
        await self._stop()
        found = {"longest_ms": LoopHandler.longest, "work_ms": LoopHandler.work}
        self.finish({name: seconds * 1000 for name, seconds in found.items()})

    @staticmethod
    async def _watch() -> None:
        while True:
            before, worked = time.perf_counter(), time.thread_time()
            await asyncio.sleep(STEP_SECONDS)
            late = time.perf_counter() - before - STEP_SECONDS
            LoopHandler.longest = max(LoopHandler.longest, late)
            LoopHandler.work = max(LoopHandler.work, time.thread_time() - worked)

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
