"""Two agents and a person on one kernel."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

import pytest

from jmcp_lab.kernels.runs.run import Piece, Run, RunState

from .conftest import Bench, until
from .test_running import start

if TYPE_CHECKING:
    from collections.abc import Iterator

    from jupyter_client.asynchronous.client import AsyncKernelClient
    from jupyter_server.serverapp import ServerApp

    from jmcp_lab.kernels.runs.executor import Executor


@pytest.fixture
def person(
    jp_serverapp: ServerApp, kernel_id: str, jp_asyncio_loop: asyncio.AbstractEventLoop
) -> Iterator[AsyncKernelClient]:
    """Return a client of the kernel that is not ours, as a page has one."""
    client: Any = jp_serverapp.kernel_manager.get_kernel(kernel_id).client()
    client.session.session = "person"

    async def connect() -> None:
        client.start_channels(hb=False)
        await client.wait_for_ready(timeout=60)

    jp_asyncio_loop.run_until_complete(connect())
    yield client
    client.stop_channels()


async def reply_to(person: AsyncKernelClient, msg_id: str) -> dict[str, Any]:
    while True:
        message = await person.get_shell_msg(timeout=30)
        if message["parent_header"].get("msg_id") == msg_id:
            return dict(message["content"])


async def test_owners_take_turns(executor: Executor, kernel_id: str) -> None:
    many = [Piece(f"order.append('a{index}')") for index in range(4)]
    first = executor.start(kernel_id, [Piece("order = []"), *many], owner="a")
    second = executor.start(kernel_id, [Piece("order.append('b')")], owner="b")
    await asyncio.gather(first.wait(), second.wait())
    last = executor.start(kernel_id, [Piece("' '.join(order)")], owner="a")
    await last.wait()
    order = last.results[0].outputs[0]["data"]["text/plain"]
    assert order == "'b a0 a1 a2 a3'" or order == "'a0 b a1 a2 a3'"


async def test_runs_of_one_owner_keep_their_order(executor: Executor, kernel_id: str) -> None:
    runs = [executor.start(kernel_id, [Piece(str(n)), Piece("1")], owner="a") for n in range(3)]
    await asyncio.gather(*(run.wait() for run in runs))
    ended = [run.ended or 0.0 for run in runs]
    assert ended == sorted(ended)


async def test_an_error_stops_only_its_own_run(
    executor: Executor, kernel_id: str, person: AsyncKernelClient
) -> None:
    slow = "import time; time.sleep(0.5); 1/0"
    failing = executor.start(kernel_id, [Piece(slow), Piece("2")], owner="a")
    await until(lambda: failing.current == 0)
    other = executor.start(kernel_id, [Piece("'fine'")], owner="b")
    msg_id = str(person.execute("'mine'"))
    assert (await reply_to(person, msg_id))["status"] == "ok"
    await other.wait()
    assert other.state is RunState.DONE
    assert failing.state is RunState.FAILED


async def test_an_error_of_the_person_does_not_stop_a_run_behind_it(
    executor: Executor, kernel_id: str, person: AsyncKernelClient
) -> None:
    await executor.start(kernel_id, [Piece("import time")], owner="a").wait()
    # The second is in the kernel's queue when the first fails: the kernel drops it.
    run = executor.start(kernel_id, [Piece("time.sleep(0.5)"), Piece("'mine'")], owner="a")
    await until(lambda: run.execution is not None and run.execution.started)
    person.execute("1/0")
    await run.wait()
    assert run.state is RunState.DONE
    assert [result.status for result in run.results] == ["ok", "ok"]


async def test_a_run_waits_for_the_persons_run_and_can_be_cancelled(
    executor: Executor, kernel_id: str, person: AsyncKernelClient
) -> None:
    await executor.start(kernel_id, [Piece("flag = 'untouched'")], owner="a").wait()
    slow = str(person.execute("import time; time.sleep(1.5); 'whole'"))
    bench = Bench("old")
    bench.document.ycells[0]["outputs"].append({"output_type": "display_data"})
    await until(lambda: bool(executor._queues[kernel_id]._bridge.foreign_busy))  # type: ignore[union-attr]
    run = executor.start(
        kernel_id, [Piece("flag = 'old'", "cell0")], owner="a", notebook=bench.notebook
    )
    assert bench.page.state(0) == "running"
    await asyncio.sleep(0)
    await executor.interrupt(run)
    await run.wait()
    assert run.state is RunState.CANCELLED
    assert run.message == "The run was stopped before it started. None of it ran."
    assert bench.page.state(0) == "idle"
    assert len(bench.outputs()) == 1
    # The person's cell was not touched.
    assert (await reply_to(person, slow))["status"] == "ok"
    check = executor.start(kernel_id, [Piece("flag")], owner="a")
    await check.wait()
    assert check.results[0].outputs[0]["data"]["text/plain"] == "'untouched'"


async def test_a_cancelled_run_leaves_the_cell_to_the_run_that_is_in_it(
    executor: Executor, kernel_id: str
) -> None:
    bench = Bench("input()")
    first = executor.start(
        kernel_id,
        [Piece("input()", "cell0")],
        owner="a",
        notebook=bench.notebook,
        can_ask=lambda: True,
    )
    await until(lambda: first.question is not None)
    second = start(executor, kernel_id, bench, owner="b")
    await executor.interrupt(second)
    await second.wait()
    assert second.state is RunState.CANCELLED
    assert bench.page.state(0) == "running"
    assert first.question is not None
    first.answer(first.question.id, "")
    await first.wait()
    assert bench.page.state(0) == "idle"


async def test_a_waiting_run_does_not_take_the_mark_of_an_earlier_run(
    executor: Executor, kernel_id: str
) -> None:
    bench = Bench("input('one')", "input('two')", "input('three')")
    batch = start(executor, kernel_id, bench, owner="b", can_ask=lambda: True)

    async def answered(run: Run, prompt: str) -> None:
        await until(lambda: run.question is not None and run.question.prompt == prompt)
        assert run.question is not None
        run.answer(run.question.id, "")

    await until(lambda: batch.question is not None)
    # Its turn comes after the second cell of the batch, whose third has its [*] already.
    single = executor.start(
        kernel_id,
        [Piece("input('three')", "cell2")],
        owner="a",
        notebook=bench.notebook,
        can_ask=lambda: True,
    )
    await answered(batch, "one")
    await answered(batch, "two")
    await until(lambda: single.question is not None)
    await executor.interrupt(batch)
    await batch.wait()
    assert bench.page.state(2) == "running"
    await answered(single, "three")
    await single.wait()
    assert bench.page.state(2) == "idle"


async def test_a_cancelled_run_leaves_the_cell_to_another_waiting_run(
    executor: Executor, kernel_id: str
) -> None:
    asking = executor.start(kernel_id, [Piece("input()")], owner="a", can_ask=lambda: True)
    await until(lambda: asking.question is not None)
    bench = Bench("1", "2")
    # The first shows that both wait; the second waits for one of them.
    first = start(executor, kernel_id, bench, owner="a")
    second = executor.start(kernel_id, [Piece("2", "cell1")], owner="b", notebook=bench.notebook)
    await executor.interrupt(first)
    await first.wait()
    assert [bench.page.state(index) for index in range(2)] == ["idle", "running"]
    await executor.interrupt(second)
    await second.wait()
    assert bench.page.state(1) == "idle"
    assert asking.question is not None
    asking.answer(asking.question.id, "")
    await asking.wait()


async def test_an_interrupt_never_hits_the_run_of_another(
    executor: Executor, kernel_id: str
) -> None:
    bench = Bench("print('began', flush=True)\nimport time; time.sleep(1); 'whole'")
    theirs = start(executor, kernel_id, bench, owner="b")
    await until(lambda: bench.text() == "began\n")
    mine = executor.start(kernel_id, [Piece("1"), Piece("2")], owner="a")
    await executor.interrupt(mine)
    await asyncio.gather(mine.wait(), theirs.wait())
    assert mine.state is RunState.CANCELLED
    assert theirs.state is RunState.DONE


async def test_a_run_waits_for_a_kernel_that_is_already_busy(
    executor: Executor, kernel_id: str, person: AsyncKernelClient
) -> None:
    slow = str(person.execute("import time; time.sleep(1); x = 'set'"))
    await until(lambda: executor._manager.get_kernel(kernel_id).execution_state == "busy")  # type: ignore[attr-defined]
    run = executor.start(kernel_id, [Piece("x")], owner="a")
    await run.wait()
    assert run.results[0].outputs[0]["data"]["text/plain"] == "'set'"
    assert (await reply_to(person, slow))["status"] == "ok"


async def test_a_run_in_the_kernels_queue_is_interrupted_as_soon_as_it_starts(
    executor: Executor, kernel_id: str, person: AsyncKernelClient
) -> None:
    await executor.start(kernel_id, [Piece("import time")], owner="a").wait()
    bridge = executor._queues[kernel_id]._bridge
    assert bridge is not None
    slow = str(person.execute("time.sleep(1); 'whole'"))
    await until(lambda: bridge.foreign_busy)
    # As if the person's cell had come between our look at the kernel and our request.
    bridge.recheck_busy(patient=False)
    bridge._busy.clear()
    run = executor.start(kernel_id, [Piece("time.sleep(60)")], owner="a")
    await until(lambda: run.execution is not None)
    await executor.interrupt(run)
    assert (await reply_to(person, slow))["status"] == "ok"
    async with asyncio.timeout(10):
        await run.wait()
    assert run.state is RunState.INTERRUPTED
