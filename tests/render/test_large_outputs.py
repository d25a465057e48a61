"""Very large outputs are read in another process, and as others are."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import nbformat
import pytest
from nbformat.v4 import new_code_cell, new_notebook, new_output

from jmcp_lab.server.helper_process import NoHelperError, helper

from ..support.robots import Robot, write_notebook

NUMBERS = list(range(30_000))
FIGURE = "application/vnd.plotly.v1+json"
DATA: list[dict[str, Any]] = [
    {"application/json": NUMBERS},
    {FIGURE: {"data": [{"type": "scatter", "y": NUMBERS}], "layout": {}}},
    {"text/html": "<table>" + "<tr><td>4711</td></tr>" * 3000 + "</table>"},
]


@pytest.fixture
def written(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("jmcp_lab.render.reply.HUGE", 20_000)
    monkeypatch.setattr("jmcp_lab.render.reply.HEAVY", 10_000)
    outputs = [[new_output("display_data", data=data)] for data in DATA]
    cells = [
        new_code_cell("source of it", id=f"cell-{n}", outputs=each)
        for n, each in enumerate(outputs)
    ]
    cells.append(new_code_cell("1", id="small", outputs=[]))
    nbformat.write(new_notebook(cells=cells), root / "a.ipynb")


READS: list[tuple[str, dict[str, Any]]] = [
    ("read_cells", {}),
    *(("read_cell", {"cell": f"cell-{n}"}) for n in range(3)),
    ("read_cell", {"cell": "cell-0", "output": 1, "offset": 100_000}),
    ("read_cell", {"cell": "cell-1", "output": 1, "offset": 100}),
    ("search_notebook", {"query": "4711"}),
    ("search_notebook", {"query": "no such", "regex": True}),
]


@pytest.mark.usefixtures("written")
@pytest.mark.parametrize(("tool", "arguments"), READS)
async def test_a_very_large_output_reads_the_same_in_another_process(
    robot: Robot, monkeypatch: pytest.MonkeyPatch, tool: str, arguments: dict[str, Any]
) -> None:
    asked: list[Any] = []

    def call(*work: object) -> object:
        asked.append(work)
        return plain(*work)

    def refuse(*work: object) -> object:
        raise NoHelperError

    plain: Callable[..., Any] = helper._called
    monkeypatch.setattr(helper, "_called", call)
    there = await robot.say(tool, notebook="a.ipynb", **arguments)
    assert asked
    monkeypatch.setattr(helper, "_called", refuse)
    here = await robot.say(tool, notebook="a.ipynb", **arguments)
    # The words at both ends of a text are marked so that nothing in it can be taken for them.
    assert re.sub(r"#\w{6}\b", "#", there) == re.sub(r"#\w{6}\b", "#", here)


@pytest.mark.usefixtures("written")
async def test_an_output_that_takes_too_much_is_refused_with_advice(
    robot: Robot, monkeypatch: pytest.MonkeyPatch
) -> None:
    what = {"notebook": "a.ipynb", "cell": "cell-0"}
    with monkeypatch.context() as short:
        short.setattr("jmcp_lab.server.helper_process.SECONDS", 0.0)
        said = await robot.fail("read_cell", **what, output=1)
        assert said.startswith("The server gave up on this: it takes longer than")
        # The rest of a reply holds: the source was read, and code has run.
        said = await robot.say("read_cell", **what)
        assert "source of it" in said
        assert "[outputs not shown: json. The server gave up on this: it takes longer" in said
    assert "[0,1,2" in await robot.say("read_cell", **what)


@pytest.mark.usefixtures("written")
async def test_small_outputs_are_shown_beside_one_that_takes_too_much(
    robot: Robot, root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("jmcp_lab.render.reply.HEAVY", 10_000)
    monkeypatch.setattr("jmcp_lab.server.helper_process.SECONDS", 0.0)
    small = new_output("stream", name="stdout", text="a small one\n")
    large = new_output("display_data", data=DATA[0])
    cells = [new_code_cell("1", outputs=[each]) for each in (large, small)]
    nbformat.write(new_notebook(cells=cells), root / "b.ipynb")
    said = await robot.say("read_cells", notebook="b.ipynb")
    assert said.count("outputs not shown") == 1
    assert "a small one" in said


async def test_a_run_is_reported_although_its_outputs_cannot_be_shown(
    robot: Robot, root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_notebook(root, "a.ipynb", "print('x' * 50_000)")
    monkeypatch.setattr("jmcp_lab.render.reply.HUGE", 20_000)
    monkeypatch.setattr("jmcp_lab.render.reply.HEAVY", 10_000)
    monkeypatch.setattr("jmcp_lab.server.helper_process.SECONDS", 0.0)
    cell = (await robot.open("a.ipynb")).ids[0]
    reply = await robot.run("execute_cell", notebook="a.ipynb", cells=[cell])
    assert not reply.is_error
    assert "cell 1" in reply.text
    assert "[outputs not shown: 1 line. The server gave up" in reply.text


@pytest.mark.usefixtures("written")
async def test_a_small_output_needs_no_other_process(
    robot: Robot, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(helper, "_called", None)
    assert "small" in await robot.say("read_cell", notebook="a.ipynb", cell="small")


@pytest.mark.usefixtures("written")
async def test_reads_of_very_large_outputs_wait_for_one_another(
    robot: Robot, monkeypatch: pytest.MonkeyPatch
) -> None:
    """And hold nothing meanwhile: many agents would fill the server's memory."""
    at_work = most = 0

    async def one(work: Callable[..., Any], *arguments: object) -> Any:  # noqa: ANN401
        nonlocal at_work, most
        at_work += 1
        most = max(most, at_work)
        for _ in range(20):
            await asyncio.sleep(0)
        at_work -= 1
        return work(*arguments)

    monkeypatch.setattr("jmcp_lab.render.reply.apart", one)
    reads = [each for each in READS if each[0] != "search_notebook"]
    alone = [await robot.say(tool, notebook="a.ipynb", **arguments) for tool, arguments in reads]
    together = await asyncio.gather(
        *(robot.say(tool, notebook="a.ipynb", **each) for tool, each in reads)
    )
    assert (most, alone) == (1, together)
