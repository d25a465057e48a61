from __future__ import annotations

import asyncio
import signal
from typing import TYPE_CHECKING

import pytest
from jupyter_client.asynchronous.client import AsyncKernelClient
from pycrdt import Array, Map, Text

from jmcp_lab.errors import InvalidArgumentError, NotFoundError
from jmcp_lab.kernels.connection.channels import LocalChannels
from jmcp_lab.kernels.runs.run import Piece, Run, RunState
from jmcp_lab.outputs.cell_writer import CellOutputWriter

from .conftest import Bench, assert_complete, until

if TYPE_CHECKING:
    from collections.abc import Callable

    from jupyter_server.serverapp import ServerApp

    from jmcp_lab.kernels.runs.executor import Executor


def start(
    executor: Executor,
    kernel_id: str,
    bench: Bench,
    owner: str = "a",
    can_ask: Callable[[], bool] = lambda: False,
) -> Run:
    """Run all cells of a notebook."""
    cells = zip(bench.notebook.ids, bench.document.ycells, strict=True)
    pieces = [Piece(str(cell["source"]), cell_id) for cell_id, cell in cells]
    return executor.start(kernel_id, pieces, owner=owner, notebook=bench.notebook, can_ask=can_ask)


async def test_a_cell_runs_and_shows_its_result(executor: Executor, kernel_id: str) -> None:
    bench = Bench("1+1")
    run = start(executor, kernel_id, bench)
    assert bench.page.state(0) == "running"
    await run.wait()
    assert run.state is RunState.DONE
    [result] = run.results
    assert result.status == "ok"
    assert result.execution_count == 1
    assert result.outputs[0]["data"]["text/plain"] == "2"
    assert bench.outputs() == result.outputs
    assert bench.page.state(0) == "idle"
    assert bench.page.count(0) == 1
    assert (run.message, run.notice) == (None, None)


async def test_the_timings_of_an_earlier_run_are_removed_with_its_outputs(
    executor: Executor, kernel_id: str
) -> None:
    bench = Bench("1")
    metadata = bench.document.ycells[0]["metadata"]
    metadata["execution"] = {"iopub.status.busy": "2026-01-01T00:00:00Z"}
    metadata["tags"] = ["kept"]
    await start(executor, kernel_id, bench).wait()
    assert metadata.to_py() == {"tags": ["kept"]}


