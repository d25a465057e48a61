"""A server extension for the benchmarks only: the floor under edits of a notebook in a page.

It writes into the open document as any code inside the server can, without MCP, approvals,
merging or a record of what was changed.
"""

from __future__ import annotations

import json
import time
from typing import TYPE_CHECKING, Any

from jupyter_server.base.handlers import APIHandler
from jupyter_server.utils import url_path_join
from tornado import web

if TYPE_CHECKING:
    from jupyter_server.serverapp import ServerApp

ROUTE = "benchmark/overwrite"


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


def _jupyter_server_extension_points() -> list[dict[str, str]]:
    return [{"module": "in_process"}]


def _load_jupyter_server_extension(serverapp: ServerApp) -> None:
    route = url_path_join(serverapp.base_url, ROUTE)
    serverapp.web_app.add_handlers(".*$", [(route, OverwriteHandler)])
