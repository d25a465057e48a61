"""A person and an agent run the same cell: it shows the run that was asked for last."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from pycrdt import Map

from jmcp_lab.kernels.runs.run import Piece, RunState

from .conftest import Bench, until
from .test_running import start
from .test_sharing import person, reply_to

if TYPE_CHECKING:
    from jupyter_client.asynchronous.client import AsyncKernelClient

    from jmcp_lab.kernels.connection.output_sink import OutputSink
    from jmcp_lab.kernels.runs.executor import Executor
    from jmcp_lab.kernels.runs.run import Run

__all__ = ["person"]


class PersonsPage:
    """What the page of a person does to a cell that the person runs, as JupyterLab 4.6 does it."""

    def __init__(self, bench: Bench) -> None:
        self._cell = bench.document.ycells[0]

    def press_run(self) -> None:
        self._cell["outputs"].clear()
        self._cell["execution_count"] = None
        self._cell["execution_state"] = "idle"
        self._cell["execution_state"] = "running"

    def show(self, text: str) -> None:
        data = Map({"text/plain": text})
        self._cell["outputs"].append(Map({"output_type": "display_data", "data": data}))

    def end(self, execution_count: int) -> None:
        self._cell["execution_count"] = float(execution_count)
        self._cell["execution_state"] = "idle"


def shown(bench: Bench) -> list[Any]:
    return [output["data"]["text/plain"] for output in bench.outputs()]


async def test_a_persons_earlier_run_leaves_nothing_in_the_cell(
    executor: Executor, kernel_id: str, person: AsyncKernelClient
) -> None:
    await executor.start(kernel_id, [Piece("import time")], owner="a").wait()
    bench = Bench("display('agent'); input(); 'end'")
    page = PersonsPage(bench)
    bridge = executor._queues[kernel_id]._bridge
    assert bridge is not None
    # Run all: the person's cells are in the kernel's queue, and ours comes behind them.
    page.press_run()
    theirs = str(person.execute("time.sleep(0.5)"))
    await until(lambda: bridge.foreign_busy)
    bridge._busy.clear()
    run = start(executor, kernel_id, bench, can_ask=lambda: True)
    await until(lambda: run.execution is not None)
    assert bench.page.state(0) == "running"
    await reply_to(person, theirs)
    page.show("person")
    page.end(2)
    await until(lambda: run.question is not None)
    await until(lambda: len(bench.outputs()) == 2 and bench.page.count(0) is None)
    assert bench.outputs()[0]["data"]["text/plain"] == "'agent'"
    assert (bench.page.state(0), bench.page.count(0)) == ("running", None)
    assert run.question is not None
    run.answer(run.question.id, "")
    await run.wait()
    assert bench.outputs() == run.results[0].outputs
    assert (bench.page.state(0), bench.page.count(0)) == ("idle", 3)


async def test_late_outputs_of_an_earlier_run_are_removed_from_the_cell(
    executor: Executor, kernel_id: str
) -> None:
    bench = Bench("display('agent')")
    page = PersonsPage(bench)
    page.press_run()
    run = start(executor, kernel_id, bench)
    await run.wait()
    # Our run was quicker than what the page still had to tell.
    page.show("person")
    page.end(0)
    await until(lambda: bench.page.count(0) == 1)
    assert shown(bench) == ["'agent'"]
    assert bench.page.state(0) == "idle"


async def test_a_cell_that_the_person_runs_in_the_meantime_is_theirs(
    executor: Executor, kernel_id: str
) -> None:
    bench = Bench("display('one'); input(); display('two')")
    page = PersonsPage(bench)
    run = start(executor, kernel_id, bench, can_ask=lambda: True)
    await until(lambda: run.question is not None and bool(bench.outputs()))
    page.press_run()
    assert run.question is not None
    run.answer(run.question.id, "")
    await run.wait()
    assert run.state is RunState.DONE
    assert len(run.results[0].outputs) == 3
    # The person's run waits behind ours in the kernel: it has nothing to show yet.
    assert shown(bench) == []
    assert (bench.page.state(0), bench.page.count(0)) == ("running", None)
    page.show("person")
    page.end(2)
    assert shown(bench) == ["person"]


async def test_a_display_is_not_updated_in_a_cell_that_the_person_ran_later(
    executor: Executor, kernel_id: str
) -> None:
    bench = Bench("display('one', display_id='x');")
    page = PersonsPage(bench)
    await start(executor, kernel_id, bench).wait()
    page.press_run()
    page.show("person")
    page.end(2)
    update = "from IPython.display import update_display; update_display('two', display_id='x')"
    await executor.start(kernel_id, [Piece(update)], owner="a").wait()
    assert shown(bench) == ["person"]


async def test_a_persons_later_run_is_not_mistaken_for_an_earlier_one(
    executor: Executor, kernel_id: str
) -> None:
    bench = Bench("display('agent')")
    page = PersonsPage(bench)
    sinks: list[OutputSink] = []

    def follow(run: Run) -> None:
        if run.sink is not None:
            sinks.append(run.sink)

    [cell_id] = bench.notebook.ids
    piece = Piece("display('agent')", cell_id)
    await executor.start(
        kernel_id, [piece], owner="a", notebook=bench.notebook, on_change=follow
    ).wait()
    # What the page wrote first, that it runs the cell, lost against the end of our run.
    page.show("person")
    page.end(2)
    sinks[-1].batch_done()
    assert shown(bench) == ["'agent'", "person"]
    assert bench.page.count(0) == 2
