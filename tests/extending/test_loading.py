"""Tools of other packages are found, checked against the rules, and left out by name."""

from __future__ import annotations

import logging
import sys

import pytest

from jmcp_lab.extending.loading import Found, find_other_tools, with_other_tools
from jmcp_lab.extending.rules import MAX_ALL_CHARACTERS
from jmcp_lab.runtime.tool import Tool
from jmcp_lab.tools.table import TOOLS

from ..support.distributions import MakePackage, make_package

__all__ = ["make_package"]

GOOD = '''
@tool(**READ)
async def {name}(ctx: ToolContext, notebook: NotebookPath = None) -> Reply:
    """Say something."""
    return Reply.of("{name}")

TOOLS: list[Tool] = [{name}]
'''


def find(*, ours: object = TOOLS, allowed: bool | list[str] = True) -> Found:
    return find_other_tools(ours, allowed)  # type: ignore[arg-type]


def test_tools_of_other_packages_come_after_ours_in_the_order_of_the_packages(
    make_package: MakePackage,
) -> None:
    make_package("Word-Count", GOOD.format(name="count_words"))
    make_package("a.first", GOOD.format(name="zeroth"))
    offered = with_other_tools(TOOLS, True, logging.getLogger("test"))
    assert list(offered) == [*TOOLS, "zeroth", "count_words"]
    assert list(TOOLS.values()) == list(offered.values())[: len(TOOLS)]


def test_an_entry_point_may_name_a_function_that_returns_the_tools(
    make_package: MakePackage,
) -> None:
    code = GOOD.format(name="count_words") + "def tools(): return tuple(TOOLS)\n"
    make_package("word-count", code, named="tools")
    found = find()
    assert list(found.tools) == ["count_words"]
    assert found.packages == {"count_words": "word-count"}
    assert found.left_out == []


@pytest.mark.parametrize(
    ("allowed", "expected"),
    [
        (True, ["count_words", "shout"]),
        (False, []),
        ([], []),
        (["WORD_count"], ["count_words"]),
        (["other"], []),
    ],
)
def test_an_administrator_says_which_packages_may_add_tools_and_no_other_is_imported(
    make_package: MakePackage, allowed: bool | list[str], expected: list[str]
) -> None:
    make_package("word-count", GOOD.format(name="count_words"))
    make_package("x-shout", GOOD.format(name="shout"))
    assert list(find(allowed=allowed).tools) == expected
    imported = {name for name in sys.modules if name.startswith("made_up_")}
    assert len(imported) == len(expected)


BAD = """
@tool({options})
{function}
    {docstring}
    return Reply.of("")

TOOLS = [{listed}]
"""


def bad(
    options: str = "**READ",
    arguments: str = "",
    docstring: str = '"""Say something."""',
    listed: str = "made",
    function: str = "async def {}(ctx: ToolContext, {}) -> Reply:",
    name: str = "made",
) -> str:
    return BAD.format(
        options=options,
        function=function.format(name, arguments),
        docstring=docstring,
        listed=listed.replace("made", name),
    )


