"""The calls that replies propose can be made as they stand, whatever is current by then."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

import nbformat
import pytest
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook, new_output

import jmcp_lab
from jmcp_lab.calls.call import Reply
from jmcp_lab.calls.proposed import proposed
from jmcp_lab.tools.table import TOOLS

from ..support.robots import Robot, write_notebook

PATH = 'deep/it\'s "a" (copy).ipynb'
NAMES = "|".join(TOOLS)
OPENING = re.compile(rf"\b({NAMES})\(")


def calls_in(text: str) -> Iterator[tuple[str, dict[str, Any]]]:
    """Yield the calls that a reply proposes."""
    for found in OPENING.finditer(text):
        ends = [m.end() for m in re.finditer(r"\)", text[found.start() : found.start() + 3000])]
        for end in ends:
            try:
                tree = ast.parse(text[found.start() : found.start() + end], mode="eval").body
            except SyntaxError:
                continue
            assert isinstance(tree, ast.Call)
            assert not tree.args, f"no names before the arguments: {ast.unparse(tree)}"
            yield found[1], {k.arg or "": ast.literal_eval(k.value) for k in tree.keywords}
            break
        else:
            raise AssertionError(f"no whole call: {text[found.start() : found.start() + 200]}")


LONG = "".join(f"line {n} of it\n" for n in range(9000))


@cache
def notebook() -> tuple[str, list[str]]:
    """Return a long notebook as its file, and the ids of its cells; it takes a while to make."""
    figure = {"application/vnd.plotly.v1+json": {"data": [{"type": "bar", "x": [1]}], "layout": {}}}
    outputs = [
        new_output("stream", text=LONG),
        new_output("display_data", figure),
        new_output("execute_result", {"text/plain": LONG}, execution_count=1),
    ]
    cells = [
        new_code_cell("many()", outputs=outputs, execution_count=1),
        new_markdown_cell("word " * 20_000),
        *(new_code_cell(f"x_{n} = '{'y' * 900}'", outputs=outputs[:1]) for n in range(60)),
    ]
    return nbformat.writes(new_notebook(cells=cells)), [cell["id"] for cell in cells]


def write(root: Path) -> list[str]:
    (root / "deep" / "inner").mkdir(parents=True)
    text, ids = notebook()
    (root / PATH).write_text(text)
    (root / "deep" / "text's.txt").write_text(LONG)
    for n in range(12):
        (root / "deep" / "inner" / f"f{n}.csv").write_text("")
        write_notebook(root, f"deep/inner/n{n}.ipynb", "1")
    write_notebook(root, "other.ipynb", "other = 1", "other = 2")
    return ids


ASKED: list[tuple[str, dict[str, Any]]] = [
    ("list_cells", {"limit": 5}),
    ("list_cells", {"start": 50, "limit": 5}),
    ("read_cells", {}),
    ("read_cells", {"start": 3, "limit": 50, "outputs": False, "images": False}),
    ("read_cells", {"cells": "all"}),
    ("read_cell", {"cell": "first"}),
    ("read_cell", {"cell": "first", "output": 1}),
    ("read_cell", {"cell": "first", "output": 2}),
    ("read_cell", {"cell": "second"}),
    ("read_cell", {"cell": "second", "offset": 5000}),
    ("read_cell", {"cell": "nothing"}),
    ("delete_cell", {"cells": []}),
    ("execute_cell", {"cells": []}),
    ("search_notebook", {"query": "line", "limit": 5}),
]
FILES: list[tuple[str, dict[str, Any]]] = [
    ("read_file", {"path": "deep/text's.txt"}),
    ("read_file", {"path": "deep/text's.txt", "limit": 20}),
    ("read_file", {"path": PATH}),
    ("read_file", {"path": "deep/inner"}),
    ("list_files", {"path": "deep", "pattern": "*.csv", "depth": 2, "limit": 7}),
    ("list_notebooks", {"path": "deep", "limit": 7}),
]


async def follow(robot: Robot, reply: Reply, where: str) -> int:
    """Make each call that a reply proposes, and check that it is about the same."""
    count = 0
    for tool, arguments in calls_in(reply.text):
        count += 1
        named = arguments.get("notebook") or arguments.get("path")
        assert named is not None, (tool, arguments)
        assert str(named).startswith(where), (tool, arguments)
        said = await robot.say(tool, **arguments)
        assert "other = " not in said
    return count


@pytest.mark.parametrize(("tool", "arguments"), ASKED)
async def test_a_proposed_call_is_about_the_same_notebook_whatever_is_current(
    robot: Robot, root: Path, tool: str, arguments: dict[str, Any]
) -> None:
    first, second, *rest = write(root)
    named = {"first": first, "second": second, "all": [first, second, *rest]}
    arguments = {
        key: named.get(value, value) if isinstance(value, str) else value
        for key, value in arguments.items()
    }
    await robot.say("use_notebook", notebook=PATH)
    by_name = await robot.call(tool, notebook=PATH, **arguments)
    as_current = await robot.call(tool, **arguments)
    await robot.say("use_notebook", notebook="other.ipynb")
    assert await follow(robot, by_name, PATH), by_name.text
    assert await follow(robot, as_current, PATH), as_current.text


@pytest.mark.parametrize(("tool", "arguments"), FILES)
async def test_a_proposed_call_is_about_the_same_folder_or_file(
    robot: Robot, root: Path, tool: str, arguments: dict[str, Any]
) -> None:
    write(root)
    reply = await robot.call(tool, **arguments)
    assert await follow(robot, reply, str(arguments["path"])), reply.text


async def test_the_next_page_of_a_listing_continues_with_the_same_pattern(
    robot: Robot, root: Path
) -> None:
    write(root)
    arguments: dict[str, Any] = {"path": "deep", "pattern": "f*.csv", "limit": 7}
    names: list[str] = []
    while arguments:
        said = await robot.say("list_files", **arguments)
        names += re.findall(r"f\d+\.csv", said)
        arguments = next((again for _, again in calls_in(said)), {})
    assert sorted(names) == sorted(f"f{n}.csv" for n in range(12))


async def test_reading_named_cells_continues_with_the_rest(robot: Robot, root: Path) -> None:
    ids = write(root)[2:52]
    arguments: dict[str, Any] = {"notebook": PATH, "cells": ids, "outputs": False}
    read: list[str] = []
    while arguments:
        said = await robot.say("read_cells", **arguments)
        read += re.findall(r"· id (\w+)", said)
        assert len(read) <= 50
        arguments = next((again for name, again in calls_in(said) if name == "read_cells"), {})
    assert read == [cell_id[:8] for cell_id in ids]


async def test_a_run_says_how_to_stop_it_and_what_it_left_out_for_its_own_notebook(
    robot: Robot, root: Path
) -> None:
    write_notebook(root, PATH, "import time\ntime.sleep(600)")
    write_notebook(root, "other.ipynb", "other = 1")
    await robot.say("use_notebook", notebook=PATH)
    task = robot.start("execute_cell", all=True, hold=0.1)
    await robot.allow()
    reply = await task
    await robot.say("use_notebook", notebook="other.ipynb")
    calls = dict(calls_in(reply.text))
    assert calls["interrupt_notebook"] == {"notebook": PATH}
    await robot.say("interrupt_notebook", **calls["interrupt_notebook"])
    assert (await robot.call("wait", **calls["wait"])).is_error


async def test_a_missing_notebook_is_created_under_the_intended_name(
    robot: Robot, root: Path
) -> None:
    write_notebook(root, "other.ipynb", "other = 1")
    said = await robot.fail("use_notebook", notebook="new.ipynb")
    assert list(calls_in(said)) == [("use_notebook", {"notebook": "new.ipynb", "create": True})]
    said = await robot.fail("read_cells", notebook="new.ipynb")
    assert list(calls_in(said)) == [("use_notebook", {"notebook": "new.ipynb", "create": True})]


def test_every_proposed_call_is_written_by_one_function() -> None:
    by_hand = []
    for path in sorted(Path(jmcp_lab.__file__).parent.rglob("*.py")):
        tree = ast.parse(path.read_text())
        bodies = [n for n in ast.walk(tree) if isinstance(getattr(n, "body", None), list)]
        docs = {id(n.body[0].value) for n in bodies if n.body and isinstance(n.body[0], ast.Expr)}
        for node in ast.walk(tree):
            text = node.value if isinstance(node, ast.Constant) else None
            if isinstance(text, str) and id(node) not in docs and OPENING.search(text):
                by_hand.append(text)
    # A call's id is all that these need.
    assert all("wait(call='" in text for text in by_hand), by_hand


def test_a_proposed_call_is_one_line_and_means_what_was_given() -> None:
    name = 'it\'s\n"a" \u2028\u202e\ud800.ipynb'
    said = proposed("read_cells", start=2, limit=None, notebook=name)
    assert len(said.splitlines()) == 1
    assert list(calls_in(said)) == [("read_cells", {"start": 2, "notebook": name})]
