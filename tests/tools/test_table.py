"""The tools as clients see them, held against the contract and the documentation."""

from __future__ import annotations

import ast
import json
import re
from pathlib import Path

import pytest

from jmcp_lab.calls.call import ToolClass
from jmcp_lab.cli import tools_table
from jmcp_lab.tools.table import TOOLS

ROOT = Path(__file__).parents[2]
README = ROOT / "README.md"

INCUMBENT = [
    *("list_files", "list_kernels", "assign_kernel_to_notebook"),
    *("use_notebook", "list_notebooks", "restart_notebook", "unuse_notebook"),
    *("list_cells", "read_cell", "read_cells", "insert_cell", "delete_cell"),
    *("overwrite_cell_source", "execute_cell", "insert_execute_code_cell", "execute_ipython"),
]
"""The tools of jupyter-mcp-server, by name."""

MAX_LIST = 16_500
"""Characters of the list of our own tools; those of other packages have a bound of their own.

The list has 15,850, about 4,000 tokens at each turn. A small tool takes 300 to 400.
"""


@pytest.mark.parametrize("name", [*INCUMBENT, "wait", "get_context", "edit_cell"])
def test_prompts_for_jupyter_mcp_server_keep_working(name: str) -> None:
    assert name in TOOLS


def test_the_list_of_tools_that_every_client_reads_is_small() -> None:
    hints = {
        "readOnlyHint": False,
        "destructiveHint": False,
        "idempotentHint": False,
        "openWorldHint": False,
    }
    listed = [
        {
            "name": tool.name,
            "title": tool.title,
            "description": tool.description,
            "inputSchema": tool.input_schema,
            "annotations": hints,
        }
        for tool in TOOLS.values()
    ]
    size = len(json.dumps(listed, separators=(",", ":")))
    largest = sorted(listed, key=lambda each: -len(json.dumps(each)))[:5]
    assert size < MAX_LIST, (
        f"The list of tools has {size:,} characters, {size - MAX_LIST:,} more than are allowed: a "
        "model reads all of it at each turn. After adding a tool, make room: a shorter docstring, "
        "fewer arguments or fewer descriptions of arguments, of the new tool or of the largest "
        f"ones ({', '.join(str(each['name']) for each in largest)}); or give the tool to a package "
        "of its own (docs/building-on.md). Raise MAX_LIST only with a measurement of what the "
        "longer list costs, in the commit that does it."
    )


@pytest.mark.parametrize("tool", TOOLS.values(), ids=TOOLS)
def test_a_tool_says_what_it_does_in_at_most_three_sentences(tool: object) -> None:
    found = TOOLS[tool.name]  # type: ignore[attr-defined]
    assert found.title
    assert 1 <= len(re.findall(r"[.!?](?:\s|$)", found.description)) <= 3
    assert found.description == found.description.strip()


@pytest.mark.parametrize("tool", TOOLS.values(), ids=TOOLS)
def test_the_annotations_of_a_tool_are_true(tool: object) -> None:
    found = TOOLS[tool.name]  # type: ignore[attr-defined]
    reads = found.tool_class in (ToolClass.INFO, ToolClass.READ)
    may_do_more = found.name in ("use_notebook", "unuse_notebook")
    assert found.read_only == (reads and not may_do_more)
    assert not (found.read_only and found.destructive)
    if found.tool_class is ToolClass.RUN:
        assert found.destructive
        assert found.open_world


def test_every_tool_takes_a_reason_for_the_person() -> None:
    for tool in TOOLS.values():
        assert "reason" in tool.input_schema["properties"]


def test_the_table_in_the_readme_matches_the_code() -> None:
    written = README.read_text().split("<!-- tools")[1].split("-->", 1)[1].split("<!--")[0]
    cells = [re.split(r"\s*\|\s*", line.strip("| ")) for line in written.strip().splitlines()]
    wanted = [
        re.split(r"\s*\|\s*", line.strip("| ")) for line in tools_table().strip().splitlines()
    ]
    assert cells[2:] == wanted[2:]


LITERAL = re.compile(rf"""(['"`])({"|".join(TOOLS)})\1""")
"""The name of a tool in quotes, in Python or TypeScript."""


def test_no_module_of_the_server_treats_a_tool_by_its_name() -> None:
    compared = [
        (path.relative_to(ROOT).as_posix(), node.lineno)
        for path in (ROOT / "jmcp_lab").rglob("*.py")
        if LITERAL.search(text := path.read_text(encoding="utf-8"))
        for node in ast.walk(ast.parse(text))
        if isinstance(node, ast.Compare | ast.match_case)
        for part in ast.walk(node.pattern if isinstance(node, ast.match_case) else node)
        if isinstance(part, ast.Constant) and part.value in TOOLS
    ]
    assert compared == [], "Say it in the record of the tool: see `Tool` in runtime/tool.py."


def test_the_page_names_no_tool() -> None:
    named = [
        (path.relative_to(ROOT).as_posix(), found[2])
        for path in (ROOT / "src").rglob("*.ts*")
        if "__tests__" not in path.parts
        for found in LITERAL.finditer(path.read_text(encoding="utf-8"))
    ]
    assert named == []