ITSELF = """
class Tree(BaseModel, extra="forbid"):
    children: "Annotated[list[Tree], Field(max_length=3)]"
"""
OPEN = "class Loose(BaseModel):\n    name: Annotated[str, Field(max_length=3)]\n"
BROKEN: dict[str, tuple[str, str]] = {
    "our name": (bad(name="list_cells"), "its name is taken by jmcp_lab itself"),
    "no name": (bad(name="Loud"), "its name must be"),
    "twice": (bad(listed="made, made"), "its name is taken by the package bad-one"),
    "no docstring": (bad(docstring="pass"), "it needs a title, and a docstring"),
    "no title": (
        bad(options="title=' ', tool_class=ToolClass.READ"),
        "it needs a title, and a docstring",
    ),
    "unknown class": (
        bad(options="title='T', tool_class='reading'"),
        "its class is 'reading'; it must be one of: info, read, inspect, edit",
    ),
    "another class that is unknown": (
        bad(options="title='T', tool_class=ToolClass.RUN, also=('editing',)"),
        "its class is 'editing'; it must be one of: info, read, inspect, edit",
    ),
    "hints that are not true": (
        bad(options="**EDIT, read_only=True"),
        "read_only must hold for every call",
    ),
    "not async": (bad(function="def {}(ctx: ToolContext, {}) -> Reply:"), "must be `async def`"),
    "no context": (bad(function="async def {}({}) -> Reply:"), "must take a ToolContext first"),
    "any arguments": (bad(arguments="**rest: int"), "it must name each argument"),
    "an argument of ours": (bad(arguments="hold: int"), "is reserved by jmcp_lab"),
    "a text without an end": (bad(arguments="query: str"), "'query' has no limit: a string"),
    "a list without an end": (bad(arguments="some: list[int]"), "'some' has no limit: a list"),
    "a list of long texts": (
        bad(arguments="some: Annotated[list[str], Field(max_length=3)]"),
        "'some' has no limit: a string needs max_length",
    ),
    "an optional text without an end": (
        bad(arguments="query: str | None = None"),
        "'query' has no limit: a string",
    ),
    "anything": (bad(arguments="some: Any"), "'some' has no limit: it accepts anything"),
    "an object of anything": (
        bad(arguments="some: dict[str, int]"),
        "'some' has no limit: an object needs named fields",
    ),
    "a loose object": (
        OPEN + bad(arguments="some: Loose"),
        "'some' has no limit: an object needs named fields",
    ),
    "an object in itself": (ITSELF + bad(arguments="some: Tree"), "it can contain itself"),
    "no schema": (bad(arguments="some: type"), "it cannot be checked"),
    "a long description": (
        bad(docstring=f'"""{"Long words. " * 200}"""'),
        "characters of the list of tools, which clients read at every turn; at most 2,000",
    ),
    "no tool": (bad(listed="print"), "is not a tool; make one with @tool from jmcp_lab.api"),
    "one tool, not a list": (
        bad().replace("[made]", "made"),
        "must be a list or tuple of tools, or a function",
    ),
    "a text": ("TOOLS = 'made'", "must be a list or tuple of tools, or a function"),
    "no such name": ("", "cannot be imported (AttributeError"),
    "an error when imported": ("raise ValueError('no licence')", "(ValueError: no licence)"),
    "an exit when imported": ("raise SystemExit(3)", "cannot be imported (SystemExit"),
    "a function that fails": ("def TOOLS(): return 1 / 0", "(ZeroDivisionError"),
    "an odd tool": (
        bad() + "import dataclasses\nTOOLS = [dataclasses.replace(made, title=None)]",
        "it cannot be checked (AttributeError",
    ),
}


@pytest.mark.parametrize("kind", BROKEN)
def test_a_tool_that_breaks_a_rule_is_left_out_and_the_log_names_package_tool_and_rule(
    make_package: MakePackage, kind: str, caplog: pytest.LogCaptureFixture
) -> None:
    code, rule = BROKEN[kind]
    make_package("bad-one", code)
    make_package("good-one", GOOD.format(name="count_words"))
    offered = with_other_tools(TOOLS, True, logging.getLogger("test"))
    # One that is listed twice counts once; whatever else is offered is there.
    kept = ["made"] if kind == "twice" else []
    assert list(offered) == [*TOOLS, *kept, "count_words"]
    (said,) = [record.getMessage() for record in caplog.records if record.levelname == "WARNING"]
    assert rule in said
    assert "of the package bad-one is left out" in said
    tool = {"our name": "list_cells", "no name": "Loud"}.get(kind)
    assert f"The tool {tool or ''}" in said


def test_a_package_cannot_take_the_name_of_another_packages_tool(
    make_package: MakePackage,
) -> None:
    make_package("a-one", GOOD.format(name="count_words"))
    make_package("b-two", GOOD.format(name="count_words"))
    found = find()
    assert found.packages == {"count_words": "a-one"}
    (left,) = found.left_out
    assert str(left) == (
        "The tool count_words of the package b-two is left out: its name is taken by the package "
        "a-one."
    )


def test_all_other_packages_together_have_a_limit_in_the_list_of_tools(
    make_package: MakePackage,
) -> None:
    words = "Long words. " * 140
    code = "".join(
        GOOD.format(name=f"tool_{n}").replace("Say something.", words).replace("TOOLS: ", f"T{n}: ")
        for n in range(12)
    )
    make_package("many", code + f"TOOLS = {'+'.join(f'T{n}' for n in range(12))}")
    found = find()
    assert 5 < len(found.tools) < 12
    assert len(found.tools) + len(found.left_out) == 12
    assert all(f"{MAX_ALL_CHARACTERS:,} characters" in each.rule for each in found.left_out)


def test_the_class_can_be_given_as_a_string(make_package: MakePackage) -> None:
    make_package("plain", bad(options="title='T', tool_class='read'"))
    (made,) = find().tools.values()
    assert isinstance(made, Tool)
    assert type(made.tool_class).__name__ == "ToolClass"
