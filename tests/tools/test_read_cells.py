from __future__ import annotations

import asyncio
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import nbformat
import pytest
from nbformat import NotebookNode
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook, new_output, new_raw_cell

from jmcp_lab.notebooks import cells
from jmcp_lab.tools import read_cells as reading

from ..support.robots import MakeRobot, Robot, write_notebook
from ..support.room_page import until


def stream(text: str) -> NotebookNode:
    return new_output("stream", name="stdout", text=text)


def write(root: Path, *cells: NotebookNode) -> list[str]:
    """Write a notebook of these cells, and return their ids."""
    nbformat.write(new_notebook(cells=list(cells)), root / "a.ipynb")
    return [cell["id"] for cell in cells]


LINE = re.compile(r"^line (\d+)$", re.MULTILINE)
PRINTING = "print(*(f'line {n}' for n in range(10_000)), sep='\\n')"


async def paged_lines(robot: Robot, **what: Any) -> list[int]:
    """Read one output page by page, as each page says, and return the numbers of its lines."""
    offset, numbers = 0, []
    while True:
        said = await robot.say("read_cell", **what, offset=offset)
        assert len(said) <= robot.app.services.limits.text + 500
        numbers += [int(n) for n in LINE.findall(said)]
        onwards = re.search(r"next: read_cell\(.*offset=(\d+)", said)
        if onwards is None:
            return numbers
        offset = int(onwards[1])


async def test_the_outline_has_one_line_per_cell(robot: Robot, root: Path) -> None:
    ids = write(
        root,
        new_markdown_cell("# Title\nmore"),
        new_code_cell("x = 1\nprint(x)", outputs=[stream("1\n")], execution_count=4),
        new_code_cell(""),
        new_raw_cell("raw"),
        new_code_cell("y" * 300),
    )
    lines = (await robot.say("list_cells", notebook="a.ipynb")).splitlines()
    assert lines[0].startswith("a.ipynb · 5 cells")
    assert lines[1] == f"1 {ids[0][:8]} markdown: # Title…"
    assert lines[2].startswith(f"2 {ids[1][:8]} code ran: x = 1… → ")
    assert lines[3].rstrip() == f"3 {ids[2][:8]} code not run:"
    assert lines[4] == f"4 {ids[3][:8]} raw: raw"
    assert lines[5] == f"5 {ids[4][:8]} code not run: {'y' * 80}…"


async def test_an_outline_never_shows_the_number_of_an_execution(robot: Robot, root: Path) -> None:
    write(root, new_code_cell("x", execution_count=4711))
    assert "4711" not in await robot.say("list_cells", notebook="a.ipynb")
    assert "4711" not in await robot.say("read_cells", notebook="a.ipynb")


async def test_outlines_are_paged_by_position(robot: Robot, root: Path) -> None:
    write_notebook(root, "a.ipynb", *(f"cell_{n}" for n in range(1, 31)))
    said = await robot.say("list_cells", notebook="a.ipynb", start=11, limit=5)
    assert re.findall(r"cell_\d+", said) == [f"cell_{n}" for n in range(11, 16)]
    onwards = "list_cells(start=16, limit=5, notebook='a.ipynb')"
    assert said.endswith(f"… 15 more cells; continue with {onwards}.")


async def test_a_page_after_the_end_says_so(robot: Robot, root: Path) -> None:
    write_notebook(root, "a.ipynb", "1", "2")
    for tool in ("list_cells", "read_cells"):
        said = await robot.say(tool, notebook="a.ipynb", start=99)
        assert said.splitlines()[1:] == ["There is no cell 99; the last one is 2."]
    said = await robot.say("list_notebooks", offset=50)
    assert said.splitlines()[1:] == [
        "There is nothing from offset 50 on; to start over, use list_notebooks().",
    ]


