"""Whatever is raised while a run goes on, the run ends, and so does what waits behind it."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import pycrdt
import pytest

from jmcp_lab.kernels.connection.output_sink import OutputSink
from jmcp_lab.kernels.runs.input_requests import Asking
from jmcp_lab.kernels.runs.run import Piece, RunState
from jmcp_lab.notebooks.live_notebook import LiveNotebook
from jmcp_lab.outputs.cell_writer import CellOutputWriter

from .conftest import Bench

if TYPE_CHECKING:
    from collections.abc import Callable

    from jmcp_lab.kernels.runs.executor import Executor

LIMIT = 60


def panic() -> None:
    pycrdt.Doc({"a": pycrdt.Array([2**63])})


def leave() -> None:
    raise SystemExit(1)


def give_up() -> None:
    # What waiting for something that was cancelled raises.
    raise asyncio.CancelledError


KINDS = {"panic": panic, "SystemExit": leave, "CancelledError": give_up}


@pytest.mark.parametrize(
    ("where", "kind"),
    [
        *((where, kind) for where in ("begin", "end", "set_state") for kind in KINDS),
        ("write", "panic"),
    ],
)
async def test_the_run_ends_and_the_next_one_starts(
    executor: Executor, kernel_id: str, monkeypatch: pytest.MonkeyPatch, kind: str, where: str
) -> None:
    broken = Bench("print(1)", "2")
    fail: Callable[..., None] = lambda *_, **__: KINDS[kind]()  # noqa: E731
    target = CellOutputWriter if where in ("set_state", "write") else OutputSink
    whole = getattr(target, where)

    def only_there(self: object, *args: object, **kwargs: object) -> object:
        notebook = getattr(self, "_notebook", None)
        if notebook is None or notebook is broken.notebook:
            fail()
        return whole(self, *args, **kwargs)

    pieces = [Piece("print(1)", "cell0"), Piece("2", "cell1")]
    first = executor.start(kernel_id, pieces, owner="a", notebook=broken.notebook)
    waiting = executor.start(kernel_id, pieces, owner="a", notebook=broken.notebook)
    monkeypatch.setattr(target, where, only_there)
    async with asyncio.timeout(LIMIT):
        await first.wait()
        await waiting.wait()
    monkeypatch.undo()
    other = executor.start(kernel_id, [Piece("3")], owner="b")
    async with asyncio.timeout(LIMIT):
        await other.wait()
    assert other.state is RunState.DONE, other.message


@pytest.mark.parametrize("kind", KINDS)
async def test_stopping_a_run_that_waits_ends_it(
    executor: Executor, kernel_id: str, monkeypatch: pytest.MonkeyPatch, kind: str
) -> None:
    bench = Bench("1")
    busy = executor.start(kernel_id, [Piece("import time; time.sleep(60)")], owner="a")
    waiting = executor.start(kernel_id, [Piece("1", "cell0")], owner="b", notebook=bench.notebook)
    await bench.notebook.ready()
    monkeypatch.setattr(LiveNotebook, "ready", lambda _: KINDS[kind]())
    with pytest.raises(BaseException):  # noqa: B017, PT011 - whatever it is
        await executor.interrupt(waiting)
    assert waiting.done
    await executor.interrupt(busy)
    async with asyncio.timeout(LIMIT):
        await busy.wait()


@pytest.mark.parametrize("kind", KINDS)
async def test_a_question_that_cannot_be_shown_is_refused(
    executor: Executor, kernel_id: str, monkeypatch: pytest.MonkeyPatch, kind: str
) -> None:
    monkeypatch.setattr(Asking, "_put", lambda *_: KINDS[kind]())
    run = executor.start(kernel_id, [Piece("input('?')")], owner="a", can_ask=lambda: True)
    async with asyncio.timeout(LIMIT):
        await run.wait()
    assert run.state is RunState.FAILED
    assert run.results[0].error is not None
    assert run.results[0].error[0] == "EOFError"
