"""Compares many agents in parallel with one agent, and with the SDK with tools that do nothing.

The agents are threads of this process, which is separate from the servers. The benchmark reports
their own CPU time as well, because the process that drives many agents may be the bottleneck.
"""

from __future__ import annotations

import asyncio
import os
import re
import subprocess
import sys
import threading
import time
import urllib.error
import urllib.request
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from statistics import median
from typing import TYPE_CHECKING

import psutil
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


@dataclass(frozen=True)
class Group:
    """Agents that work in parallel, and the cost of their work.

    Parameters
    ----------
    clients : list of LightClient
    server : int
        Id of the process that answers them.
    """

    clients: list[LightClient]
    server: int
    rates: list[float] = field(default_factory=list)
    server_ms: list[float] = field(default_factory=list)
    client_ms: list[float] = field(default_factory=list)

    def work(self, seconds: float, *, counts: bool) -> None:
        """Let the agents work for some seconds; record the figures if `counts` is true."""
        server, client, start = cpu_seconds(self.server), time.process_time(), time.monotonic()
        rate = calls_a_second(self.clients, seconds)
        if counts:
            calls = rate * (time.monotonic() - start)
            self.rates.append(round(rate, 1))
            self.server_ms.append((cpu_seconds(self.server) - server) / calls * 1000)
            self.client_ms.append((time.process_time() - client) / calls * 1000)


async def crowd(server: LabServer, rounds: int) -> Figures:
    """Measure in turns 32 agents that edit 8 notebooks, one agent alone, and 32 that do nothing."""
    for number in range(NOTEBOOKS):
        write_notebook(server, f"crowd-{number}.ipynb", CELLS)
    tokens = [await mint(server, f"Crowd {number}") for number in range(AGENTS)]
    return await asyncio.to_thread(_in_turns, server, tokens, rounds)


def _in_turns(server: LabServer, tokens: list[str], rounds: int) -> Figures:
    with bare_server() as (bare, process):
        ours = [LightClient(server.mcp_url, token) for token in tokens]
        floor = [LightClient(bare) for _ in tokens]
        groups = {
            "one_agent": Group(ours[:1], server.pid),
            "jmcp_lab": Group(ours, server.pid),
            "bare_sdk": Group(floor, process),
        }
        for turn in range(1 + rounds):
            for group in groups.values():
                group.work(SECONDS if turn else 1.0, counts=turn > 0)
        for client in ours + floor:
            client.close()
    rates = {name: median(group.rates) for name, group in groups.items()}
    cores = os.cpu_count() or 1
    return {
        "agents": AGENTS,
        "notebooks": NOTEBOOKS,
        "cores": cores,
        "calls_a_second": {name: group.rates for name, group in groups.items()},
        "server_cpu_ms_a_call": _medians({n: g.server_ms for n, g in groups.items()}),
        "client_cpu_ms_a_call": _medians({n: g.client_ms for n, g in groups.items()}),
        "ratio_to_bare_sdk": ratio(rates["jmcp_lab"], rates["bare_sdk"]),
        "ratio_to_one_agent_times_cores": ratio(rates["jmcp_lab"], rates["one_agent"] * cores),
    }


def _medians(found: dict[str, list[float]]) -> dict[str, float]:
    return {name: round(median(each), 2) for name, each in found.items()}


def cpu_seconds(process: int) -> float:
    """Return the CPU time of all threads of a process so far."""
    spent = psutil.Process(process).cpu_times()
    return float(spent.user + spent.system)


def calls_a_second(clients: list[LightClient], seconds: float) -> float:
    """Let all agents edit for some seconds; return the number of calls per second."""
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
    """Insert, edit, overwrite, move and delete cells repeatedly; return the number of calls."""
    calls = 0
    while not end.is_set():
        calls += edit_once(client, notebook)
    return calls


def edit_once(client: LightClient, notebook: str) -> int:
    """Make each kind of edit once and restore the notebook; return the number of calls."""
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
def bare_server() -> Iterator[tuple[str, int]]:
    """Run the baseline in a separate process; yield its address and its process id."""
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
        yield url, process.pid
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
