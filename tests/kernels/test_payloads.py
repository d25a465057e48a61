"""What code asks of whoever runs it, besides showing its outputs."""

from __future__ import annotations

from typing import TYPE_CHECKING

from jmcp_lab.kernels.runs.run import Piece, RunState

from .conftest import Bench
from .test_running import start

if TYPE_CHECKING:
    from pathlib import Path

    from jmcp_lab.kernels.runs.executor import Executor


async def test_text_that_code_proposes_for_a_cell_is_shown_below_it(
    executor: Executor, kernel_id: str, tmp_path: Path
) -> None:
    (tmp_path / "part.py").write_text("answer = 42\n")
    bench = Bench(f"%load {tmp_path / 'part.py'}", "get_ipython().set_next_input('next = 1')")
    run = start(executor, kernel_id, bench)
    await run.wait()
    assert run.state is RunState.DONE
    for index, text in enumerate(["answer = 42", "next = 1"]):
        words, proposed = bench.outputs(index)
        assert words["data"]["text/plain"] == "[The code proposes this text for a cell:]"
        assert text in proposed["data"]["text/plain"]
    # Nobody allowed an edit.
    assert bench.notebook.ids == ["cell0", "cell1"]
    assert str(bench.document.ycells[0]["source"]).startswith("%load")


async def test_a_run_reports_that_its_code_ended_the_kernel(
    executor: Executor, kernel_id: str
) -> None:
    run = executor.start(kernel_id, [Piece("exit()")], owner="a")
    await run.wait()
    assert "The kernel ends now, and all variables are lost" in (run.results[0].note or "")
