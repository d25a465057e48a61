"""What happens to a run until its code is in the kernel."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from jmcp_lab.kernels.runs.executor import Executor
from jmcp_lab.kernels.runs.run import Piece, RunState

from .conftest import LOG, Bench, until
from .test_endings import be_impatient, stopped, until_known
from .test_running import start

if TYPE_CHECKING:
    import pytest
    from jupyter_server.serverapp import ServerApp


async def test_a_run_after_one_stopped_while_connecting_waits_for_the_kernel_too(
    executor: Executor,
    kernel_id: str,
    jp_serverapp: ServerApp,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    be_impatient(monkeypatch)
    kernel = jp_serverapp.kernel_manager.get_kernel(kernel_id)
    await until_known(executor, kernel_id)
    newcomer = Executor(jp_serverapp.kernel_manager, LOG)
    with stopped(kernel):
        first = newcomer.start(kernel_id, [Piece("1")], owner="a")
        await asyncio.sleep(0)
        await newcomer.interrupt(first)
        await first.wait()
        assert first.state is RunState.CANCELLED
        # Its output would be lost: the kernel publishes nothing to us yet.
        second = newcomer.start(kernel_id, [Piece("2")], owner="a")
        async with asyncio.timeout(10):
            await second.wait()
    assert second.state is RunState.FAILED
    assert "does not respond, so none of this ran" in (second.message or "")
    await newcomer.stop()


async def test_code_stopped_while_the_document_was_busy_is_not_sent(
    executor: Executor, kernel_id: str
) -> None:
    await executor.start(kernel_id, [Piece("ran = False")], owner="a").wait()
    bench = Bench("ran = True")
    # As jupyter-server-ydoc does while it merges a big file that changed on disk.
    async with bench.document.ydoc.new_transaction():
        run = start(executor, kernel_id, bench)
        queue = executor._queues[kernel_id]
        await until(lambda: queue._active is run)
        await executor.interrupt(run)
    await run.wait()
    assert run.state is RunState.CANCELLED
    check = executor.start(kernel_id, [Piece("ran")], owner="a")
    await check.wait()
    assert check.results[0].outputs[0]["data"]["text/plain"] == "False"
