"""Compares running a cell with a kernel client that runs the same code without the server."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from setting import LIMIT, Agent, kernel_client, open_in_page, write_notebook
from timing import NO_OP, SETTLE_SECONDS, Figures, in_turns, no_op, ratio

if TYPE_CHECKING:
    from jupyter_client.asynchronous.client import AsyncKernelClient
    from playwright.async_api import Page

    from lab_server import LabServer


async def round_trip(client: AsyncKernelClient, code: str) -> None:
    """Run code as a plain kernel client, until both the reply and the kernel's idle arrive."""
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
    """Compare `execute_cell` of ``1+1`` with the kernel client alone plus a no-op call."""
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
                NO_OP: lambda: no_op(agent),
                "execute_ipython": lambda: agent.say("execute_ipython", code="1+1"),
                "execute_cell": lambda: agent.say("execute_cell", cells=cell),
            },
            rounds,
            settle=SETTLE_SECONDS,
        )

    def against_both(figure: str) -> float:
        both = figures["kernel_client"][figure] + figures[NO_OP][figure]
        return ratio(figures["execute_cell"][figure], both)

    return {
        **figures,
        "page_open": page is not None,
        "ratio_to_kernel_client_plus_no_op": against_both("median_ms"),
        # On a busy machine, the medians depend mostly on the other programs.
        "ratio_of_minima": against_both("min_ms"),
    }


async def beside_peer(server: LabServer, other: LabServer, agent: Agent, rounds: int) -> Figures:
    """Run ``1+1`` here and on jupyter-mcp-server, both without a page."""
    path = "execution-peer.ipynb"
    for each in (server, other):
        write_notebook(each, path, 2)
    await agent.say("use_notebook", notebook=path)
    cell = await agent.insert("1+1")
    await agent.say("execute_cell", cells=cell)
    async with Agent.of_peer(other) as theirs:
        use = {"notebook_name": "execution", "notebook_path": path, "mode": "connect"}
        await theirs.say("use_notebook", **use)
        await theirs.say("insert_cell", cell_index=0, cell_type="code", cell_source="1+1")
        await theirs.say("execute_cell", cell_index=0)
        figures = await in_turns(
            {
                "execute_cell": lambda: agent.say("execute_cell", cells=cell),
                "peer execute_cell": lambda: theirs.say("execute_cell", cell_index=0),
            },
            rounds,
        )
    both = (figures[name]["median_ms"] for name in ("execute_cell", "peer execute_cell"))
    return {**figures, "ratio_to_peer": ratio(*both)}
