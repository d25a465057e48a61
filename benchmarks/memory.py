"""Measures how much the server's memory grows in a thousand runs of a cell.

For comparison, it also measures the growth of a plain Jupyter server that runs the same code for a
page, and the growth of Yjs by the same changes of one cell. Neither is subtracted.
"""

from __future__ import annotations

import asyncio
import json
import subprocess
import sys
import time
from statistics import linear_regression
from typing import TYPE_CHECKING, Any
from urllib.request import Request, urlopen

import psutil
from cost import COLLABORATION
from light_client import LightClient
from setting import LIMIT, mint, write_notebook
from timing import Figures
from tornado.httpclient import HTTPRequest
from tornado.websocket import websocket_connect

if TYPE_CHECKING:
    from collections.abc import Callable
    from contextlib import AbstractContextManager

    from lab_server import LabServer

CODE = "1 + 1"
PATH = "mixed-0.ipynb"
WARM_UP = 300
"""Number of runs before the measurement, which load everything that the first runs need."""
RUNS = 1000
EVERY = 100
"""Number of runs between two measurements of the memory."""
SETTLE_SECONDS = 5.0

_YJS = """
import os
import subprocess
from pycrdt import Array, Doc, Map

doc = Doc()
doc["cells"] = Array([Map({"outputs": Array(), "execution_count": None})])
cell = doc["cells"][0]

def run(number):
    with doc.transaction():
        del cell["outputs"][:]
    with doc.transaction():
        data = {"output_type": "execute_result", "execution_count": float(number)}
        cell["outputs"].append(Map({**data, "data": {"text/plain": "2"}, "metadata": {}}))
        cell["execution_count"] = float(number)

def memory():
    return int(subprocess.check_output(["ps", "-o", "rss=", "-p", str(os.getpid())])) / 1024

for number in range(WARM_UP):
    run(number)
before = memory()
for number in range(RUNS):
    run(number)
print(memory() - before)
"""


def run_memory(server_of: Callable[..., AbstractContextManager[LabServer]]) -> Figures:
    """Run a cell a thousand times through the extension, and on a plain server.

    Parameters
    ----------
    server_of : Callable
        Returns a context manager for a server, given which extensions are on or off.
    """
    with server_of() as server:
        write_notebook(server, PATH, [CODE])
        client = LightClient(server.mcp_url, asyncio.run(mint(server, "Memory")))

        def run() -> None:
            client.call("execute_cell", notebook=PATH, all=True)

        grown = _grown(server, run)
        client.close()
    with server_of(dict.fromkeys(("jmcp_lab", *COLLABORATION), False)) as server:
        plain = asyncio.run(_on_plain_server(server))
    program = f"WARM_UP, RUNS = {WARM_UP}, {RUNS}\n{_YJS}"
    alone = float(subprocess.check_output([sys.executable, "-c", program]))
    return {
        "runs": RUNS,
        "grown_mb": round(grown, 2),
        "plain_server_mb": round(plain, 2),
        "yjs_mb": round(alone, 2),
    }


def _grown(server: LabServer, run: Callable[[], None]) -> float:
    for _ in range(WARM_UP):
        run()
    time.sleep(SETTLE_SECONDS)
    seen = [own_mb(server)]
    for number in range(RUNS):
        run()
        if (number + 1) % EVERY == 0:
            seen.append(own_mb(server))
    return _growth(seen)


def _growth(seen: list[float]) -> float:
    """Return the growth in all runs as a regression, because one measurement may be a peak."""
    slope: float = linear_regression(range(len(seen)), seen).slope
    return slope * (len(seen) - 1)


def own_mb(server: LabServer) -> float:
    """Return a server's memory without mapped files, whose memory the system can reclaim."""
    info = psutil.Process(server.pid).memory_info()
    return float(info.rss - getattr(info, "shared", 0)) / 2**20


async def _on_plain_server(server: LabServer) -> float:
    """Run the code as a page does, and return the growth of the server."""
    headers = {"Authorization": f"token {server.token}"}
    asked = Request(f"{server.url}api/kernels", b"{}", headers, method="POST")
    kernel = json.load(await asyncio.to_thread(urlopen, asked, timeout=LIMIT))["id"]
    url = f"{server.url}api/kernels/{kernel}/channels".replace("http", "ws", 1)
    socket = await websocket_connect(HTTPRequest(url, headers=headers))
    count = 0

    async def run() -> None:
        nonlocal count
        count += 1
        header = {"msg_id": f"run-{count}", "msg_type": "execute_request", "session": "benchmark"}
        header |= {"username": "", "version": "5.3", "date": ""}
        content = {"code": CODE, "silent": False, "store_history": True, "allow_stdin": False}
        message: dict[str, Any] = {"header": header, "parent_header": {}, "metadata": {}}
        await socket.write_message(json.dumps(message | {"channel": "shell", "content": content}))
        missing = {"execute_reply", "idle"}
        while missing:
            said = json.loads(str(await socket.read_message()))
            if said["parent_header"].get("msg_id") == header["msg_id"]:
                missing -= {said["msg_type"], said["content"].get("execution_state")}

    async with asyncio.timeout(60 * LIMIT):
        for _ in range(WARM_UP):
            await run()
        await asyncio.sleep(SETTLE_SECONDS)
        seen = [own_mb(server)]
        for number in range(RUNS):
            await run()
            if (number + 1) % EVERY == 0:
                seen.append(own_mb(server))
    socket.close()
    return _growth(seen)