async def test_a_run_ends_when_the_kernel_is_idle_however_busy_the_loop_is(
    executor: Executor, kernel_id: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[LocalChannels] = []
    take = LocalChannels.take_replies

    async def never(self: AsyncKernelClient) -> None:
        await asyncio.Event().wait()

    def noted(self: LocalChannels) -> None:
        asked.append(self)
        take(self)

    monkeypatch.setattr(AsyncKernelClient, "get_shell_msg", never)
    monkeypatch.setattr(LocalChannels, "take_replies", noted)
    bench = Bench("1 + 1")
    run = start(executor, kernel_id, bench)
    await until(lambda: bool(asked))
    # It may still be on its way: each channel has its own connection.
    channels = asked[0]
    await until(lambda: take(channels) or run.done)
    assert [(result.status, result.execution_count) for result in run.results] == [("ok", 1)]


async def test_output_appears_while_the_cell_runs(executor: Executor, kernel_id: str) -> None:
    bench = Bench("print('before', flush=True)\nimport time; time.sleep(60)")
    run = start(executor, kernel_id, bench)
    await until(lambda: bench.text() == "before\n")
    assert bench.page.state(0) == "running"
    assert bench.page.count(0) is None
    assert run.progress().endswith('s, last output: "before"')
    assert run.partial_outputs() == bench.outputs()
    await executor.interrupt(run)
    await run.wait()
    assert run.state is RunState.INTERRUPTED
    assert run.results[0].error == ("KeyboardInterrupt", "")
    assert bench.page.state(0) == "idle"
    assert bench.outputs()[1]["ename"] == "KeyboardInterrupt"


async def test_several_cells_stop_at_the_first_error(executor: Executor, kernel_id: str) -> None:
    bench = Bench("x = 1", "1/0", "x")
    run = start(executor, kernel_id, bench)
    assert [bench.page.state(index) for index in range(3)] == ["running"] * 3
    await run.wait()
    assert run.state is RunState.FAILED
    assert [result.status for result in run.results] == ["ok", "error", "skipped"]
    assert run.results[1].error == ("ZeroDivisionError", "division by zero")
    assert run.message == "Stopped at the first error."
    assert [bench.page.state(index) for index in range(3)] == ["idle"] * 3
    assert bench.outputs(2) == []


async def test_several_cells_can_continue_after_an_error(
    executor: Executor, kernel_id: str
) -> None:
    run = executor.start(
        kernel_id, [Piece("1/0"), Piece("'after'")], owner="a", stop_on_error=False
    )
    await run.wait()
    assert run.state is RunState.FAILED
    assert [result.status for result in run.results] == ["error", "ok"]


async def test_code_without_a_cell_writes_nothing(executor: Executor, kernel_id: str) -> None:
    bench = Bench("untouched")
    updates = bench.page.updates
    run = executor.start(kernel_id, [Piece("print('hidden')")], owner="a", notebook=bench.notebook)
    await run.wait()
    assert run.results[0].outputs == [
        {"output_type": "stream", "name": "stdout", "text": "hidden\n"}
    ]
    assert bench.page.updates == updates


async def test_input_fails_at_once_and_says_what_to_do(executor: Executor, kernel_id: str) -> None:
    run = executor.start(kernel_id, [Piece("input('name? ')")], owner="a")
    await run.wait()
    assert run.results[0].error is not None
    assert run.results[0].error[0] == "StdinNotImplementedError"
    assert "no JupyterLab window was open" in (run.results[0].note or "")


async def test_a_run_continues_when_its_waiter_leaves(executor: Executor, kernel_id: str) -> None:
    run = executor.start(kernel_id, [Piece("import time; time.sleep(0.3); 'done'")], owner="a")
    waiter = asyncio.create_task(run.wait())
    await until(lambda: run.state is RunState.RUNNING)
    waiter.cancel()
    await asyncio.gather(waiter, return_exceptions=True)
    assert not run.done
    await run.wait()
    assert run.results[0].outputs[0]["data"]["text/plain"] == "'done'"
    assert executor.get(run.id) is run
    assert executor.runs(owner="a") == executor.runs(kernel_id=kernel_id) == [run]
    assert executor.runs(owner="b") == []


async def test_ten_thousand_flushed_prints_are_complete(executor: Executor, kernel_id: str) -> None:
    bench = Bench("for i in range(10_000): print(i, flush=True)")
    run = start(executor, kernel_id, bench)
    await run.wait()
    assert run.state is RunState.DONE
    assert_complete(bench.text(), 10_000, run.results[0])
    # Batched: the page is not sent an update for each line.
    assert bench.page.updates < 1000


async def test_an_empty_run_and_a_missing_kernel_are_refused(
    executor: Executor, kernel_id: str
) -> None:
    with pytest.raises(InvalidArgumentError):
        executor.start(kernel_id, [], owner="a")
    with pytest.raises(NotFoundError):
        executor.start("nothing", [Piece("1")], owner="a")


async def test_a_changed_cell_does_not_run(executor: Executor, kernel_id: str) -> None:
    bench = Bench("allowed", "x")
    pieces = [Piece("x = 1", "cell0"), Piece("x", "cell1")]
    run = executor.start(kernel_id, pieces, owner="a", notebook=bench.notebook)
    await run.wait()
    assert run.state is RunState.FAILED
    assert [result.status for result in run.results] == ["changed", "skipped"]
    assert "was changed after you asked for this run" in (run.message or "")
    assert bench.page.state(0) == bench.page.state(1) == "idle"


async def test_a_deleted_cell_does_not_run(executor: Executor, kernel_id: str) -> None:
    bench = Bench("import time; time.sleep(0.5)", "2")
    run = start(executor, kernel_id, bench)
    await until(lambda: run.state is RunState.RUNNING)
    del bench.document.ycells[1]
    await run.wait()
    assert [result.status for result in run.results] == ["ok", "gone"]
    assert run.state is RunState.FAILED


async def test_a_cell_deleted_while_it_runs_keeps_its_outputs_in_the_reply(
    executor: Executor, kernel_id: str
) -> None:
    bench = Bench("print(1, flush=True)\nimport time; time.sleep(0.5)\nprint(2)")
    run = start(executor, kernel_id, bench)
    await until(lambda: bench.text() == "1\n")
    del bench.document.ycells[0]
    await run.wait()
    assert run.state is RunState.DONE
    assert run.results[0].outputs[0]["text"] == "1\n2\n"


@pytest.mark.parametrize("becomes", [None, "markdown"])
async def test_a_run_continues_when_its_silent_cell_is_deleted(
    executor: Executor, kernel_id: str, becomes: str | None
) -> None:
    bench = Bench("x = 1", "go = input(); y = 2", "print(x + y)")
    run = start(executor, kernel_id, bench, can_ask=lambda: True)
    await until(lambda: run.question is not None)
    # What the question showed is written, and nothing will be until the end.
    await until(lambda: run.sink is not None and not run.sink._changed)
    if becomes is None:
        del bench.document.ycells[1]
    else:
        bench.document.ycells[1] = Map({"id": "cell1", "cell_type": becomes, "source": Text()})
    assert run.question is not None
    run.answer(run.question.id, "")
    await run.wait()
    assert run.state is RunState.DONE
    assert [result.status for result in run.results] == ["ok", "ok", "ok"]
    assert run.results[2].outputs[0]["text"] == "3\n"


async def test_a_run_ends_when_its_kernel_dies_after_its_cell_was_deleted(
    executor: Executor, kernel_id: str, jp_serverapp: ServerApp
) -> None:
    bench = Bench("import time; time.sleep(60)")
    run = start(executor, kernel_id, bench)
    await until(lambda: run.execution is not None and run.execution.started)
    del bench.document.ycells[0]
    kernel = jp_serverapp.kernel_manager.get_kernel(kernel_id)
    await kernel.signal_kernel(signal.SIGKILL)
    async with asyncio.timeout(20):
        await run.wait()
    assert run.state is RunState.DIED


async def test_outputs_cleared_by_a_person_while_it_runs_stay_cleared(
    executor: Executor, kernel_id: str
) -> None:
    bench = Bench("print(1, flush=True)\nimport time; time.sleep(0.5)\nprint(2)\n3")
    run = start(executor, kernel_id, bench)
    await until(lambda: bench.text() == "1\n")
    bench.document.ycells[0]["outputs"].clear()
    await run.wait()
    assert [output.get("text") for output in bench.outputs()] == ["2\n", None]
    assert run.results[0].outputs[0]["text"] == "1\n2\n"


async def test_output_of_a_background_thread_goes_to_its_cell(
    executor: Executor, kernel_id: str
) -> None:
    # ipykernel 7 names the cell that runs when the thread prints, or that ran last.
    late = "import threading\nthreading.Timer(0.3, lambda: print('late')).start()\nprint('at once')"
    bench = Bench(late)
    run = start(executor, kernel_id, bench)
    await run.wait()
    assert bench.text() == "at once\n"
    await until(lambda: bench.text() == "at once\nlate\n")
    assert bench.page.state(0) == "idle"


async def test_output_of_a_background_thread_does_not_mix_with_a_newer_run(
    executor: Executor, kernel_id: str
) -> None:
    bench = Bench("import threading\nthreading.Timer(0.3, lambda: print('late')).start()")
    await start(executor, kernel_id, bench).wait()
    bench.document.ycells[0]["outputs"].append(Map({"output_type": "display_data"}))
    await start(executor, kernel_id, Bench("import time; time.sleep(0.5)")).wait()
    assert [output["output_type"] for output in bench.outputs()] == ["display_data"]


async def test_a_display_is_updated_from_another_cell(executor: Executor, kernel_id: str) -> None:
    bench = Bench(
        "h = display('one', display_id=True)\nprint('below')",
        "h.update('two')",
    )
    run = start(executor, kernel_id, bench)
    await run.wait()
    assert run.state is RunState.DONE
    assert bench.outputs(0)[0]["data"]["text/plain"] == "'two'"
    assert bench.outputs(0)[1]["text"] == "below\n"
    assert bench.outputs(1) == []


async def test_progress_bars_clearing_and_rich_output(executor: Executor, kernel_id: str) -> None:
    bench = Bench(
        "for i in range(5): print(f'\\rü {i}/4', end='', flush=True)",
        "from IPython.display import clear_output, HTML\n"
        "for i in range(5):\n"
        "    clear_output(wait=True); print('frame', i)\n",
        "import sys\n"
        "for i in range(3):\n"
        "    print('out', i, flush=True); print('err', i, file=sys.stderr, flush=True)",
        "HTML('<b>bold</b>')",
    )
    run = start(executor, kernel_id, bench)
    await run.wait()
    assert run.state is RunState.DONE
    assert bench.text(0) == "ü 4/4"
    assert bench.text(1) == "frame 4\n"
    assert [output["name"] for output in bench.outputs(2)] == ["stdout", "stderr"] * 3
    assert bench.outputs(3)[0]["data"]["text/html"] == "<b>bold</b>"
    for index, result in enumerate(run.results):
        assert bench.outputs(index) == result.outputs


async def test_help_is_shown_below_the_cell(executor: Executor, kernel_id: str) -> None:
    bench = Bench("len?")
    run = start(executor, kernel_id, bench)
    await run.wait()
    assert "Return the number of items" in bench.outputs()[0]["data"]["text/plain"]


async def test_a_busy_document_only_delays_outputs(executor: Executor, kernel_id: str) -> None:
    bench = Bench("print('x')")
    run = start(executor, kernel_id, bench)
    # As jupyter-server-ydoc does while it merges a big file that changed on disk.
    async with bench.document.ydoc.new_transaction():
        assert bench.notebook.busy
        await asyncio.sleep(1)
        assert not run.done
    await run.wait()
    assert run.state is RunState.DONE
    assert bench.text() == "x\n"


async def test_a_run_ended_by_a_defect_leaves_no_cell_running(
    executor: Executor, kernel_id: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(self: CellOutputWriter, items: object) -> bool:
        raise RuntimeError("What was printed cannot be written.")

    bench = Bench("print(1)", "2")
    monkeypatch.setattr(CellOutputWriter, "write", fail)
    run = start(executor, kernel_id, bench)
    await run.wait()
    assert run.state is RunState.FAILED
    assert "a defect in jmcp_lab" in (run.message or "")
    assert [bench.page.state(index) for index in range(2)] == ["idle", "idle"]
    # What ran is not said to have been skipped.
    assert [result.status for result in run.results] == ["aborted", "skipped"]
    assert run.results[0].outputs[0]["text"] == "1\n"


@pytest.mark.parametrize("when", ["while it runs", "after its end"])
async def test_a_cell_whose_deletion_is_undone_shows_all_outputs_of_its_run(
    executor: Executor, kernel_id: str, when: str
) -> None:
    bench = Bench("print('one')\ninput('1')\nprint('two')\ninput('2')\nprint('three')\n3")
    run = start(executor, kernel_id, bench, can_ask=lambda: True)

    async def asked(prompt: str) -> str:
        await until(lambda: run.question is not None and run.question.prompt == prompt)
        await until(lambda: run.sink is not None and not run.sink._changed)
        assert run.question is not None
        return run.question.id

    first = await asked("1")
    cells = bench.document.ycells
    # As a page puts it back: with all that it had.
    copy = cells[0].to_py()
    del cells[0]
    run.answer(first, "")
    second = await asked("2")

    def take_back() -> None:
        text = Text(copy["outputs"][0]["text"])
        outputs = Array([Map({**copy["outputs"][0], "text": text})])
        cells.append(Map({**copy, "source": Text(copy["source"]), "outputs": outputs}))

    if when == "while it runs":
        take_back()
    run.answer(second, "")
    await run.wait()
    if when == "after its end":
        take_back()
        await until(lambda: bench.page.state(0) == "idle")
    assert bench.page.state(0) == "idle"
    assert bench.page.count(0) == 1
    assert bench.text() == "one\n1\ntwo\n2\nthree\n"
    assert bench.outputs() == run.results[0].outputs
