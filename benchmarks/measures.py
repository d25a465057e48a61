"""The figures: each measure takes a running setting and returns milliseconds and ratios.

Only ratios within one run are compared between machines, so what belongs to one ratio is measured
in turns: a machine that slows down for a while slows down both.
"""

from __future__ import annotations

import asyncio
import math
import time
from collections.abc import Awaitable, Callable, Mapping
from statistics import median
from typing import TYPE_CHECKING, Any

from setting import LIMIT, Agent, clock_offset, kernel_client, open_in_page, write_notebook

if TYPE_CHECKING:
    from jupyter_client.asynchronous.client import AsyncKernelClient
    from playwright.async_api import Page

    from lab_server import LabServer

Figures = dict[str, Any]
Action = Callable[[], Awaitable[object]]

WARM_UP = 5
NO_OP = "list_kernels"

_WATCH = """() => {
  // When each mark was first in the notebook's DOM: mark -> time.
  const seen = (window.benchmarkSeen = {});
  const notebook = document.querySelector('.jp-NotebookPanel:not(.lm-mod-hidden) .jp-Notebook');
  const note = () => {
    const now = performance.timeOrigin + performance.now();
    for (const found of notebook.textContent.matchAll(/mark_(\\d+)_end/g)) {
      seen[found[1]] ??= now;
    }
  };
  new MutationObserver(note).observe(notebook, {
    childList: true, characterData: true, subtree: true
  });
}"""


def summary(milliseconds: list[float]) -> Figures:
    """Return the median, the 95th percentile and the smallest of some times."""
    ordered = sorted(milliseconds)
    return {
        "n": len(ordered),
        "median_ms": round(median(ordered), 2),
        "p95_ms": round(ordered[math.ceil(len(ordered) * 0.95) - 1], 2),
        "min_ms": round(ordered[0], 2),
    }


async def in_turns(actions: Mapping[str, Action], rounds: int) -> dict[str, Figures]:
    """Time each action `rounds` times, one after the other in each round."""
    times: dict[str, list[float]] = {name: [] for name in actions}
    for turn in range(WARM_UP + rounds):
        for name, action in actions.items():
            start = time.perf_counter()
            await action()
            spent = (time.perf_counter() - start) * 1000
            if turn >= WARM_UP:
                times[name].append(spent)
    return {name: summary(spent) for name, spent in times.items()}


async def round_trip(client: AsyncKernelClient, code: str) -> None:
    """Run code as a plain kernel client: until the reply and the kernel's idle are both there."""
    asked = client.execute(code)

    async def reply() -> None:
        while (await client.get_shell_msg(timeout=LIMIT))["parent_header"]["msg_id"] != asked:
            pass

    async def idle() -> None:
        while True:
            message = await client.get_iopub_msg(timeout=LIMIT)
            if message["parent_header"].get("msg_id") == asked and (
                message["content"].get("execution_state") == "idle"
            ):
                return

    await asyncio.gather(reply(), idle())


async def execution(server: LabServer, agent: Agent, page: Page | None, rounds: int) -> Figures:
    """Measure `execute_cell` of ``1+1`` against the kernel client alone plus a no-op call."""
    write_notebook(server, "execution.ipynb", 10)
    await agent.say("use_notebook", notebook="execution.ipynb")
    if page is not None:
        await open_in_page(page, "execution.ipynb")
    cell = await agent.insert("1+1")
    await agent.say("execute_cell", cells=cell)
    async with kernel_client(server, "execution.ipynb") as client:
        figures = await in_turns(
            {
                "kernel_client": lambda: round_trip(client, "1+1"),
                NO_OP: lambda: agent.say(NO_OP),
                "execute_ipython": lambda: agent.say("execute_ipython", code="1+1"),
                "execute_cell": lambda: agent.say("execute_cell", cells=cell),
            },
            rounds,
        )

    def against_both(figure: str) -> float:
        both = figures["kernel_client"][figure] + figures[NO_OP][figure]
        return ratio(figures["execute_cell"][figure], both)

    return {
        **figures,
        "page_open": page is not None,
        "ratio_to_kernel_client_plus_no_op": against_both("median_ms"),
        # On a busy machine the medians say most about what else is running.
        "ratio_of_minima": against_both("min_ms"),
        "goal": 1.3,
    }


async def edit_to_page(server: LabServer, agent: Agent, page: Page, rounds: int) -> Figures:
    """Measure from the call of `overwrite_cell_source` until the page's DOM holds the text."""
    write_notebook(server, "edits.ipynb", 10)
    await agent.say("use_notebook", notebook="edits.ipynb")
    await open_in_page(page, "edits.ipynb")
    cell = await agent.insert("mark_x_end", index=0)
    await page.evaluate(_WATCH)
    offset = await clock_offset(page)
    shown, replied = [], []
    for turn in range(WARM_UP + rounds):
        start = time.time() * 1000
        await agent.say("overwrite_cell_source", cell=cell, source=f"mark_{turn}_end")
        end = time.time() * 1000
        await page.wait_for_function(f"() => window.benchmarkSeen['{turn}'] !== undefined")
        there = await page.evaluate(f"() => window.benchmarkSeen['{turn}']")
        if turn >= WARM_UP:
            shown.append(there + offset - start)
            replied.append(end - start)
    return {"call_to_dom": summary(shown), "call_to_reply": summary(replied)}


async def edits(server: LabServer, agent: Agent, cells: int, rounds: int) -> Figures:
    """Measure edits of a notebook of `cells` cells against a no-op call."""
    path = f"cells-{cells}.ipynb"
    write_notebook(server, path, cells)
    await agent.say("use_notebook", notebook=path)
    cell = await agent.insert("first = 0", index=cells // 2)
    numbers = iter(range(10**9))
    inserted: list[str] = []

    async def insert() -> None:
        inserted.append(await agent.insert("x = 1", after=cell))

    figures = await in_turns(
        {
            NO_OP: lambda: agent.say(NO_OP),
            "insert_cell": insert,
            "overwrite_cell_source": lambda: agent.say(
                "overwrite_cell_source", cell=cell, source=f"first = {next(numbers)}\nfirst + 1"
            ),
            "read_cell": lambda: agent.say("read_cell", cell=cell),
            # Keeps the notebook at its size.
            "delete_cell": lambda: agent.say("delete_cell", cells=inserted.pop()),
        },
        rounds,
    )
    base = figures[NO_OP]["median_ms"]
    return {
        name: {**timed, "ratio_to_no_op": ratio(timed["median_ms"], base)}
        for name, timed in figures.items()
    }


def ratio(value: float, base: float) -> float:
    """Return a ratio with two digits."""
    return round(value / base, 2) if base else math.inf
