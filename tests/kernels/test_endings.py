"""Whatever happens to the kernel: a run ends, in a state that is true."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import sys
from contextlib import contextmanager, suppress
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest
from jupyter_server._tz import utcnow

from jmcp_lab.kernels.connection.kernel_connection import ANSWER_SECONDS
from jmcp_lab.kernels.runs.executor import Executor
from jmcp_lab.kernels.runs.run import Piece, Run, RunState

from .conftest import LOG, Bench, until
from .test_running import start

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from jupyter_server.serverapp import ServerApp


ENDLESS = "print('began', flush=True)\nimport time\nwhile True: time.sleep(0.05)"


async def endless(executor: Executor, kernel_id: str, *more: str) -> tuple[Bench, Run]:
    """Return a run that is under way and never ends by itself."""
    bench = Bench(ENDLESS, *more)
    run = start(executor, kernel_id, bench)
    await until(lambda: bench.text() == "began\n")
    return bench, run


def assert_ended_truly(bench: Bench, run: Run, message: str) -> None:
    assert run.state is RunState.DIED
    assert message in (run.message or "")
    assert "All variables are gone" in (run.message or "")
    assert run.results[0].status == "aborted"
    assert run.results[0].outputs[0]["text"] == "began\n"
    for index in range(len(bench.notebook.ids)):
        assert bench.page.state(index) == "idle"


async def test_a_restart_by_the_person_ends_the_run(
    executor: Executor, kernel_id: str, jp_serverapp: ServerApp
) -> None:
    bench, run = await endless(executor, kernel_id, "2")
    restarted = asyncio.ensure_future(jp_serverapp.kernel_manager.restart_kernel(kernel_id))
    async with asyncio.timeout(10):
        await run.wait()
    assert_ended_truly(bench, run, "The kernel was restarted while this ran")
    await (await restarted)
    again = executor.start(kernel_id, [Piece("1+1")], owner="a")
    await again.wait()
    assert again.state is RunState.DONE
    # Whoever was running when it happened knows it already.
    assert again.notice is None


async def test_a_hard_restart_by_the_person_ends_the_run(
    executor: Executor, kernel_id: str, jp_serverapp: ServerApp
) -> None:
    bench, run = await endless(executor, kernel_id)
    kernel = jp_serverapp.kernel_manager.get_kernel(kernel_id)
    await kernel.restart_kernel(now=True)
    async with asyncio.timeout(10):
        await run.wait()
    assert_ended_truly(bench, run, "The kernel was restarted while this ran")


async def test_a_restart_between_two_runs_is_reported_by_the_next(
    executor: Executor, kernel_id: str, jp_serverapp: ServerApp
) -> None:
    await executor.start(kernel_id, [Piece("x = 1")], owner="a").wait()
    await (await jp_serverapp.kernel_manager.restart_kernel(kernel_id))
    run = executor.start(kernel_id, [Piece("x")], owner="a")
    await run.wait()
    assert run.results[0].error == ("NameError", "name 'x' is not defined")
    assert "was restarted since your last run" in (run.notice or "")
    other = executor.start(kernel_id, [Piece("1")], owner="b")
    again = executor.start(kernel_id, [Piece("1")], owner="a")
    await again.wait()
    assert (other.notice, again.notice) == (None, None)


async def test_a_killed_kernel_ends_the_run_and_starts_again(
    executor: Executor, kernel_id: str, jp_serverapp: ServerApp
) -> None:
    bench, run = await endless(executor, kernel_id, "2")
    waiting = executor.start(kernel_id, [Piece("3")], owner="b")
    kernel = jp_serverapp.kernel_manager.get_kernel(kernel_id)
    assert kernel.provisioner is not None
    pid = kernel.provisioner.pid
    os.kill(pid, signal.SIGKILL)
    async with asyncio.timeout(10):
        await run.wait()
        await waiting.wait()
    assert_ended_truly(bench, run, "The kernel died")
    assert waiting.state is RunState.CANCELLED
    assert "None of it ran" in (waiting.message or "")
    await until(lambda: kernel.provisioner.pid != pid)
    again = executor.start(kernel_id, [Piece("'alive'")], owner="a")
    await again.wait()
    assert again.state is RunState.DONE


async def test_a_stale_record_of_a_restarted_kernel_delays_nobody(
    executor: Executor, kernel_id: str, jp_serverapp: ServerApp
) -> None:
    # The server reads the old kernel's ports for a while: it goes on to say what that one was at.
    kernel = jp_serverapp.kernel_manager.get_kernel(kernel_id)
    jp_serverapp.kernel_manager.stop_watching_activity(kernel_id)
    kernel.execution_state = "busy"
    run = executor.start(kernel_id, [Piece("'alive'")], owner="a")
    queue = executor._queues[kernel_id]
    await until(lambda: queue._bridge is not None and queue._bridge.foreign_busy)
    kernel.execution_state = "starting"
    async with asyncio.timeout(10):
        await run.wait()
    assert run.state is RunState.DONE


async def test_a_kernel_that_dies_by_its_own_code_ends_the_run(
    executor: Executor, kernel_id: str
) -> None:
    run = executor.start(kernel_id, [Piece("import os; os._exit(1)")], owner="a")
    async with asyncio.timeout(10):
        await run.wait()
    assert run.state is RunState.DIED


async def test_shutting_the_kernel_down_ends_the_run(
    executor: Executor, kernel_id: str, jp_serverapp: ServerApp
) -> None:
    bench, run = await endless(executor, kernel_id)
    await jp_serverapp.kernel_manager.shutdown_kernel(kernel_id)
    async with asyncio.timeout(10):
        await run.wait()
    assert_ended_truly(bench, run, "The kernel was shut down while this ran")


async def test_an_interrupt_by_the_person_ends_the_run(
    executor: Executor, kernel_id: str, jp_serverapp: ServerApp
) -> None:
    bench, run = await endless(executor, kernel_id, "2")
    await jp_serverapp.kernel_manager.interrupt_kernel(kernel_id)
    await run.wait()
    assert run.state is RunState.INTERRUPTED
    assert "by somebody else" in (run.message or "")
    assert [result.status for result in run.results] == ["error", "skipped"]
    assert bench.page.state(1) == "idle"


async def test_code_that_ignores_the_interrupt_ends_the_run_when_it_finishes(
    executor: Executor, kernel_id: str
) -> None:
    code = (
        "import time\n"
        "try:\n    print('began', flush=True); time.sleep(60)\n"
        "except KeyboardInterrupt:\n    print('not me')"
    )
    bench = Bench(code, "2")
    run = start(executor, kernel_id, bench)
    await until(lambda: bench.text() == "began\n")
    await executor.interrupt(run)
    await run.wait()
    assert run.state is RunState.INTERRUPTED
    assert [result.status for result in run.results] == ["ok", "skipped"]
    assert "ran to its end" in (run.message or "")


async def test_stopping_the_server_ends_the_run(executor: Executor, kernel_id: str) -> None:
    bench, run = await endless(executor, kernel_id, "2")
    waiting = executor.start(kernel_id, [Piece("3")], owner="b")
    async with asyncio.timeout(3):
        await executor.stop()
    assert (run.state, waiting.state) == (RunState.CANCELLED, RunState.CANCELLED)
    assert "server stopped" in (run.message or "")
    assert run.results[0].outputs[0]["text"] == "began\n"
    assert bench.page.state(0) == bench.page.state(1) == "idle"


async def test_a_kernel_lost_without_any_message_is_noticed(
    executor: Executor, kernel_id: str, jp_serverapp: ServerApp
) -> None:
    bench, run = await endless(executor, kernel_id)
    kernel = jp_serverapp.kernel_manager.get_kernel(kernel_id)
    kernel.stop_restarter()
    assert kernel.provisioner is not None
    os.kill(kernel.provisioner.pid, signal.SIGKILL)
    async with asyncio.timeout(10):
        await run.wait()
    assert_ended_truly(bench, run, "The kernel died")


@pytest.mark.parametrize("half", ["reply", "idle"])
async def test_an_incomplete_ending_is_accepted_after_a_while(
    executor: Executor, kernel_id: str, half: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("jmcp_lab.kernels.connection.execute_request.SETTLE_SECONDS", 0.3)
    bench = Bench("import time; time.sleep(0.3); print('x')")
    run = start(executor, kernel_id, bench)
    await until(lambda: run.execution is not None)
    execution = run.execution
    assert execution is not None
    settle = execution.settle

    def lose_half() -> None:
        if half == "reply":
            execution.idle = False
        else:
            execution.reply = None
        settle()

    monkeypatch.setattr(execution, "settle", lose_half)
    async with asyncio.timeout(10):
        await run.wait()
    assert run.state is (RunState.DONE if half == "reply" else RunState.FAILED)
    assert bench.text() == "x\n"
    assert bench.page.state(0) == "idle"


async def test_a_kernel_that_never_responds_ends_the_run_and_is_not_called_dead(
    executor: Executor,
    kernel_id: str,
    jp_serverapp: ServerApp,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    be_impatient(monkeypatch)
    kernel = jp_serverapp.kernel_manager.get_kernel(kernel_id)
    await until_known(executor, kernel_id)
    bench = Bench("1", "2")
    newcomer = Executor(jp_serverapp.kernel_manager, LOG)
    with stopped(kernel):
        run = start(newcomer, kernel_id, bench)
        async with asyncio.timeout(10):
            await run.wait()
    assert run.state is RunState.FAILED
    assert "does not respond, so none of this ran" in (run.message or "")
    assert [bench.page.state(index) for index in range(2)] == ["idle", "idle"]
    # Nothing was sent that could run later, and nothing is said to be lost.
    again = newcomer.start(kernel_id, [Piece("set(In) & {'1', '2'}")], owner="a")
    await again.wait()
    assert again.results[0].outputs[0]["data"]["text/plain"] == "set()"
    assert again.notice is None
    await newcomer.stop()


async def test_a_program_that_is_not_a_kernel_ends_the_run(
    executor: Executor, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path / "kernels" / "mute"
    folder.mkdir(parents=True)
    program = [sys.executable, "-c", "import time; time.sleep(100)"]
    spec = {"argv": program, "display_name": "Mute", "language": "none"}
    (folder / "kernel.json").write_text(json.dumps(spec))
    monkeypatch.setenv("JUPYTER_PATH", str(tmp_path))
    monkeypatch.setattr("jmcp_lab.kernels.connection.kernel_connection.START_SECONDS", 0.5)
    manager: Any = executor._manager
    kernel_id = await manager.start_kernel(kernel_name="mute")
    try:
        run = executor.start(kernel_id, [Piece("1")], owner="a")
        async with asyncio.timeout(10):
            await run.wait()
    finally:
        await manager.shutdown_kernel(kernel_id, now=True)
    assert run.state is RunState.FAILED
    assert "does not respond" in (run.message or "")


async def test_a_kernel_that_stops_responding_is_reported_until_it_is_restarted(
    executor: Executor,
    kernel_id: str,
    jp_serverapp: ServerApp,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("jmcp_lab.kernels.runs.run.PATIENCE_SECONDS", 0.2)
    bench = Bench(ENDLESS)
    told: list[str] = []
    pieces = [Piece(ENDLESS, "cell0")]
    run = executor.start(
        kernel_id,
        pieces,
        owner="a",
        notebook=bench.notebook,
        on_change=lambda run: told.append(run.progress()),
    )
    await until(lambda: bench.text() == "began\n")
    with stopped(jp_serverapp.kernel_manager.get_kernel(kernel_id)):
        await executor.interrupt(run)
        await until(lambda: any("does not react" in words for words in told))
        # It may come back to life, so it has not ended and the cell still says that it runs.
        assert not run.done
        assert bench.page.state(0) == "running"
        kernel = jp_serverapp.kernel_manager.get_kernel(kernel_id)
        kernel.shutdown_wait_time = 0.5
        await jp_serverapp.kernel_manager.restart_kernel(kernel_id)
        async with asyncio.timeout(10):
            await run.wait()
    assert_ended_truly(bench, run, "The kernel was restarted while this ran")


async def test_stopping_the_server_does_not_wait_for_a_kernel_that_hangs(
    executor: Executor, kernel_id: str, jp_serverapp: ServerApp
) -> None:
    bench, run = await endless(executor, kernel_id)
    with stopped(jp_serverapp.kernel_manager.get_kernel(kernel_id)):
        async with asyncio.timeout(3):
            await executor.stop()
    assert run.state is RunState.CANCELLED
    assert bench.page.state(0) == "idle"


@contextmanager
def stopped(kernel: Any) -> Iterator[None]:  # noqa: ANN401
    """Keep a kernel's process from doing anything, as one that hangs."""
    pid = kernel.provisioner.pid
    os.kill(pid, signal.SIGSTOP)
    try:
        yield
    finally:
        with suppress(ProcessLookupError):
            os.kill(pid, signal.SIGCONT)