async def test_an_outline_that_takes_several_turns_shows_the_state_of_the_last(
    robot: Robot, root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("jmcp_lab.tools.read_cells.SLICE_SECONDS", -1.0)
    error = new_output("error", ename="LookupError", evalue="", traceback=[])
    first, *rest = write(
        root, *(new_code_cell(f"cell_{n}", outputs=[error] if n == 3 else []) for n in range(5))
    )
    notebook = await robot.open("a.ipynb")
    outlined: list[str] = []

    def move(outputs: object) -> str:
        if len(outlined) == 1:
            loop = asyncio.get_running_loop()
            loop.call_soon(cells.move, notebook, [first], 5, "test")
        outlined.append("")
        return outline(outputs)

    outline = reading.outline
    monkeypatch.setattr(reading, "outline", move)
    lines = (await robot.say("list_cells", notebook="a.ipynb")).splitlines()[1:]
    assert [line.split()[:2] for line in lines] == [
        [str(number), cell_id[:8]] for number, cell_id in enumerate([*rest, first], 1)
    ]
    assert lines[2].endswith("cell_3 → LookupError")
    # Each cell's outputs were read once, although the lines were made again each time.
    assert len(outlined) == 5


async def test_the_outline_of_a_big_notebook_stays_within_the_budget(
    robot: Robot, root: Path
) -> None:
    write_notebook(root, "a.ipynb", *("z" * 100 for _ in range(400)))
    said = await robot.say("list_cells", notebook="a.ipynb", limit=500)
    assert len(said) <= robot.app.services.limits.text + 200
    onwards = re.search(r"list_cells\(start=(\d+), limit=500, notebook='a.ipynb'\)", said)
    assert onwards is not None
    rest = await robot.say("list_cells", notebook="a.ipynb", start=int(onwards[1]), limit=500)
    assert rest.splitlines()[1].startswith(f"{onwards[1]} ")


async def test_short_ids_are_unique_and_name_the_cell(robot: Robot, root: Path) -> None:
    alike = ["same-beginning-1", "same-beginning-2", "0123456789abcdef"]
    notebook = new_notebook(
        cells=[new_code_cell(f"v = {i}", id=name) for i, name in enumerate(alike)]
    )
    nbformat.write(notebook, root / "a.ipynb")
    said = await robot.say("list_cells", notebook="a.ipynb")
    shown = [line.split()[1] for line in said.splitlines()[1:]]
    assert shown == ["same-beginning-1", "same-beginning-2", "01234567"]
    for number, name in enumerate(shown):
        found = await robot.say("read_cell", notebook="a.ipynb", cell=name)
        assert f"v = {number}" in found
    said = await robot.fail("read_cell", notebook="a.ipynb", cell="same-begin")
    assert "Give more characters of the id" in said


async def test_a_position_is_not_accepted_as_a_cell_id(robot: Robot, root: Path) -> None:
    nbformat.write(new_notebook(cells=[new_code_cell("x", id="abc")]), root / "a.ipynb")
    said = await robot.fail("read_cell", notebook="a.ipynb", cell="1")
    assert "by id, not by position; list_cells(notebook='a.ipynb') shows the ids" in said


async def test_every_reply_about_cells_names_their_ids(robot: Robot, root: Path) -> None:
    first, second = write_notebook(root, "a.ipynb", "x = 1", "y = 2")
    calls: list[tuple[str, dict[str, Any], str]] = [
        ("list_cells", {}, first),
        ("read_cell", {"cell": first}, first),
        ("read_cells", {}, second),
        ("search_notebook", {"query": "y"}, second),
        ("edit_cell", {"cell": first, "edits": [{"old": "1", "new": "2"}]}, first),
        ("overwrite_cell_source", {"cell": first, "source": "x = 3"}, first),
        ("move_cell", {"cells": first, "after": second}, first),
        ("delete_cell", {"cells": second}, second),
    ]
    for tool, arguments, cell in calls:
        said = await robot.say(tool, notebook="a.ipynb", **arguments)
        assert cell[:8] in said, (tool, said)


async def test_several_cells_are_read_in_the_order_asked_or_from_a_position(
    robot: Robot, root: Path
) -> None:
    ids = write_notebook(root, "a.ipynb", "one", "two", "three")
    said = await robot.say("read_cells", notebook="a.ipynb", cells=[ids[2], ids[0]])
    assert said.index("three") < said.index("one")
    assert "two" not in said
    said = await robot.say("read_cells", notebook="a.ipynb", start=2, limit=1)
    assert "two" in said
    assert "three" not in said


async def test_reading_fills_one_reply_and_says_how_to_continue(robot: Robot, root: Path) -> None:
    write_notebook(root, "a.ipynb", *(f"# number {n}\n" + "x" * 3000 for n in range(1, 21)))
    seen: list[str] = []
    start = 1
    while True:
        said = await robot.say("read_cells", notebook="a.ipynb", start=start)
        assert len(said) <= robot.app.services.limits.text + 500
        seen += re.findall(r"# number (\d+)", said)
        onwards = re.search(r"continue with read_cells\(start=(\d+), .*notebook='a.ipynb'\)", said)
        if onwards is None:
            break
        start = int(onwards[1])
    assert seen == [str(n) for n in range(1, 21)]


async def test_one_long_output_is_paged_to_its_end(robot: Robot, root: Path) -> None:
    text = "".join(f"line {n}\n" for n in range(10_000))
    (cell,) = write(root, new_code_cell("x", outputs=[stream("short\n"), stream(text)]))
    said = await robot.say("read_cell", notebook="a.ipynb", cell=cell)
    assert len(said) <= robot.app.services.limits.text + 500
    assert "characters left out" in said
    assert f"read_cell(cell='{cell[:8]}', output=" in said
    number = 2 if "[output 2" in said else 1
    lines = await paged_lines(robot, notebook="a.ipynb", cell=cell, output=number)
    assert lines == list(range(10_000))


async def test_a_cut_output_of_code_outside_cells_is_paged_as_its_reply_says(
    robot: Robot, root: Path
) -> None:
    write_notebook(root, "a.ipynb", "1")
    code = "import sys\nprint('short', file=sys.stderr, flush=True)\n" + PRINTING
    said = (await robot.run("execute_ipython", notebook="a.ipynb", code=code)).text
    assert len(said) <= robot.app.services.limits.text + 500
    told = re.search(r"left out; read_cell\(cell='(r_\w+)', output=2, offset=(\d+)\) …", said)
    assert told is not None, said[:300]
    run, offset = told[1], int(told[2])
    # The page goes on just where the cut began.
    before = [int(n) for n in LINE.findall(said.partition("characters left out")[0])]
    page = await robot.say("read_cell", cell=run, output=2, offset=offset)
    assert int(LINE.findall(page)[0]) == before[-1] + 1
    assert await paged_lines(robot, cell=run, output=2) == list(range(10_000))
    assert "short" in await robot.say("read_cell", cell=run, output=1)
    assert f"read_cell(cell='{run}', output=2, offset=" in await robot.say("read_cell", cell=run)
    assert "no output 3" in await robot.fail("read_cell", cell=run, output=3)


async def test_a_cut_output_of_a_deleted_cell_is_paged_as_the_reply_says(
    robot: Robot, root: Path
) -> None:
    waiting = "import os, time\nwhile not os.path.exists('go'):\n    time.sleep(0.01)\n" + PRINTING
    first, second = write_notebook(root, "a.ipynb", PRINTING, waiting)
    await robot.say("read_cells", notebook="a.ipynb")
    notebook = await robot.open("a.ipynb")
    running = robot.start("execute_cell", notebook="a.ipynb", cells=[first, second])
    await robot.allow()
    await until(lambda: [run.current for run in robot.app.executor.runs()] == [1])
    cells.delete(notebook, [first, second], "a person")
    (root / "go").touch()
    said = (await running).text
    named = re.findall(r"left out; read_cell\(cell='(r_\w+/\d)', output=1, offset=\d+\) …", said)
    assert [name.partition("/")[2] for name in named] == ["1", "2"]
    for name in named:
        assert await paged_lines(robot, cell=name, output=1) == list(range(10_000))
    assert ("no longer has the outputs") in await robot.fail(
        "read_cell", cell=named[0][:-1] + "3", output=1
    )


async def test_a_source_that_is_too_long_for_a_reply_is_paged_as_the_reply_says(
    robot: Robot, root: Path
) -> None:
    (cell,) = write_notebook(root, "a.ipynb", "".join(f"line {n}\n" for n in range(10_000)))
    for tool, which in (("read_cell", {"cell": cell}), ("read_cells", {})):
        said = await robot.say(tool, notebook="a.ipynb", **which)
        told = re.search(rf"left out; read_cell\(cell='{cell[:8]}', offset=(\d+), .*\) …", said)
        assert told is not None, tool
        head = [int(n) for n in LINE.findall(said.partition("characters left out")[0])]
        offset, numbers = int(told[1]), head
        while True:
            said = await robot.say("read_cell", notebook="a.ipynb", cell=cell, offset=offset)
            assert len(said) <= robot.app.services.limits.text
            numbers += [int(n) for n in LINE.findall(said)]
            onwards = re.search(r"next: read_cell\(.*offset=(\d+)", said)
            if onwards is None:
                break
            offset = int(onwards[1])
        assert numbers == list(range(10_000))


async def test_outputs_of_code_outside_cells_are_kept_until_the_agent_is_revoked(
    robot: Robot, make_robot: MakeRobot, root: Path
) -> None:
    write_notebook(root, "a.ipynb", "1")
    said = (await robot.run("execute_ipython", notebook="a.ipynb", code=PRINTING)).text
    (run,) = set(re.findall(r"r_\w+", said))
    assert "line 1\n" in await robot.say("read_cell", cell=run, output=1)
    other = make_robot()
    assert "no longer has the outputs" in await other.fail("read_cell", cell=run, output=1)
    assert robot.app.executor.get(run) is not None
    robot.app.agents.revoke(robot.agent.id)
    assert robot.app.executor.get(run) is None
    assert "has ended" in await robot.fail("read_cell", cell=run, output=1)


@pytest.mark.parametrize("tool", ["read_cell", "read_cells", "list_cells"])
async def test_huge_outputs_never_make_a_huge_reply(robot: Robot, root: Path, tool: str) -> None:
    outputs = [stream("e" * 2_000_000), *(stream(f"{n}\n") for n in range(500))]
    html = new_output("display_data", {"text/html": "<b>" + "h" * 500_000, "text/plain": "p"})
    (cell,) = write(root, new_code_cell("s" * 50_000, outputs=[*outputs, html]))
    more = {"cell": cell} if tool == "read_cell" else {}
    said = await robot.say(tool, notebook="a.ipynb", **more)
    assert len(said) <= robot.app.services.limits.text + 500
    assert cell[:8] in said


async def test_outputs_can_be_left_out(robot: Robot, root: Path) -> None:
    (cell,) = write(root, new_code_cell("x = 1", outputs=[stream("printed\n")]))
    for tool, more in (("read_cell", {"cell": cell}), ("read_cells", {})):
        said = await robot.say(tool, notebook="a.ipynb", outputs=False, **more)
        assert "x = 1" in said
        assert "printed" not in said


async def test_a_missing_output_is_an_error_with_the_number_of_outputs(
    robot: Robot, root: Path
) -> None:
    (cell,) = write(root, new_code_cell("x", outputs=[stream("printed\n")]))
    said = await robot.fail("read_cell", notebook="a.ipynb", cell=cell, output=5)
    assert "There is no output 5: the cell has 1 output." in said


async def test_an_argument_that_does_not_exist_is_named_with_those_that_do(
    robot: Robot, root: Path
) -> None:
    write_notebook(root, "a.ipynb", "x")
    with pytest.raises(Exception, match="There is no argument 'cell_index'") as caught:
        await robot.call("read_cell", notebook="a.ipynb", cell_index=0)
    assert "'cell' is missing" in str(caught.value)
    assert "read_cell takes: cell, notebook" in str(caught.value)


async def test_reading_leaves_each_cell_room_for_its_outputs(robot: Robot, root: Path) -> None:
    cells = [new_code_cell(f"number_{n}", outputs=[stream(f"<{n}>\n")] * 3) for n in range(1, 201)]
    ids = write(root, *cells)
    for which in ({}, {"cells": ids}):
        said = await robot.say("read_cells", notebook="a.ipynb", limit=200, **which)
        assert len(said) <= robot.app.services.limits.text + 500
        read = re.findall(r"number_(\d+)", said)
        assert read == [str(n) for n in range(1, len(read) + 1)]
        assert 80 < len(read) < 200
        assert all(f"<{n}>" in said for n in read)
        rest = 200 - len(read)
        named = [cell_id[:8] for cell_id in ids[len(read) :][:50]]
        which_rest = f"cells={named}" if which else f"start={len(read) + 1}, limit={rest}"
        onwards = f"read_cells({which_rest}, notebook='a.ipynb')"
        assert said.endswith(f"… {rest} more cells; continue with {onwards}.")


async def test_an_output_of_blank_lines_is_not_an_empty_reply(robot: Robot, root: Path) -> None:
    (cell,) = write(root, new_code_cell("print('\\n')", outputs=[stream("\n\n")]))
    said = await robot.say("read_cell", notebook="a.ipynb", cell=cell, output=1)
    assert said == "[output 1 stdout: no visible text]"


async def test_the_path_is_not_looked_up_for_each_cell(
    robot: Robot, root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    lookups: list[int] = []
    for number in (10, 100):
        write_notebook(root, f"{number}.ipynb", *(f"x = {n}" for n in range(number)))
        notebook = await robot.open(f"{number}.ipynb")
        find, found = notebook._path, []

        def counted(find: Callable[[], str] = find, found: list[str] = found) -> str:
            found.append(find())
            return found[-1]

        monkeypatch.setattr(notebook, "_path", counted)
        assert "x = 9" in await robot.say("read_cells", notebook=f"{number}.ipynb", limit=100)
        lookups.append(len(found))
    assert 0 < lookups[0] == lookups[1]
