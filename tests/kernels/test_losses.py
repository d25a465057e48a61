"""Output that the kernel itself drops is missed, and output that it does not drop is not."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from jmcp_lab.kernels.losses import MessageCounter
from jmcp_lab.kernels.run import RunState

from .conftest import Bench, until
from .test_running import start

if TYPE_CHECKING:
    from jupyter_server.serverapp import ServerApp

    from jmcp_lab.kernels.executor import Executor

DROP = "get_ipython().kernel.session.message_count += 500"
"""What a subscriber sees when the kernel dropped 500 messages."""


async def test_output_that_the_kernel_dropped_is_said_to_be_missing(
    executor: Executor, kernel_id: str
) -> None:
    bench = Bench(f"print('one', flush=True)\n{DROP}\nprint('two', flush=True)", "print('three')")
    run = start(executor, kernel_id, bench)
    await run.wait()
    assert run.state is RunState.DONE
    assert bench.outputs() == run.results[0].outputs
    before, notice, after = bench.outputs()
    assert (before["text"], after["text"]) == ("one\n", "two\n")
    assert notice["data"]["text/plain"].startswith("[About 500 messages of output are missing here")
    assert len(bench.outputs(1)) == 1


async def test_what_others_ask_of_the_kernel_is_not_taken_for_a_loss(
    executor: Executor, kernel_id: str, jp_serverapp: ServerApp
) -> None:
    client: Any = jp_serverapp.kernel_manager.get_kernel(kernel_id).client()
    client.session.session = "person"
    client.start_channels(iopub=False, stdin=False, hb=False)
    try:
        bench = Bench("for i in range(3000): print(i, flush=True)")
        run = start(executor, kernel_id, bench)
        await until(lambda: run.execution is not None and run.execution.started)
        for _ in range(50):
            client.control_channel.send(client.session.msg("kernel_info_request"))
        await run.wait()
    finally:
        client.stop_channels()
    assert "are missing here" not in "".join(map(str, bench.outputs()[1:]))


def numbered(msg_id: str) -> dict[str, Any]:
    return {"header": {"msg_id": msg_id}}


def test_only_a_gap_in_the_numbers_of_one_sender_counts() -> None:
    counter = MessageCounter()
    ids = [
        "s_1_7",
        "s_1_8",
        "s_1_12",
        "s_1_11",
        "s_1_13",
        "s_1_1014",
        "other_2_9000",
        "other_2_9001",
    ]
    assert [counter.missing(numbered(msg_id)) for msg_id in ids] == [0, 0, 0, 0, 0, 1000, 0, 0]


def test_ids_without_numbers_tell_nothing() -> None:
    counter = MessageCounter()
    for msg_id in ("", "5e0f9a58-0000", "7", "1_2", "a_b_c"):
        assert counter.missing(numbered(msg_id)) == 0
