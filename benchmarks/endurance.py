"""Agents that edit for a long time, and whether the memory of the server stays what it is."""

from __future__ import annotations

import asyncio
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from statistics import median
from typing import TYPE_CHECKING

from cost import memory_mb
from crowd import edit_once
from light_client import LightClient
from setting import mint, write_notebook
from timing import Figures

if TYPE_CHECKING:
    from lab_server import LabServer

AGENTS = 8
NOTEBOOKS = 4
CELLS = 100
PAUSE = 1.0
"""Seconds that an agent waits between two rounds of edits."""

SAMPLES = 240
"""How often memory is looked at, whatever the length."""


async def endurance(server: LabServer, minutes: float) -> Figures:
    """Let 8 agents edit 4 notebooks, and watch the server's memory."""
    for number in range(NOTEBOOKS):
        write_notebook(server, f"mixed-{number}.ipynb", CELLS)
    tokens = [await mint(server, f"Mixed {number}") for number in range(AGENTS)]
    return await asyncio.to_thread(_watched, server, tokens, minutes)


def _watched(server: LabServer, tokens: list[str], minutes: float) -> Figures:
    clients = [LightClient(server.mcp_url, token) for token in tokens]
    end = threading.Event()
    samples: list[float] = []
    with ThreadPoolExecutor(AGENTS) as pool:
        work = [
            pool.submit(_edit, end, client, f"mixed-{number % NOTEBOOKS}.ipynb")
            for number, client in enumerate(clients)
        ]
        stop = time.monotonic() + minutes * 60
        while time.monotonic() < stop and not any(each.done() for each in work):
            end.wait(minutes * 60 / SAMPLES)
            samples.append(memory_mb(server))
        end.set()
        calls = sum(each.result() for each in work)
    for client in clients:
        client.close()
    return {"minutes": minutes, "agents": AGENTS, "calls": calls, **growth(samples)}


def _edit(end: threading.Event, client: LightClient, notebook: str) -> int:
    calls = 0
    while not end.is_set():
        calls += edit_once(client, notebook)
        client.call("list_cells", notebook=notebook, limit=20)
        calls += 1
        end.wait(PAUSE)
    return calls


def growth(samples: list[float]) -> Figures:
    """Return how much memory grew in the last half; each end is the median of a tenth of it."""
    half = samples[len(samples) // 2 :]
    tenth = max(1, len(half) // 10)
    before, after = median(half[:tenth]), median(half[-tenth:])
    return {
        "memory_at_start_mb": samples[0],
        "memory_at_half_mb": round(before, 1),
        "memory_at_end_mb": round(after, 1),
        "growth_in_last_half_percent": round((after / before - 1) * 100, 2),
    }
