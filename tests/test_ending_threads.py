"""A process ends although its event loop was stopped before all tasks had ended."""

from __future__ import annotations

import subprocess
import sys

PROGRAM = """
import asyncio
import anyio.to_thread
from jmcp_lab.ending import let_threads_end

async def read_and_wait():
    await anyio.to_thread.run_sync(int)
    loop.call_soon(loop.stop)
    await asyncio.Event().wait()

let_threads_end()
loop = asyncio.new_event_loop()
task = loop.create_task(read_and_wait())
loop.run_forever()
print("the loop has ended")
"""


def test_a_thread_that_waits_for_work_keeps_no_process_alive() -> None:
    ended = subprocess.run(
        [sys.executable, "-c", PROGRAM], timeout=60, check=True, capture_output=True, text=True
    )
    assert ended.stdout == "the loop has ended\n"
