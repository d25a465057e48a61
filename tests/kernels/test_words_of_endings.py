"""Why a kernel ended is said as far as it is known, and not guessed."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import pytest

from jmcp_lab.kernels.connection.kernel_death import Lost
from jmcp_lab.kernels.runs.messages import lost
from jmcp_lab.kernels.runs.run import Piece, Run, RunState

from .conftest import until

if TYPE_CHECKING:
    from jmcp_lab.kernels.runs.executor import Executor


@pytest.mark.parametrize("ending", ["0", "1", "-9"], ids=["ends", "fails", "is killed"])
async def test_a_kernel_that_ends_on_our_interrupt_is_not_reported_as_ending_by_itself(
    executor: Executor, kernel_id: str, ending: str
) -> None:
    end = "os.kill(os.getpid(), 9)" if ending == "-9" else f"os._exit({ending})"
    code = (
        "import os, signal, time\n"
        f"signal.signal(signal.SIGINT, lambda *_: {end})\n"
        "print('began', flush=True)\n"
        "while True: time.sleep(0.05)"
    )
    run = executor.start(kernel_id, [Piece(code)], owner="a")
    await until(lambda: run.last_line == "began")
    await executor.interrupt(run)
    async with asyncio.timeout(30):
        await run.wait()
    assert run.state is RunState.DIED
    assert run.message is not None
    assert "ended when it was interrupted as asked" in run.message
    assert "by itself, as with exit()" not in run.message
    assert "memory" not in run.message
    again = executor.start(kernel_id, [Piece("1+1")], owner="a")
    async with asyncio.timeout(60):
        await again.wait()
    assert again.state is RunState.DONE


def test_a_kernel_killed_before_anything_ran_is_not_reported_as_out_of_memory() -> None:
    run = Run(
        "k",
        [Piece("1")],
        owner="a",
        notebook=None,
        path=None,
        stop_on_error=True,
        on_change=None,
        can_ask=lambda: False,
    )
    assert "memory" not in lost(Lost.KILLED, run)
    assert "was killed" in lost(Lost.KILLED, run)
