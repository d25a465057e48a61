"""Output that the kernel itself drops is missed, and nothing else is taken for that."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

from jmcp_lab.kernels.connection.output_sink import OutputSink
from jmcp_lab.kernels.runs.run import RunState

from .conftest import Bench, assert_complete, until
from .test_running import start

if TYPE_CHECKING:
    import pytest
    from jupyter_server.serverapp import ServerApp

    from jmcp_lab.kernels.runs.executor import Executor

DROP = "get_ipython().kernel.session.message_count += 500"
"""What a subscriber sees when the kernel dropped 500 messages."""

SLOW = "import time\nfor i in range(40): print(i, flush=True); time.sleep(0.02)"


async def test_output_that_the_kernel_dropped_is_reported_as_missing(
    executor: Executor, kernel_id: str
) -> None:
    bench = Bench(f"print('one', flush=True)\n{DROP}\nprint('two', flush=True)", "print('three')")
    run = start(executor, kernel_id, bench)
    await run.wait()
    assert run.state is RunState.DONE
    *printed, notice = bench.outputs()
    assert "".join(output["text"] for output in printed) == "one\ntwo\n"
    assert "so about 50" in (run.results[0].note or "")
    # The page, the document and the file must not look complete either.
    assert notice["data"] == {"text/plain": f"[{run.results[0].note}]"}
    assert run.results[0].outputs == bench.outputs()
    assert run.results[1].note is None
    assert bench.text(1) == "three\n"


async def test_the_note_about_a_loss_clears_nothing(executor: Executor, kernel_id: str) -> None:
    waits = "from IPython.display import clear_output\nclear_output(wait=True)"
    bench = Bench(f"print('kept', flush=True)\n{DROP}\n{waits}")
    run = start(executor, kernel_id, bench)
    await run.wait()
    kept, notice = bench.outputs()
    assert kept["text"] == "kept\n"
    assert "Some output is missing" in notice["data"]["text/plain"]


async def test_a_kernel_that_dies_after_a_loss_leaves_the_note_about_it(
    executor: Executor, kernel_id: str
) -> None:
    dies = "import os, time; time.sleep(0.2); os._exit(1)"
    bench = Bench(f"print('one', flush=True)\n{DROP}\nprint('two', flush=True)\n{dies}")
    run = start(executor, kernel_id, bench)
    await run.wait()
    assert run.state is RunState.DIED
    assert "Some output is missing" in bench.outputs()[-1]["data"]["text/plain"]


async def test_requests_of_others_are_not_mistaken_for_a_loss(
    executor: Executor, kernel_id: str, jp_serverapp: ServerApp
) -> None:
    client: Any = jp_serverapp.kernel_manager.get_kernel(kernel_id).client()
    client.session.session = "person"
    client.start_channels(iopub=False, stdin=False, hb=False)
    try:
        bench = Bench(SLOW)
        run = start(executor, kernel_id, bench)
        await until(lambda: run.execution is not None and run.execution.started)
        for _ in range(200):
            client.control_channel.send(client.session.msg("kernel_info_request"))
        await run.wait()
    finally:
        client.stop_channels()
    assert bench.text() == "".join(f"{i}\n" for i in range(40))
    assert run.results[0].note is None


async def test_an_input_request_is_not_mistaken_for_a_loss(
    executor: Executor, kernel_id: str
) -> None:
    bench = Bench("for i in range(20): input(f'{i}? ')")
    run = start(executor, kernel_id, bench, can_ask=lambda: True)
    for number in range(20):
        prompt = f"{number}? "
        await until(lambda: run.question is not None and run.question.prompt == prompt)  # noqa: B023
        assert run.question is not None
        run.answer(run.question.id, "y")
    await run.wait()
    assert run.results[0].note is None
    assert bench.text() == "".join(f"{number}? y\n" for number in range(20))


async def test_a_server_far_behind_the_prints_waits_for_all_of_them(
    executor: Executor, kernel_id: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("jmcp_lab.kernels.connection.execute_request.SETTLE_SECONDS", 0.4)
    take = OutputSink.message

    def slowly(self: OutputSink, *message: Any) -> bool:
        time.sleep(0.02)
        return take(self, *message)

    monkeypatch.setattr(OutputSink, "message", slowly)
    bench = Bench("for i in range(150): print(i, flush=True)", "'next'")
    run = start(executor, kernel_id, bench)
    await run.wait()
    assert_complete(bench.text(0), 150, run.results[0])
    assert run.results[0].outputs[0]["text"] == bench.text(0)
    assert run.results[1].outputs[0]["data"]["text/plain"] == "'next'"
