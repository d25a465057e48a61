"""A kernel that dies is started again by Jupyter: runs wait for it, and hear of it once."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import pytest

from jmcp_lab.kernels.runs.run import Piece, RunState

from .conftest import until

if TYPE_CHECKING:
    from jupyter_server.serverapp import ServerApp

    from jmcp_lab.kernels.runs.executor import Executor

DEATHS = {
    "import os, signal; os.kill(os.getpid(), signal.SIGKILL)": "it was killed (often because",
    "import os, signal; os.kill(os.getpid(), signal.SIGSEGV)": "The kernel died while this ran",
    "import os; os._exit(1)": "The kernel died while this ran",
    "import os; os._exit(0)": "The kernel ended by itself",
}


@pytest.mark.parametrize("code", DEATHS)
async def test_a_run_requested_while_the_kernel_restarts_waits_for_it(
    executor: Executor, kernel_id: str, code: str
) -> None:
    run = executor.start(kernel_id, [Piece(code)], owner="a")
    await run.wait()
    assert run.state is RunState.DIED
    assert DEATHS[code] in (run.message or "")
    assert ("memory" in (run.message or "")) is ("killed" in DEATHS[code])
    # At once: Jupyter has not noticed yet that the kernel is gone.
    again = executor.start(kernel_id, [Piece("'alive'")], owner="a")
    other = executor.start(kernel_id, [Piece("'alive'")], owner="b")
    async with asyncio.timeout(60):
        await again.wait()
        await other.wait()
    assert (again.state, other.state) == (RunState.DONE, RunState.DONE), again.message
    assert (again.notice, again.message) == (None, None)


async def test_a_kernel_that_ends_by_exit_is_not_reported_as_out_of_memory(
    executor: Executor, kernel_id: str, jp_serverapp: ServerApp
) -> None:
    run = executor.start(kernel_id, [Piece("exit()")], owner="a")
    await run.wait()
    kernel = jp_serverapp.kernel_manager.get_kernel(kernel_id)
    process = kernel.provisioner.process
    await until(lambda: process.poll() is not None)
    again = executor.start(kernel_id, [Piece("'alive'")], owner="a")
    async with asyncio.timeout(60):
        await again.wait()
    assert again.state is RunState.DONE, again.message
    said = f"{run.message} {again.notice} {again.message}"
    assert "memory" not in said
    assert said.count("The kernel ended by itself") == 1


async def test_a_run_that_waits_for_a_restart_can_be_stopped(
    executor: Executor, kernel_id: str
) -> None:
    await executor.start(kernel_id, [Piece("import os; os._exit(1)")], owner="a").wait()
    waiting = executor.start(kernel_id, [Piece("'alive'")], owner="a")
    await until(lambda: executor._queues[kernel_id]._active is waiting)
    await executor.interrupt(waiting)
    async with asyncio.timeout(60):
        await waiting.wait()
    assert waiting.state is RunState.CANCELLED


async def test_a_kernel_that_cannot_be_started_again_ends_what_waits_for_it(
    executor: Executor, kernel_id: str, jp_serverapp: ServerApp
) -> None:
    kernel = jp_serverapp.kernel_manager.get_kernel(kernel_id)
    kernel._restarter.restart_limit = 0
    await executor.start(kernel_id, [Piece("import os; os._exit(1)")], owner="a").wait()
    waiting = executor.start(kernel_id, [Piece("'alive'")], owner="b")
    async with asyncio.timeout(60):
        await waiting.wait()
    assert waiting.state is RunState.CANCELLED
    assert "could not be started again" in (waiting.message or "")


async def test_a_run_requested_while_the_person_restarts_the_kernel_waits_for_it(
    executor: Executor, kernel_id: str, jp_serverapp: ServerApp
) -> None:
    manager = jp_serverapp.kernel_manager
    await executor.start(kernel_id, [Piece("x = 1")], owner="a").wait()
    kernel = manager.get_kernel(kernel_id)
    process = kernel.provisioner.pid
    restart = asyncio.ensure_future(manager.restart_kernel(kernel_id))
    await until(lambda: kernel.shutting_down)
    runs = [executor.start(kernel_id, [Piece("'x' in dir()")], owner=owner) for owner in "ab"]
    async with asyncio.timeout(60):
        await asyncio.gather(*(run.wait() for run in runs))
    await (await restart)
    assert kernel.provisioner.pid != process
    for run in runs:
        assert run.state is RunState.DONE, run.message
        assert run.results[0].outputs[0]["data"]["text/plain"] == "False"
    assert "was restarted since your last run" in (runs[0].notice or "")


async def test_a_run_requested_during_a_restart_starts_when_the_earlier_run_has_ended(
    executor: Executor, kernel_id: str, jp_serverapp: ServerApp
) -> None:
    manager = jp_serverapp.kernel_manager
    endless = executor.start(kernel_id, [Piece("while True: pass")], owner="a")
    before = executor.start(kernel_id, [Piece("'before'")], owner="b")
    await until(lambda: endless.execution is not None and endless.execution.started)
    restart = asyncio.ensure_future(manager.restart_kernel(kernel_id))
    await until(lambda: manager.get_kernel(kernel_id).shutting_down)
    during = executor.start(kernel_id, [Piece("'during'")], owner="b")
    async with asyncio.timeout(60):
        await asyncio.gather(*(run.wait() for run in (endless, before, during)))
    await (await restart)
    assert (endless.state, before.state) == (RunState.DIED, RunState.CANCELLED)
    assert during.state is RunState.DONE, during.message
    # Where the one before had ended already when this one came, its owner has been told.
    assert "was restarted" in f"{before.message} {during.notice}"


async def test_a_run_that_waits_for_the_persons_restart_ends_with_the_kernel(
    executor: Executor, kernel_id: str, jp_serverapp: ServerApp
) -> None:
    manager = jp_serverapp.kernel_manager
    await executor.start(kernel_id, [Piece("x = 1")], owner="a").wait()
    end = asyncio.ensure_future(manager.shutdown_kernel(kernel_id))
    await until(lambda: kernel_id not in manager or manager.get_kernel(kernel_id).shutting_down)
    if kernel_id in manager:
        run = executor.start(kernel_id, [Piece("'alive'")], owner="a")
        async with asyncio.timeout(60):
            await run.wait()
        assert run.state is RunState.CANCELLED
        assert "shut down" in f"{run.notice} {run.message}"
    await end
