from __future__ import annotations

from typing import TYPE_CHECKING

from jmcp_lab.kernels.run import Piece, RunState

from .conftest import Bench

if TYPE_CHECKING:
    from jmcp_lab.kernels.executor import Executor


async def test_a_cell_runs_and_shows_its_result(executor: Executor, kernel_id: str) -> None:
    bench = Bench("1+1")
    run = executor.start(kernel_id, [Piece("1+1", "cell0")], owner="a", notebook=bench.notebook)
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
