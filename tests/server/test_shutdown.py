"""A process ends although its event loop was stopped before all tasks had ended."""

from __future__ import annotations

import subprocess
import sys

import pytest

PROGRAM = """
import asyncio, logging, time
import anyio.to_thread
from jmcp_lab.server import shutdown

async def read_and_wait():
    await anyio.to_thread.run_sync(int)
    {then}

def work(do):
    loop.call_soon_threadsafe(loop.stop)
    do()

logging.basicConfig()
shutdown.STUCK_SECONDS = {seconds}
shutdown.let_threads_end(logging.getLogger("jmcp_lab"))
loop = asyncio.new_event_loop()
task = loop.create_task(read_and_wait())
loop.run_forever()
print("the loop has ended", flush=True)
"""

DRIVES = {
    "an async manager's": "await anyio.to_thread.run_sync(work, {do})",
    "one of asyncio": "await asyncio.to_thread(work, {do})",
}


def run(then: str, seconds: float) -> subprocess.CompletedProcess[str]:
    program = PROGRAM.format(then=then, seconds=seconds)
    return subprocess.run(
        [sys.executable, "-c", program], timeout=60, check=False, capture_output=True, text=True
    )


def test_a_thread_that_waits_for_work_keeps_no_process_alive() -> None:
    ended = run("loop.stop(); await asyncio.Event().wait()", 60)
    assert ended.stdout == "the loop has ended\n"
    assert "may not be responding" not in ended.stderr
    assert ended.returncode == 0


@pytest.mark.parametrize("drive", DRIVES)
def test_a_working_thread_is_allowed_to_finish(drive: str) -> None:
    do = "lambda: (time.sleep(0.2), print('written', flush=True))"
    ended = run(DRIVES[drive].format(do=do), 60)
    assert ended.stdout == "the loop has ended\nwritten\n"
    assert ended.returncode == 0


@pytest.mark.parametrize("drive", DRIVES)
def test_a_thread_blocked_by_a_drive_keeps_no_process_alive_and_is_logged(
    drive: str,
) -> None:
    ended = run(DRIVES[drive].format(do="lambda: time.sleep(3600)"), 0.05)
    assert ended.stdout == "the loop has ended\n"
    assert "may not be responding" in ended.stderr
    assert ended.returncode == 1
