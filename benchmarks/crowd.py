"""Many agents at once: calls a second, against the SDK alone with tools that do nothing."""

from __future__ import annotations

import asyncio
import re
import subprocess
import sys
import threading
import time
import urllib.error
import urllib.request
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from statistics import median
from typing import TYPE_CHECKING

from light_client import LightClient
from setting import LIMIT, mint, write_notebook
from timing import Figures, ratio

from lab_server import LabServer, free_port

if TYPE_CHECKING:
    from collections.abc import Iterator

AGENTS = 32
NOTEBOOKS = 8
CELLS = 100
SECONDS = 5.0


async def crowd(server: LabServer, rounds: int) -> Figures:
    """Let 32 agents edit 8 notebooks, and call the tools that do nothing, in turns."""
    for number in range(NOTEBOOKS):
        write_notebook(server, f"crowd-{number}.ipynb", CELLS)
    tokens = [await mint(server, f"Crowd {number}") for number in range(AGENTS)]
    return await asyncio.to_thread(_in_turns, server, tokens, rounds)


def _in_turns(server: LabServer, tokens: list[str], rounds: int) -> Figures:
    with bare_server() as bare:
        ours = [LightClient(server.mcp_url, token) for token in tokens]
        floor = [LightClient(bare) for _ in tokens]
        rates: dict[str, list[float]] = {"jmcp_lab": [], "bare_sdk": []}
        for turn in range(1 + rounds):
            for name, clients in (("jmcp_lab", ours), ("bare_sdk", floor)):
                rate = calls_a_second(clients, SECONDS if turn else 1.0)
                if turn:
                    rates[name].append(round(rate, 1))
        for client in ours + floor:
            client.close()
    medians = {name: median(each) for name, each in rates.items()}
    return {
        "agents": AGENTS,
        "notebooks": NOTEBOOKS,
        "calls_a_second": rates,
        "ratio_to_bare_sdk": ratio(medians["jmcp_lab"], medians["bare_sdk"]),
    }


def calls_a_second(clients: list[LightClient], seconds: float) -> float:
    """Let all agents edit for some seconds; return how many calls were answered in each."""
    end = threading.Event()
    with ThreadPoolExecutor(len(clients)) as pool:
        started = time.monotonic()
        work = [
            pool.submit(edit_until, end, client, f"crowd-{number % NOTEBOOKS}.ipynb")
            for number, client in enumerate(clients)
        ]
        end.wait(seconds)
        end.set()
        calls = sum(each.result() for each in work)
        return calls / (time.monotonic() - started)


def edit_until(end: threading.Event, client: LightClient, notebook: str) -> int:
    """Insert, edit, overwrite, move and delete a cell, over and over; return how many calls."""
    calls = 0
    while not end.is_set():
        calls += edit_once(client, notebook)
    return calls


def edit_once(client: LightClient, notebook: str) -> int:
    """Do each kind of edit once, and leave the notebook as it was; return how many calls."""
    said = client.call("insert_cell", notebook=notebook, source="x = 1\nx + 1", index=0)
    found = re.search(r"\bid (\w+)", said)
    assert found is not None, said
    cell = found[1]
    edits = [{"old": "x = 1", "new": "x = 2"}]
    client.call("edit_cell", notebook=notebook, cell=cell, edits=edits)
    client.call("overwrite_cell_source", notebook=notebook, cell=cell, source="x = 3\nx + 2")
    client.call("move_cell", notebook=notebook, cells=cell, index=1)
    client.call("delete_cell", notebook=notebook, cells=cell)
    return 5


@contextmanager
def bare_server() -> Iterator[str]:
    """Run the floor in a process of its own, and yield its address."""
    port = free_port()
    program = Path(__file__).with_name("bare_server.py")
    process = subprocess.Popen([sys.executable, str(program), str(port)])
    try:
        url = f"http://127.0.0.1:{port}/mcp"
        end = time.monotonic() + LIMIT
        while not _answers(url):
            if process.poll() is not None or time.monotonic() > end:
                raise RuntimeError("the bare server did not start")
            time.sleep(0.05)
        yield url
    finally:
        process.terminate()
        process.wait()


def _answers(url: str) -> bool:
    try:
        urllib.request.urlopen(url, timeout=5)
    except urllib.error.HTTPError:
        return True
    except OSError:
        return False
    return True
