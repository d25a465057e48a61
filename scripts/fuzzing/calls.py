"""Provides the calls of the fuzzer: known bombs, and arguments that hypothesis generates."""

from __future__ import annotations

import random
from typing import Any

from hypothesis import HealthCheck, Phase, given, seed, settings
from hypothesis import strategies as st
from world import NOTEBOOKS

from jmcp_lab.tools.table import TOOLS

Arguments = dict[str, Any]

LARGE = 3_500_000
"""Number of characters of a large text; an MCP message has at most 4 MiB."""

NESTED = "(" * 4 + "a" + "{99})" * 4

TEXTS = [
    *("", " ", "\x00", "\ud83d", "\u202e\u200b", "é" * 1000, "a" * 100_000, "\n" * 100_000),
    *(NESTED, "(a+)+$", "((a|a)*)*b", "(?:a?){5000}a{5000}", "[" * 20_000, "a*" * 50_000),
    *("**/" * 160, "{a,b}" * 100, "[!" * 250, "*a" * 250, "..", "/etc/passwd", "a/" * 500),
    *("Traceback (most recent call last):\n" * 5000, "<" * 100_000, "\r\n" * 100_000),
    *("cell-0", "cell-", "cell-4999", "*", "*.csv", "**/*.csv", "python3", "run-1/1", "[output 1]"),
]
BIG_TEXTS = ["x" * LARGE, "x\n" * (LARGE // 2), "\x00" * (LARGE // 7), "é" * (LARGE // 7)]
NUMBERS = [*(-1, 0, 1, 2, 3, 500, 5000, 2**31, 2**63, 10**400, 1e308, 0.5), *range(4, 20)]
PATHS = ["", ".", "many", "folders", "folders/00", *NOTEBOOKS, "nowhere", "small.ipynb/x"]
FILES = [
    *("text.txt", "breaks.txt", "one-line.txt", "crlf.txt", "new.txt", "small.ipynb", "many"),
    *("image0.gif", "image1.png", "image2.png", "image3.jpeg", "image4.webp", "folders"),
]
IDS = [f"cell-{number}" for number in range(5000)]


def _texts(large: bool) -> st.SearchStrategy[str]:
    found = st.sampled_from(TEXTS) | st.text(max_size=50)
    return found | st.sampled_from(BIG_TEXTS) if large else found


def _cells() -> st.SearchStrategy[Any]:
    one = st.sampled_from(IDS[:16]) | st.sampled_from(IDS) | _texts(large=False)
    many = st.integers(1, 5000).map(lambda count: IDS[:count])
    return st.one_of(one, many, st.lists(one, max_size=5))


def _edits() -> st.SearchStrategy[Any]:
    def edits(old: str, new: str, count: int) -> list[dict[str, str]]:
        return [{"old": old, "new": new}] * min(count, LARGE // (len(old) + len(new) + 30))

    old = st.sampled_from(["value_", "value_1 = 1\n", "x", "x" * 1000, "\n", "", "a line"])
    distinct = st.integers(1, 20_000).map(
        lambda n: [{"old": f"value_{k} = {k}\n", "new": f"v{k}\n"} for k in range(n)]
    )
    return st.one_of(st.builds(edits, old, _texts(large=False), st.integers(1, 20_000)), distinct)


def _value(tool: str, name: str, large: bool) -> st.SearchStrategy[Any]:
    """Return values for an argument, mostly of its type."""
    known: dict[str, st.SearchStrategy[Any]] = {
        "notebook": st.sampled_from(NOTEBOOKS),
        "cell": st.sampled_from(IDS[:16]) | _texts(large=False),
        "cells": _cells(),
        "names": _cells(),
        "edits": _edits(),
        "path": st.sampled_from(FILES if tool.endswith("_file") else PATHS),
        "hold": st.sampled_from([0, 0.1, 1, -1, 1e308]),
        "seconds": st.sampled_from([0, 0.1, 1, -1, 1e308]),
        "shutdown_kernel": st.just(False),
        **dict.fromkeys(("source", "content", "query", "code"), _texts(large)),
        **dict.fromkeys(
            ("offset", "limit", "start", "depth", "index", "output", "cursor"),
            st.sampled_from(NUMBERS) | st.integers(0, 20_000_000),
        ),
        **dict.fromkeys(
            ("regex", "outputs", "images", "all", "create", "stop_on_error", "clear_outputs"),
            st.booleans(),
        ),
    }
    value = known.get(name, _texts(large))
    if tool == "insert_cell" and name == "cells":
        cell = st.fixed_dictionaries({"source": _texts(large=False), "type": st.just("code")})
        value = st.builds(lambda one, count: [one] * count, cell, st.integers(1, 200))
    odd = st.sampled_from([None, [], {}, True, -1, "", "x" * 1000, [[]] * 1000])
    return st.integers(0, 19).flatmap(lambda n: odd if n == 0 else value)


@st.composite
def calls(draw: st.DrawFn, names: list[str]) -> tuple[str, Arguments]:
    """Draw a tool and its arguments."""
    tool = draw(st.sampled_from(names))
    schema = TOOLS[tool].input_schema
    large = draw(st.integers(0, 4)) == 0
    needed = set(schema.get("required", ()))
    found = {}
    for name in schema["properties"]:
        likely = name in needed or name == "notebook" or draw(st.booleans())
        if likely and name != "reason":
            found[name] = draw(_value(tool, name, large))
    return tool, found


def drawn(number: int, count: int, names: list[str]) -> list[tuple[str, Arguments]]:
    """Return a number of calls for a seed."""
    found: list[tuple[str, Arguments]] = []

    @seed(number)
    @settings(
        max_examples=count,
        database=None,
        deadline=None,
        phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    @given(calls(names))
    def collect(call: tuple[str, Arguments]) -> None:
        found.append(call)

    collect()
    random.Random(number).shuffle(found)
    return found


def bombs() -> list[tuple[str, Arguments]]:
    """Return calls that once overloaded the server, and similar ones."""
    found: list[tuple[str, Arguments]] = []

    def add(tool: str, **arguments: Any) -> None:
        found.append((tool, arguments))

    for text in TEXTS + BIG_TEXTS:
        add("list_files", pattern=text, depth=20)
        for regex in (True, False):
            add("search_notebook", notebook="text.ipynb", query=text, regex=regex)
    add("search_notebook", notebook="cells.ipynb", query=".", regex=True, limit=500)
    add("list_files", depth=20, limit=500)
    add("list_notebooks")
    for notebook in NOTEBOOKS:
        add("use_notebook", notebook=notebook)
        add("list_cells", notebook=notebook, limit=500)
        add("read_cells", notebook=notebook, limit=500)
        add("search_notebook", notebook=notebook, query="no such words")
    for notebook in ("json", "table", "text", "images", "figures", "deep", "lines"):
        for number in range(13):
            cell = f"cell-{number}"
            add("read_cell", notebook=f"{notebook}.ipynb", cell=cell)
            for offset in (0, 1_000_000, 40_000_000, 10**12):
                add("read_cell", notebook=f"{notebook}.ipynb", cell=cell, output=1, offset=offset)
    for path in FILES:
        add("read_file", path=path, limit=5000)
        add("read_file", path=path, offset=10_000_000)
    return found


def editing() -> list[tuple[str, Arguments]]:
    """Return the known bombs of an agent that edits."""
    found: list[tuple[str, Arguments]] = []

    def add(tool: str, **arguments: Any) -> None:
        found.append((tool, arguments))

    lines = [{"old": f"value_{n} = {n}\n", "new": f"v{n}\n"} for n in range(20_000)]
    add("edit_cell", notebook="lines.ipynb", cell="cell-0", edits=lines)
    add("undo_changes", notebook="lines.ipynb")
    spread = "\n".join(f"value_{n} = {n if n % 100 else -n}" for n in range(50_000))
    add("overwrite_cell_source", notebook="lines.ipynb", cell="cell-0", source=spread)
    add("undo_changes", notebook="lines.ipynb")
    add("overwrite_cell_source", notebook="lines.ipynb", cell="cell-1", source="y" * 1_800_000)
    add("undo_changes", notebook="lines.ipynb")
    for cells in (IDS[:1000], IDS[1000:3000]):
        add("clear_outputs", notebook="cells.ipynb", cells=cells)
        add("undo_changes", notebook="cells.ipynb")
        add("delete_cell", notebook="cells.ipynb", cells=cells)
        add("undo_changes", notebook="cells.ipynb")
        add("move_cell", notebook="cells.ipynb", cells=cells, index=0)
        add("undo_changes", notebook="cells.ipynb")
    add("insert_cell", notebook="small.ipynb", source="x" * LARGE)
    add("insert_cell", notebook="small.ipynb", cells=[{"source": "x"}] * 5000)
    add("execute_cell", notebook="cells.ipynb", all=True, hold=1)
    add("write_file", path="new.txt", content="x\n" * 1_500_000)
    for path in ("text.txt", "crlf.txt", "breaks.txt", "one-line.txt"):
        add("write_file", path=path, edits=[{"old": "a line of words\n" * 1000, "new": "b\n"}])
        add("write_file", path=path, content="\n".join(f"{n}" for n in range(100_000)))
    add("execute_ipython", code="x" * LARGE, notebook="small.ipynb", hold=1)
    add("inspect_code", code="x" * LARGE, notebook="small.ipynb")
    return found