def be_impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    """Wait only shortly for a silent kernel.

    Also for one that is busy by the server's record: it may have been stopped between the two
    words that it says to a late request for a sign of life.
    """
    for state in ANSWER_SECONDS:
        monkeypatch.setitem(ANSWER_SECONDS, state, 0.5)


async def until_known(executor: Executor, kernel_id: str) -> None:
    """Run something until the server's record of a new kernel follows what it does.

    The server may begin to listen only after the first status of the first run.
    """
    kernel: Any = executor._manager.get_kernel(kernel_id)
    while kernel.execution_state != "idle":
        await executor.start(kernel_id, [Piece("'known'")], owner="somebody").wait()


async def cull(manager: Any, kernel_id: str) -> None:  # noqa: ANN401
    """Look for a kernel to cull as the server does now and then, long after its last activity."""
    manager.cull_idle_timeout = 1
    manager.get_kernel(kernel_id).last_activity = utcnow() - timedelta(seconds=10)
    await manager.cull_kernel_if_idle(kernel_id)


async def test_culling_spares_a_quiet_run_and_the_next_run_reports_the_new_kernel(
    executor: Executor, kernel_id: str, jp_serverapp: ServerApp, tmp_path: Path
) -> None:
    manager = jp_serverapp.kernel_manager
    await until_known(executor, kernel_id)
    go = tmp_path / "go"
    quiet = f"import pathlib, time\nwhile not pathlib.Path({str(go)!r}).exists(): time.sleep(0.05)"
    run = executor.start(kernel_id, [Piece(quiet)], owner="a", path="a.ipynb")
    await until(lambda: manager.get_kernel(kernel_id).execution_state == "busy")
    await cull(manager, kernel_id)
    assert kernel_id in manager
    go.touch()
    await run.wait()
    assert run.state is RunState.DONE
    await until(lambda: manager.get_kernel(kernel_id).execution_state == "idle")
    await cull(manager, kernel_id)
    assert kernel_id not in manager
    other = await manager.start_kernel()
    again = executor.start(other, [Piece("1")], owner="a", path="a.ipynb")
    someone = executor.start(other, [Piece("1")], owner="b", path="a.ipynb")
    await asyncio.gather(again.wait(), someone.wait())
    assert "another kernel since your last run" in (again.notice or "")
    assert someone.notice is None
    await manager.shutdown_kernel(other, now=True)


async def test_a_kernel_that_is_culled_in_mid_run_ends_the_run(
    executor: Executor, kernel_id: str, jp_serverapp: ServerApp
) -> None:
    manager = jp_serverapp.kernel_manager
    bench, run = await endless(executor, kernel_id)
    manager.cull_busy = True
    await cull(manager, kernel_id)
    async with asyncio.timeout(10):
        await run.wait()
    assert_ended_truly(bench, run, "The kernel was shut down while this ran")
