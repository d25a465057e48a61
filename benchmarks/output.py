"""Measures output of running code: floods, the first line in a page, images, many kernels."""

from __future__ import annotations

import asyncio
import time
from contextlib import AsyncExitStack
from itertools import count
from statistics import median
from typing import TYPE_CHECKING

from cost import memory_mb
from execution import round_trip
from setting import (
    Agent,
    agent,
    clock_offset,
    kernel_client,
    open_in_page,
    watched_loop,
    write_notebook,
)
from timing import Figures, ratio, summary

if TYPE_CHECKING:
    from collections.abc import Awaitable

    from jupyter_client.asynchronous.client import AsyncKernelClient
    from playwright.async_api import Page

    from lab_server import LabServer

PATH = "output.ipynb"
LOOP = ("late_ms", "blocked_ms", "work_ms")
"""Names of the figures about a blocked event loop; see `setting.watched_loop`."""

FLOOD = "for number in range(10_000): print(number, flush=True)"
TOLD_FLOOD = f"{FLOOD}\nimport time\nprint(f'<{{time.time_ns() // 1_000_000}}>')"
"""The same code; its last line has the time of its end, in milliseconds since the epoch."""

LARGE = "for number in range(100_000): print('x' * 1000, flush=True)"
LARGE_ROUNDS = 4
IMAGE = (
    "import os\nfrom IPython.display import Image\n"
    "Image(data=b'\\x89PNG\\r\\n\\x1a\\n' + os.urandom(5_000_000), format='png')"
)
KERNELS = 16
STREAM = "for number in range(500):\n    print(number, flush=True)\n    sum(range(4000))"

_WATCH = """() => {
  // When each mark was first in an output that is drawn: mark -> time.
  const seen = (window.outputSeen = {});
  const notebook = document.querySelector('.jp-NotebookPanel:not(.lm-mod-hidden) .jp-Notebook');
  const note = () => {
    const now = performance.timeOrigin + performance.now();
    for (const output of notebook.querySelectorAll('.jp-OutputArea-output')) {
      for (const found of output.textContent.matchAll(/<(\\d+)>/g)) {
        seen[found[1]] ??= now;
      }
    }
  };
  new MutationObserver(note).observe(notebook, {
    childList: true, characterData: true, subtree: true
  });
}"""

_RUN_FIRST_CELL = """async () => {
  const notebook = window.jupyterapp.shell.currentWidget.content;
  notebook.activeCellIndex = 0;
  const started = performance.timeOrigin + performance.now();
  void window.jupyterapp.commands.execute('notebook:run-cell');
  return started;
}"""


