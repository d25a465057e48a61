"""Widgets that take outputs: what they took is kept, and clearing them clears nothing else."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from jmcp_lab.kernels.runs.run import Piece, RunState

from .conftest import Bench, until
from .test_running import start

if TYPE_CHECKING:
    import asyncio
    from collections.abc import Iterator

    from jupyter_server.serverapp import ServerApp

    from jmcp_lab.kernels.runs.executor import Executor

WIDGET = "from ipywidgets import Output\nfrom IPython.display import clear_output\nout = Output()\n"
"""Code that makes a widget that takes outputs."""


def texts(outputs: list[dict[str, Any]]) -> list[str]:
    """Return the texts of outputs, as far as they are text."""
    found = [o.get("text") or o.get("data", {}).get("text/plain", "") for o in outputs]
    return ["".join(text) for text in found]


async def ended(executor: Executor, kernel_id: str, *sources: str) -> Bench:
    """Return a notebook whose cells have run."""
    bench = Bench(*sources)
    run = start(executor, kernel_id, bench)
    await run.wait()
    assert run.state is RunState.DONE, run.results[-1]
    assert run.results[0].outputs == bench.outputs()
    return bench


async def test_clearing_a_widget_leaves_what_is_around_it(
    executor: Executor, kernel_id: str
) -> None:
    bench = await ended(
        executor,
        kernel_id,
        WIDGET + "print('before')\n"
        "for i in range(3):\n"
        "    with out:\n        clear_output(wait=True); print('turn', i)\n"
        "print('after')",
    )
    # Streams of one name in a row are one: the page joins them.
    assert texts(bench.outputs()) == ["before\nturn 2\nafter\n"]


async def test_outputs_taken_by_a_widget_stay_where_the_widget_started(
    executor: Executor, kernel_id: str
) -> None:
    bench = await ended(
        executor,
        kernel_id,
        WIDGET + "display('one')\n"
        "with out:\n    display('in')\n"
        "display('two')\n"
        "with out:\n    display('in too')\n",
    )
    assert texts(bench.outputs()) == ["'one'", "'in'", "'in too'", "'two'"]


async def test_an_inner_widget_takes_outputs_first(executor: Executor, kernel_id: str) -> None:
    bench = await ended(
        executor,
        kernel_id,
        WIDGET + "inner = Output()\n"
        "with out:\n"
        "    display('outer')\n"
        "    with inner:\n        display('old'); clear_output(); display('new')\n"
        "    display('outer again')",
    )
    assert texts(bench.outputs()) == ["'outer'", "'outer again'", "'new'"]


async def test_a_display_in_a_widget_is_updated_from_another_cell(
    executor: Executor, kernel_id: str
) -> None:
    bench = Bench(
        WIDGET + "with out:\n    shown = display('one', display_id=True)\ndisplay('below')",
        "shown.update('two')",
    )
    run = start(executor, kernel_id, bench)
    await run.wait()
    assert texts(bench.outputs(0)) == ["'two'", "'below'"]


async def test_a_flood_in_a_widget_is_cut_like_any_other(
    executor: Executor, kernel_id: str
) -> None:
    executor._output_limit = 2000
    bench = await ended(
        executor,
        kernel_id,
        WIDGET + "with out:\n    for i in range(3000): print(i)\ndisplay('end')",
    )
    head, notice, tail, end = texts(bench.outputs())
    assert head.startswith("0\n1\n")
    assert "left out here" in notice
    assert tail.endswith("2999\n")
    assert end == "'end'"


@pytest.fixture
def person(
    jp_serverapp: ServerApp, kernel_id: str, jp_asyncio_loop: asyncio.AbstractEventLoop
) -> Iterator[Any]:
    """Yield the connection of a page."""
    client: Any = jp_serverapp.kernel_manager.get_kernel(kernel_id).client()
    client.session.session = "person"
    client.start_channels(hb=False)
    jp_asyncio_loop.run_until_complete(client.wait_for_ready(timeout=60))
    yield client
    client.stop_channels()


@pytest.mark.parametrize("clear", [True, False])
async def test_what_a_person_makes_a_widget_show_replaces_only_cleared_outputs(
    executor: Executor,
    kernel_id: str,
    person: Any,  # noqa: ANN401
    clear: bool,
) -> None:
    bench = await ended(
        executor, kernel_id, WIDGET + "display('around')\nwith out:\n    display('first')"
    )
    assert texts(bench.outputs()) == ["'around'", "'first'"]
    # As when a person moves a slider: the outputs belong to a request of the page, which shows
    # them in the widget.
    cleared = "clear_output(wait=True)" if clear else "pass"
    person.execute(f"with out:\n    {cleared}\n    display('second')")
    # Behind it in the kernel's queue, so the person's code has ended when this has.
    await executor.start(kernel_id, [Piece("1")], owner="a").wait()
    shown = ["'around'"] if clear else ["'around'", "'first'"]
    await until(lambda: texts(bench.outputs()) == shown)
