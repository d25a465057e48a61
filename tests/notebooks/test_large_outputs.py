"""Large outputs are cleared and restored without blocking the event loop."""

from __future__ import annotations

import asyncio
import threading
from typing import Any

import pytest

from jmcp_lab.codec.prepared_outputs import PreparedOutput, prepared_output
from jmcp_lab.notebooks import cells
from jmcp_lab.notebooks import output_slices as slices
from jmcp_lab.notebooks.changes import Change, Cleared, Refilled

from .test_scale import ORIGIN, LiveNotebook, cleared, made, opened

LARGE, SMALL = 3000, 3


def figure(values: int) -> dict[str, Any]:
    data = {"application/vnd.plotly.v1+json": {"data": [{"n": n} for n in range(values)]}}
    return {"output_type": "display_data", "metadata": {}, "data": data}


def with_figures(values: int) -> LiveNotebook:
    notebook = opened(["a", "b"])
    cells.clear_outputs(notebook, ["a", "b"], "page")
    for cell_id in notebook.ids:
        cells.set_outputs(notebook, cell_id, [figure(values)], 1, "page")
    return notebook


async def taken_back(notebook: LiveNotebook, changes: list[Change]) -> list[Change]:
    done: list[Change] = []
    await slices.take_back(notebook, made(*changes), ORIGIN, done)
    return done


@pytest.mark.parametrize(("values", "on_the_loop"), [(LARGE, False), (SMALL, True)])
def test_only_large_outputs_are_prepared_in_a_thread(
    values: int, on_the_loop: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    notebook, here, found = with_figures(values), threading.get_ident(), []

    def noted(output: dict[str, Any], form: dict[str, Any] | None = None) -> PreparedOutput:
        found.append(threading.get_ident() == here)
        return prepared_output(output, form)

    async def work() -> None:
        changes = await cleared(notebook)
        for module in ("notebooks.output_slices", "codec.originals"):
            monkeypatch.setattr(f"jmcp_lab.{module}.prepared_output", noted)
        await taken_back(notebook, changes)

    asyncio.run(work())
    assert found == [on_the_loop, on_the_loop]


@pytest.mark.parametrize("values", [LARGE, SMALL])
def test_outputs_are_restored_and_cleared_again(values: int) -> None:
    notebook = with_figures(values)
    before = notebook.document.get()

    async def work() -> None:
        changes = await cleared(notebook)
        redo = await taken_back(notebook, changes)
        assert {type(change) for change in redo} == {Refilled}
        assert notebook.document.get() == before
        again = await taken_back(notebook, redo)
        assert {type(change) for change in again} == {Cleared}
        assert again == changes

    asyncio.run(work())
    assert not any(cell["outputs"] for cell in notebook.document.get()["cells"])


@pytest.mark.parametrize("values", [LARGE, SMALL])
@pytest.mark.parametrize("by", ["run", "started", "other outputs", "another count", "deleted"])
def test_what_a_person_did_since_is_left_alone(values: int, by: str) -> None:
    notebook = with_figures(values)

    async def work() -> list[Change]:
        redo = await taken_back(notebook, await cleared(notebook))
        cell = cells.shared(notebook, "a")
        if by == "run":
            cells.clear_outputs(notebook, ["a"], "page")
            cells.set_outputs(notebook, "a", [figure(values) | {"metadata": {"x": 1}}], 2, "page")
        elif by == "started":
            cell["execution_state"] = "running"
        elif by == "other outputs":
            cells.clear_outputs(notebook, ["a"], "page")
            cells.set_outputs(notebook, "a", [figure(values), figure(values)], 1, "page")
        elif by == "another count":
            cell["execution_count"] = 7.0
        else:
            cells.delete(notebook, ["a"], "page")
        return await taken_back(notebook, redo)

    assert [change.cell_id for change in asyncio.run(work())] == ["b"]
    assert by == "deleted" or cells.whole(notebook, "a")["outputs"]
    assert not cells.whole(notebook, "b")["outputs"]


def test_outputs_that_come_while_others_are_prepared_stay(monkeypatch: pytest.MonkeyPatch) -> None:
    notebook = with_figures(LARGE)
    printed = {"output_type": "stream", "name": "stdout", "text": "of a person\n"}

    async def work() -> None:
        changes = await cleared(notebook)
        loop, own = asyncio.get_running_loop(), slices._prepared

        def runs_meanwhile(outputs: dict[str, list[dict[str, Any]]]) -> Any:  # noqa: ANN401
            if "a" in outputs:
                fill = asyncio.run_coroutine_threadsafe(ran(), loop)
                fill.result(30)
            return own(outputs)

        async def ran() -> None:
            cells.set_outputs(notebook, "a", [printed], 9, "page")

        monkeypatch.setattr(slices, "_prepared", runs_meanwhile)
        await taken_back(notebook, changes)

    asyncio.run(work())
    assert cells.whole(notebook, "a")["outputs"] == [printed]
    assert cells.whole(notebook, "b")["outputs"] == [figure(LARGE)]


def test_an_output_that_differs_only_by_true_and_one_is_another_output() -> None:
    notebook = opened(["a"])

    def fill(value: object) -> None:
        cells.clear_outputs(notebook, ["a"], "page")
        data = {"application/json": {"ok": value}}
        output = {"output_type": "display_data", "metadata": {}, "data": data}
        cells.set_outputs(notebook, "a", [output], 1, "page")

    async def work() -> list[Change]:
        fill(True)
        redo = await taken_back(notebook, await cleared(notebook))
        fill(1)
        return await taken_back(notebook, redo)

    assert asyncio.run(work()) == []
    assert cells.whole(notebook, "a")["outputs"][0]["data"] == {"application/json": {"ok": 1}}