async def output(server: LabServer, robot: Agent, page: Page | None, rounds: int) -> Figures:
    """Measure the time of outputs from the kernel to the reply and to the page."""
    write_notebook(server, PATH, 3)
    await robot.say("use_notebook", notebook=PATH)
    cell = await robot.insert("0", index=0)
    if page is not None:
        await open_in_page(page, PATH)
    await robot.say("execute_cell", cells=cell)
    figures: Figures = {}
    async with kernel_client(server, PATH) as client:
        figures["flood"] = await _flood(server, robot, client, cell, max(3, rounds // 20))
    figures["image"] = await _image(server, robot, cell, max(3, rounds // 20))
    if page is not None:
        lags = await _page_after_kernel(robot, page, cell, max(3, rounds // 20))
        figures["flood"]["page_after_kernel_ms"] = lags
        figures["first_output"] = await _first_output(robot, page, cell, max(5, rounds // 4))
    return figures


async def _flood(
    server: LabServer, robot: Agent, client: AsyncKernelClient, cell: str, rounds: int
) -> Figures:
    await robot.say("overwrite_cell_source", cell=cell, source=FLOOD)
    times: dict[str, list[float]] = {"kernel_client": [], "execute_cell": []}
    blocked: list[dict[str, float]] = []
    for _ in range(rounds):
        times["kernel_client"].append(await _timed(round_trip(client, FLOOD)))
        async with watched_loop(server) as found:
            times["execute_cell"].append(await _timed(robot.say("execute_cell", cells=cell)))
        blocked.append(found)
    alone, through = (median(times[name]) for name in times)
    return {
        **{name: summary(each) for name, each in times.items()},
        "ratio_to_kernel_client": ratio(through, alone),
        **_stood_still(blocked),
    }


def _stood_still(found: list[dict[str, float]]) -> Figures:
    return {f"loop_{name}": summary([each[name] for each in found]) for name in LOOP}


async def _page_after_kernel(robot: Agent, page: Page, cell: str, rounds: int) -> Figures:
    """Measure the time from the end of a flood until the page shows its last line."""
    await robot.say("overwrite_cell_source", cell=cell, source=TOLD_FLOOD)
    offset = await clock_offset(page)
    lags = []
    for _ in range(rounds):
        await page.evaluate(_WATCH)
        await robot.say("execute_cell", cells=cell)
        await page.wait_for_function("() => Object.keys(window.outputSeen).length > 0")
        seen = await page.evaluate("() => window.outputSeen")
        # Outputs of earlier runs have lower marks, so the last line has the highest mark.
        ended = max(seen, key=int)
        lags.append(seen[ended] + offset - int(ended))
    return summary(lags)


async def large_output(server: LabServer, robot: Agent, page: Page | None) -> Figures:
    """Measure the memory and the loop of the server in repeated runs with 100 MB of output."""
    write_notebook(server, PATH, 3)
    await robot.say("use_notebook", notebook=PATH)
    cell = await robot.insert(LARGE, index=0)
    if page is not None:
        await open_in_page(page, PATH)
    await robot.say("execute_ipython", code="0")
    figures: Figures = {"megabytes": 100, "server_mb": [memory_mb(server)]}
    figures |= {f"loop_{name}": [] for name in LOOP}
    heap = [await _page_heap_mb(page)] if page is not None else []
    for _ in range(LARGE_ROUNDS):
        async with watched_loop(server) as found:
            await robot.say("execute_cell", cells=cell, hold=300)
        for name in LOOP:
            figures[f"loop_{name}"].append(round(found[name], 1))
        figures["server_mb"].append(memory_mb(server))
        if page is not None:
            heap.append(await _page_heap_mb(page))
    return figures | ({"page_heap_mb": heap} if heap else {})


async def _page_heap_mb(page: Page) -> float:
    """Return the size of the page's JavaScript heap after a garbage collection, in MB."""
    session = await page.context.new_cdp_session(page)
    await session.send("HeapProfiler.collectGarbage")
    used = await session.send("Runtime.getHeapUsage")
    await session.detach()
    return round(float(used["usedSize"]) / 1e6, 1)


async def _image(server: LabServer, robot: Agent, cell: str, rounds: int) -> Figures:
    await robot.say("overwrite_cell_source", cell=cell, source=IMAGE)
    blocked: list[dict[str, float]] = []
    for _ in range(rounds):
        async with watched_loop(server) as found:
            await robot.say("execute_cell", cells=cell)
        blocked.append(found)
    return {"megabytes": 5, **_stood_still(blocked)}


async def _first_output(robot: Agent, page: Page, cell: str, rounds: int) -> Figures:
    await page.evaluate(_WATCH)
    offset = await clock_offset(page)
    marks = count(1000)
    times: dict[str, list[float]] = {"by_hand": [], "execute_cell": []}
    for _ in range(rounds):
        for name in times:
            mark = next(marks)
            source = f"print('<{mark}>')"
            await robot.say("overwrite_cell_source", cell=cell, source=source)
            await page.wait_for_function(
                "source => window.jupyterapp.shell.currentWidget.model.sharedModel.cells[0]"
                ".getSource() === source",
                arg=source,
            )
            if name == "by_hand":
                start = await page.evaluate(_RUN_FIRST_CELL) + offset
            else:
                start = time.time() * 1000
                await robot.say("execute_cell", cells=cell)
            await page.wait_for_function(f"() => window.outputSeen['{mark}'] !== undefined")
            there = await page.evaluate(f"() => window.outputSeen['{mark}']")
            times[name].append(there + offset - start)
    by_hand, through = (median(times[name]) for name in times)
    return {
        **{name: summary(each) for name, each in times.items()},
        "ratio_to_by_hand": ratio(through, by_hand),
    }


async def kernels(server: LabServer) -> Figures:
    """Compare the slowdown of 16 kernels that print in parallel with that of kernel clients."""
    paths = [f"kernel-{number}.ipynb" for number in range(KERNELS)]
    async with AsyncExitStack() as stack:
        robots, cells, clients = [], [], []
        for path in paths:
            write_notebook(server, path, 1)
            robot = await stack.enter_async_context(agent(server))
            await robot.say("use_notebook", notebook=path)
            cells.append(await robot.insert(STREAM, index=0))
            await robot.say("execute_ipython", code="0")
            clients.append(await stack.enter_async_context(kernel_client(server, path)))
            robots.append(robot)

        def through(number: int) -> Awaitable[object]:
            return robots[number].say("execute_cell", cells=cells[number], hold=300)

        def past(number: int) -> Awaitable[object]:
            return round_trip(clients[number], STREAM)

        figures = {}
        for name, run in (("kernel_client", past), ("execute_cell", through)):
            alone = median([await _timed(run(0)) for _ in range(3)])
            together = await asyncio.gather(*(_timed(run(n)) for n in range(KERNELS)))
            figures[name] = {
                "alone_ms": round(alone, 1),
                "slowest_ms": round(max(together), 1),
                "slowdown": ratio(max(together), alone),
            }
        for number in range(KERNELS):
            await robots[number].say("unuse_notebook", notebook=paths[number])
    ours, theirs = (figures[name]["slowdown"] for name in ("execute_cell", "kernel_client"))
    return {**figures, "ratio_to_own_slowdown": ratio(ours, theirs)}


async def _timed(work: Awaitable[object]) -> float:
    start = time.perf_counter()
    await work
    return (time.perf_counter() - start) * 1000
