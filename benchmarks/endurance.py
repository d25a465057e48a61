"""Checks that the server's memory stays stable while agents edit or run cells for a long time."""

from __future__ import annotations

import asyncio
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from statistics import median
from typing import TYPE_CHECKING, Any

from cost import memory_mb
from crowd import edit_once
from light_client import LightClient
from setting import mint, write_notebook
from timing import Figures

if TYPE_CHECKING:
    from collections.abc import Callable

    from lab_server import LabServer

AGENTS = 8
RUNNERS = 4
NOTEBOOKS = 4
CELLS = 100
PAUSE = 2.0
"""Seconds between two calls of an agent, in which a model would think."""

SAMPLES = 240
"""Number of memory measurements, regardless of the duration."""


RUNS = (
    "1 + 1",
    "for number in range(200): print(number, flush=True)",
    "def broken(): return 1 / 0\nbroken()",
    "from IPython.display import HTML\nHTML('<table>' + '<tr><td>1</td></tr>' * 200 + '</table>')",
    "import os\nfrom IPython.display import Image\n"
    "Image(data=b'\\x89PNG\\r\\n\\x1a\\n' + os.urandom(100_000), format='png')",
    "from IPython.display import clear_output\n"
    "for number in range(20):\n    clear_output(wait=True)\n    print(number, flush=True)",
)
"""Sources of the cells that run repeatedly; each has another kind of output."""


async def edit_endurance(server: LabServer, minutes: float, pause: float = PAUSE) -> Figures:
    """Let 8 agents edit 4 notebooks, and measure the server's memory."""
    for number in range(NOTEBOOKS):
        write_notebook(server, f"mixed-{number}.ipynb", CELLS)

    def work(client: LightClient, number: int) -> None:
        notebook = f"mixed-{number % NOTEBOOKS}.ipynb"
        edit_once(client, notebook)
        client.call("list_cells", notebook=notebook, limit=20)

    return await _watched(server, AGENTS, minutes, pause, work)


async def run_endurance(server: LabServer, minutes: float, pause: float = PAUSE) -> Figures:
    """Let 4 agents run cells in 4 kernels, and measure the server's memory."""
    for number in range(RUNNERS):
        write_notebook(server, f"mixed-{number}.ipynb", RUNS)

    def work(client: LightClient, number: int) -> None:
        notebook = f"mixed-{number}.ipynb"
        said, failed = client.tried(
            "execute_cell", notebook=notebook, all=True, stop_on_error=False
        )
        if not failed or "ZeroDivisionError" not in said:
            raise RuntimeError(f"one cell of the run fails, and the reply says: {said}")
        client.call("list_cells", notebook=notebook)

    return await _watched(server, RUNNERS, minutes, pause, work)


class PacedClient(LightClient):
    """A client that waits before each call, and counts its calls.

    Parameters
    ----------
    url, token : str
    pause : float
        Seconds to wait before each call.
    end : threading.Event
        Event that ends the waiting.
    """

    def __init__(self, url: str, token: str, pause: float, end: threading.Event) -> None:
        super().__init__(url, token)
        self.calls = 0
        self._pause = pause
        self._end = end

    def tried(self, tool: str, **arguments: Any) -> tuple[str, bool]:
        """Call a tool after the pause."""
        self._end.wait(self._pause)
        self.calls += 1
        return super().tried(tool, **arguments)


async def _watched(
    server: LabServer,
    agents: int,
    minutes: float,
    pause: float,
    work: Callable[[LightClient, int], None],
) -> Figures:
    """Let each agent repeat its work, and measure the server's memory meanwhile."""
    tokens = [await mint(server, f"Mixed {number}") for number in range(agents)]
    end = threading.Event()

    def go_on(number: int, token: str) -> int:
        client = PacedClient(server.mcp_url, token, pause, end)
        while not end.is_set():
            work(client, number)
        client.close()
        return client.calls

    def watch() -> Figures:
        samples: list[float] = []
        with ThreadPoolExecutor(agents) as pool:
            workers = [pool.submit(go_on, *each) for each in enumerate(tokens)]
            stop = time.monotonic() + minutes * 60
            while time.monotonic() < stop and not any(each.done() for each in workers):
                end.wait(minutes * 60 / SAMPLES)
                samples.append(memory_mb(server))
            end.set()
            calls = sum(each.result() for each in workers)
        length = {"minutes": minutes, "agents": agents, "pause_s": pause, "calls": calls}
        return {**length, **growth(samples)}

    return await asyncio.to_thread(watch)


def growth(samples: list[float]) -> Figures:
    """Return the memory's growth in the last half, between the medians of its outer tenths."""
    half = samples[len(samples) // 2 :]
    tenth = max(1, len(half) // 10)
    before, after = median(half[:tenth]), median(half[-tenth:])
    return {
        "memory_mb": samples[:: max(1, len(samples) // 24)],
        "memory_at_start_mb": samples[0],
        "memory_at_half_mb": round(before, 1),
        "memory_at_end_mb": round(after, 1),
        "growth_in_last_half_percent": round((after / before - 1) * 100, 2),
    }
