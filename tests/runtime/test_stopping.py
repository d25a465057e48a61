"""Stopping what agents do, whatever it waits for."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import pytest

from jmcp_lab.calls.call import CallState
from jmcp_lab.kernels.sessions import KernelSessions, SessionInfo

from ..support.robots import Robot, write_notebook


async def test_code_waiting_for_a_starting_kernel_does_not_run_after_a_stop(
    robot: Robot, root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (cell,) = write_notebook(root, "a.ipynb", "open('made', 'w')")
    starting, go_on = asyncio.Event(), asyncio.Event()
    start = KernelSessions.start

    async def slowly(self: KernelSessions, *arguments: Any) -> SessionInfo:
        starting.set()
        await go_on.wait()
        return await start(self, *arguments)

    monkeypatch.setattr(KernelSessions, "start", slowly)
    task = robot.start("execute_cell", notebook="a.ipynb", cells=cell)
    call = await robot.allow()
    await starting.wait()
    assert await robot.app.supervisor.stop_all("Ada") == (1, 0)
    go_on.set()
    reply = await task
    assert reply.is_error
    assert call.state is CallState.CANCELLED
    assert await robot.app.sessions.list_kernels() == []
    assert not (root / "made").exists()


async def test_a_reply_says_once_that_the_kernel_was_lost(robot: Robot, root: Path) -> None:
    (cell,) = write_notebook(root, "a.ipynb", "import os; os._exit(1)")
    reply = await robot.run("execute_cell", notebook="a.ipynb", cells=cell)
    assert reply.is_error
    assert reply.text.count("The kernel died") == 1
