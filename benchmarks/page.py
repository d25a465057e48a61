"""Measures the time from an edit to the page, for edits through MCP and inside the server."""

from __future__ import annotations

import time
from itertools import count
from typing import TYPE_CHECKING

from setting import Agent, clock_offset, open_in_page, overwrite_in_process, write_notebook
from timing import WARM_UP, Figures, ratio, summary

if TYPE_CHECKING:
    from playwright.async_api import Page

    from lab_server import LabServer

PATH = "page.ipynb"

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


async def edit_to_page(server: LabServer, agent: Agent, page: Page, rounds: int) -> Figures:
    """Measure the time until the page's DOM has a cell's new text.

    The time starts at the call of `overwrite_cell_source`, or at the same edit inside the server.
    """
    write_notebook(server, PATH, 10)
    await agent.say("use_notebook", notebook=PATH)
    await open_in_page(page, PATH)
    cell = await agent.insert("mark_x_end", index=0)
    await page.evaluate(_WATCH)
    offset = await clock_offset(page)
    replied: list[float] = []

    async def call(source: str) -> float:
        start = time.time() * 1000
        await agent.say("overwrite_cell_source", cell=cell, source=source)
        replied.append(time.time() * 1000 - start)
        return start

    async def inside(source: str) -> float:
        return await overwrite_in_process(server, PATH, cell, source)

    shown: dict[str, list[float]] = {"call_to_dom": [], "in_process_to_dom": []}
    marks = count()
    for turn in range(WARM_UP + rounds):
        for name, edit in (("call_to_dom", call), ("in_process_to_dom", inside)):
            mark = next(marks)
            # The agent has to see the text that was written inside the server.
            await agent.say("read_cell", cell=cell)
            start = await edit(f"mark_{mark}_end")
            await page.wait_for_function(f"() => window.benchmarkSeen['{mark}'] !== undefined")
            there = await page.evaluate(f"() => window.benchmarkSeen['{mark}']")
            if turn >= WARM_UP:
                shown[name].append(there + offset - start)
    figures = {name: summary(each) for name, each in shown.items()}
    through, floor = (figures[name]["median_ms"] for name in shown)
    return {
        **figures,
        "call_to_reply": summary(replied[WARM_UP:]),
        "ratio_to_in_process": ratio(through, floor),
    }
