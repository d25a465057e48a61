"""Arguments as models really send them, for every argument of every tool."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from typing import Annotated, Any, Literal

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import BaseModel, ConfigDict, Field

from jmcp_lab.api import CellIds, NotebookPath
from jmcp_lab.calls.call import Reply, ToolClass
from jmcp_lab.errors import InvalidArgumentError
from jmcp_lab.runtime.argument_errors import example
from jmcp_lab.runtime.argument_forms import Form, Kind
from jmcp_lab.runtime.sent_json import MAX_BRACKETS, MAX_CHARACTERS, MAX_COMMAS
from jmcp_lab.runtime.tool import Tool, tool
from jmcp_lab.tools.table import TOOLS


class Point(BaseModel):
    """A place."""

    model_config = ConfigDict(extra="forbid")

    x: int
    label: Annotated[str, Field(max_length=9)] = ""


@tool(title="Other", tool_class=ToolClass.READ, read_only=True)
async def other(
    ctx: object,
    words: Annotated[list[Annotated[str, Field(max_length=99)]], Field(max_length=9)],
    text: Annotated[str, Field(max_length=99)] | None = None,
    either: Annotated[str | list[str], Field(max_length=99)] = "",
    cells: CellIds | None = None,
    notebook: NotebookPath = None,
    counts: Annotated[list[int], Field(max_length=3)] | None = None,
    at: Point | None = None,
    size: Literal[1, 2] = 1,
    scale: float | int = 1.5,
) -> Reply:
    """Do something else."""
    return Reply.of("")


ALL = {**TOOLS, other.name: other}


Check = Callable[[Tool, str, Form], None]


def of_kinds(*kinds: Kind, optional: bool = False) -> Callable[[Check], Callable[[Tool], None]]:
    """Check all arguments of some kinds, in a test for each tool."""

    def right(tool: Tool) -> list[tuple[str, Form]]:
        forms = tool.form.fields.items()
        left_out = tool.form.required if optional else ()
        return [(n, form) for n, form in forms if form.kind in kinds and n not in left_out]

    def decorate(check: Check) -> Callable[[Tool], None]:
        tools = [each for each in ALL.values() if right(each)]
        assert tools

        @pytest.mark.parametrize("tool", tools, ids=[each.name for each in tools])
        def test(tool: Tool) -> None:
            for name, form in right(tool):
                check(tool, name, form)

        return test

    return decorate


def base(tool: Tool, without: str = "") -> dict[str, Any]:
    """Return right arguments: those that must be given."""
    return {n: example(tool.form.fields[n]) for n in sorted(tool.form.required) if n != without}


def same(tool: Tool, name: str, sent: object, right: object) -> None:
    """Check that two values of an argument are the same to the tool."""
    rest = base(tool, name)
    assert tool.parse({**rest, name: sent}) == tool.parse({**rest, name: right})


def refused(tool: Tool, **sent: Any) -> str:
    with pytest.raises(InvalidArgumentError) as raised:
        tool.parse({**base(tool), **sent})
    return raised.value.message


@of_kinds(*Kind, optional=True)
def test_null_is_an_absent_argument(tool: Tool, name: str, form: Form) -> None:
    rest = base(tool)
    assert tool.parse({**rest, name: None}) == tool.parse(rest)


@of_kinds(Kind.INTEGER, Kind.NUMBER, Kind.BOOLEAN, Kind.NAME, Kind.ID, optional=True)
def test_an_empty_string_and_the_word_null_are_absent_where_no_text_is_meant(
    tool: Tool, name: str, form: Form
) -> None:
    rest = base(tool)
    for nothing in ("", "null", " null "):
        assert tool.parse({**rest, name: nothing}) == tool.parse(rest)


@of_kinds(*Kind)
def test_a_missing_argument_is_named_with_a_right_example(
    tool: Tool, name: str, form: Form
) -> None:
    if name in tool.form.required:
        with pytest.raises(InvalidArgumentError, match=f"'{name}' is missing") as raised:
            tool.parse({**base(tool, name), name: None})
        tool.parse(right_example(raised.value.message))


@of_kinds(Kind.INTEGER, Kind.NUMBER, Kind.BOOLEAN)
def test_a_number_or_a_flag_may_be_a_string(tool: Tool, name: str, form: Form) -> None:
    right = example(form)
    same(tool, name, json.dumps(right), right)
    if form.kind is Kind.INTEGER and not form.choices:
        same(tool, name, f"{right}.0", right)
    if form.kind is Kind.BOOLEAN:
        same(tool, name, "False", False)


@of_kinds(Kind.LIST)
def test_a_list_may_be_a_json_string_or_its_only_item(tool: Tool, name: str, form: Form) -> None:
    right = [example(form.item or form)]
    if not form.verbatim:
        same(tool, name, json.dumps(right), right)
        same(tool, name, right[0], right)
        same(tool, name, [*right, *right], json.dumps([*right, *right]))
    same(tool, name, right, right)


@of_kinds(Kind.LIST)
def test_an_empty_list_is_never_an_absent_one(tool: Tool, name: str, form: Form) -> None:
    for nothing in ([], "[]", " [] ", "", "  ", *([","] if tool is not other else [])):
        if form.verbatim or (nothing == "," and (form.item or form).kind is Kind.OBJECT):
            continue
        assert tool.parse({**base(tool, name), name: nothing})[name] == []


@of_kinds(Kind.LIST)
def test_ids_may_be_a_list_with_commas(tool: Tool, name: str, form: Form) -> None:
    if form.item is not None and form.item.kind is Kind.ID:
        for sent in ("aa, bb,cc", '"aa","bb","cc"', '["aa", "bb", "cc"]'):
            same(tool, name, sent, ["aa", "bb", "cc"])
        assert "not valid JSON" in refused(tool, **{name: '["aa", '})


@of_kinds(Kind.LIST)
def test_items_may_be_json_strings_and_have_other_names_for_their_fields(
    tool: Tool, name: str, form: Form
) -> None:
    if form.item is None or form.item.kind is not Kind.OBJECT:
        return
    right = [example(form.item)]
    same(tool, name, [json.dumps(right[0])], right)
    same(tool, name, json.dumps(right[0]), right)
    if "old" in form.item.fields:
        same(tool, name, [{"old_string": "x", "newString": "y"}], [{"old": "x", "new": "y"}])
        assert tool.parse({**base(tool, name), "old_str": "x", "new_str": ""}) == tool.parse(
            {**base(tool, name), name: [{"old": "x", "new": ""}]}
        )


@of_kinds(Kind.LIST)
def test_an_unknown_field_of_an_item_is_named_as_what_it_is(
    tool: Tool, name: str, form: Form
) -> None:
    if form.item is None or form.item.kind is not Kind.OBJECT:
        return
    wrong = [example(form.item), {**example(form.item), "replace_all": True}]
    for sent in (wrong, json.dumps(wrong)):
        said = refused(tool, **{name: sent})
        assert f"There is no '{name}[1].replace_all': '{name}[1]' takes " in said
        assert "is missing" not in said
        tool.parse(right_example(said))
    said = refused(tool, **{name: [{}]})
    assert f"'{name}[0]' has no '" in said


TEXTS = ["", "null", "None", '["a", "b"]', '{"old": "x"}', "[]", " x ", "1", "true", "a,b", '"a"']


@of_kinds(Kind.LINES, Kind.TEXT)
def test_a_text_is_never_changed(tool: Tool, name: str, form: Form) -> None:
    for text in TEXTS if not form.choices else ():
        assert tool.parse({**base(tool, name), name: text})[name] == text


@pytest.mark.parametrize("text", TEXTS)
def test_the_texts_of_items_are_never_changed(text: str) -> None:
    pair = {"old": text, "new": text}
    for edits in ([pair], pair, [json.dumps(pair)], json.dumps([pair]), json.dumps(pair)):
        (edit,) = TOOLS["edit_cell"].parse({"cell": "a", "edits": edits})["edits"]
        assert (edit.old, edit.new) == (text, text)
    for cells in ([{"source": text}], json.dumps([{"code": text}])):
        (cell,) = TOOLS["insert_cell"].parse({"cells": cells})["cells"]
        assert cell.source == text
    assert other.parse({"words": [text]})["words"] == [text]
    assert other.parse({"words": "x", "either": text})["either"] == text


@given(st.text(), st.text())
def test_no_text_at_all_is_changed(old: str, new: str) -> None:
    pair = {"old": old, "new": new}
    for edits in ([pair], json.dumps([pair]), json.dumps(pair)):
        (edit,) = TOOLS["edit_cell"].parse({"cell": "a", "edits": edits})["edits"]
        assert (edit.old, edit.new) == (old, new)
    assert TOOLS["write_file"].parse({"path": "a", "content": old})["content"] == old


@of_kinds(Kind.LINES)
def test_a_text_may_be_a_list_of_lines(tool: Tool, name: str, form: Form) -> None:
    same(tool, name, ["a\n", "\n", "b"], "a\n\nb")
    same(tool, name, ["a", "", "b"], "a\n\nb")
    same(tool, name, ["a\n"], "a\n")
    same(tool, name, ["a", "b\n"], "a\nb\n")
    assert "some lines end with a line break and some do not" in refused(
        tool, **{name: ["a\n", "b", "c"]}
    )
    for wrong in ([], ["a", 1], [["a"]]):
        assert f"'{name}' takes a string" in refused(tool, **{name: wrong})


@given(st.lists(st.text(st.characters(exclude_characters="\r\n"), max_size=5), min_size=1))
def test_both_ways_to_list_lines_are_the_same_text(lines: list[str]) -> None:
    text = "\n".join(lines)
    kept = [line + "\n" for line in lines[:-1]] + lines[-1:]
    for sent in (lines, kept):
        assert TOOLS["write_file"].parse({"path": "a", "content": sent})["content"] == text


@of_kinds(Kind.TEXT, Kind.LINES, Kind.NAME, Kind.ID)
def test_only_a_string_is_a_string(tool: Tool, name: str, form: Form) -> None:
    for wrong in (3, 1.5, True, {"a": 1}, {}):
        said = refused(tool, **{name: wrong})
        assert f"'{name}'" in said
        tool.parse(right_example(said))


@of_kinds(Kind.NAME, Kind.ID)
def test_a_list_of_one_name_is_that_name_and_a_list_of_two_is_refused(
    tool: Tool, name: str, form: Form
) -> None:
    same(tool, name, ["aa"], "aa")
    assert f"'{name}' takes one value, but 2 were given" in refused(tool, **{name: ["aa", "bb"]})
    if form.kind is Kind.ID:
        same(tool, name, '["aa"]', "aa")


@of_kinds(Kind.TEXT)
def test_a_choice_may_be_in_other_letters(tool: Tool, name: str, form: Form) -> None:
    if form.choices:
        for choice in form.choices:
            same(tool, name, f" {choice.title()} ", choice)
        if name not in tool.form.required:
            assert tool.parse({**base(tool), name: ""}) == tool.parse(base(tool))
        assert f"'{name}'" in refused(tool, **{name: "something"})


NAMES: list[tuple[str, dict[str, Any], dict[str, Any]]] = [
    ("read_cell", {"cell_id": "aa"}, {"cell": "aa"}),
    ("read_cell", {"cellId": "aa", "cell": None}, {"cell": "aa"}),
    ("read_cell", {"cells": ["aa"]}, {"cell": "aa"}),
    ("delete_cell", {"cell": "aa"}, {"cells": ["aa"]}),
    ("delete_cell", {"ids": "aa,bb"}, {"cells": ["aa", "bb"]}),
    ("execute_cell", {"cell_ids": '["aa"]'}, {"cells": ["aa"]}),
    ("execute_cell", {"all": True, "cell": None}, {"all": True}),
    ("execute_cell", {"all": "true", "from": "", "cells": None}, {"all": True}),
    ("list_cells", {"notebook_path": "a.ipynb"}, {"notebook": "a.ipynb"}),
    ("list_cells", {"path": "a.ipynb"}, {"notebook": "a.ipynb"}),
    ("use_notebook", {"file_path": "a.ipynb"}, {"notebook": "a.ipynb"}),
    ("read_file", {"file_path": "a.txt"}, {"path": "a.txt"}),
    ("insert_cell", {"code": "1", "cell_type": "raw"}, {"source": "1", "type": "raw"}),
    ("execute_ipython", {"source": "1"}, {"code": "1"}),
    ("write_file", {"path": "a", "text": "1"}, {"path": "a", "content": "1"}),
    ("assign_kernel_to_notebook", {"kernel_name": "python3"}, {"kernel": "python3"}),
    ("wait", {"call_id": "c_1", "timeout": "5"}, {"call": "c_1", "seconds": 5}),
    ("execute_cell", {"all": True, "stopOnError": False}, {"all": True, "stop_on_error": False}),
]


@pytest.mark.parametrize(("name", "sent", "right"), NAMES)
def test_the_usual_other_name_of_an_argument_is_that_argument(
    name: str, sent: dict[str, Any], right: dict[str, Any]
) -> None:
    assert TOOLS[name].parse(sent) == TOOLS[name].parse(right)


WRONG: list[tuple[str, dict[str, Any], str]] = [
    ("read_cell", {"cell": "a", "cell_id": "b"}, "'cell_id' means 'cell', which is given as well"),
    ("read_cell", {"cellId": "a", "cell_id": "b"}, "'cell_id' means 'cellId'"),
    ("execute_cell", {"all": True, "timeout": 5}, "There is no argument 'timeout'"),
    ("read_cell", {"cell": "a", "cell_index": 3}, "There is no argument 'cell_index'"),
    ("search_notebook", {"pattern": "a"}, "There is no argument 'pattern'"),
    ("insert_cell", {"source": "1", "cell_id": "a"}, "There is no argument 'cell_id'"),
    ("edit_cell", {"cell": "a", "old_string": "1"}, "There is no argument 'old_string'"),
    ("write_file", {"path": "a", "edits": "old"}, "'edits' takes a list of objects, not a text"),
    ("execute_cell", {"foo": None}, "There is no argument 'foo'"),
    ("wait", {"call": "c", "seconds": "10s"}, "'seconds': Input should be a valid number"),
]


@pytest.mark.parametrize(("name", "sent", "words"), WRONG)
def test_what_could_mean_something_else_is_named(
    name: str, sent: dict[str, Any], words: str
) -> None:
    with pytest.raises(InvalidArgumentError) as raised:
        TOOLS[name].parse(sent)
    assert words in raised.value.message
    takes = ", ".join(TOOLS[name].form.fields)
    assert f"{name} takes: {takes}." in raised.value.message
    TOOLS[name].parse(right_example(raised.value.message))


def right_example(message: str) -> dict[str, Any]:
    """Return the example at the end of a message."""
    found = re.search(r"Right, for example: (\{.*\})$", message)
    assert found is not None, message
    shown: dict[str, Any] = json.loads(found[1])
    return shown


@pytest.mark.parametrize("each", ALL.values(), ids=ALL)
def test_the_example_in_an_error_names_all_that_a_call_needs(each: Tool) -> None:
    shown = right_example(refused(each, no_such_argument=1))
    each.parse(shown)
    assert each.form.required <= shown.keys()
    assert set(each.one_of) <= each.form.fields.keys()
    assert not each.one_of or set(each.one_of) & shown.keys()


BOMBS = {
    "characters": '["' + "x" * MAX_CHARACTERS + '"]',
    "brackets": "[" + "{}," * MAX_BRACKETS + "{}]",
    "commas": "[" + "1," * (MAX_COMMAS + 1) + "1]",
    "depth": "[" * 40_000,
    "digits": "[" + "1" * 100_000 + "]",
}


@of_kinds(Kind.LIST)
def test_a_huge_json_string_is_refused_before_it_is_parsed(
    tool: Tool, name: str, form: Form
) -> None:
    parsed: list[int] = []

    def from_json(text: str, **options: object) -> object:
        parsed.append(len(text))
        raise ValueError("too deep, or a number too long")

    if form.verbatim or (form.item or form).kind is Kind.TEXT:
        return
    for what, bomb in BOMBS.items():
        parsed.clear()
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr("jmcp_lab.runtime.sent_json.json.loads", from_json)
            said = refused(tool, **{name: bomb})
        assert ("too large" in said) == (what in ("characters", "brackets", "commas"))
        assert bool(parsed) == (what in ("depth", "digits"))


def test_the_limits_hold_for_all_json_strings_of_a_call_together() -> None:
    pair = json.dumps({"old": "{" * (MAX_BRACKETS // 10), "new": ""})
    right = {"cell": "a", "edits": [pair] * 9}
    assert len(TOOLS["edit_cell"].parse(right)["edits"]) == 9
    assert "too large" in refused(TOOLS["edit_cell"], cell="a", edits=[pair] * 11)


def test_a_list_without_a_limit_of_its_own_has_one() -> None:
    assert "at most 20000 are taken" in refused(TOOLS["delete_cell"], cells=["a"] * 20_001)
    assert "at most 20000 are taken" in refused(TOOLS["delete_cell"], cells="a," * 30_000)
    many = {f"argument_{n}": n for n in range(50_000)}
    said = refused(TOOLS["delete_cell"], cells="a", **many)
    assert len(said) < 1000


@pytest.mark.parametrize(
    ("sent", "right"),
    [
        ({"words": "a, b"}, {"words": ["a, b"]}),
        ({"words": "[a"}, {"words": ["[a"]}),
        ({"words": "a", "cells": "aa, bb"}, {"words": ["a"], "cells": ["aa", "bb"]}),
        ({"words": "a", "counts": "1, 2"}, {"words": ["a"], "counts": [1, 2]}),
        ({"words": "a", "at": '{"x": "1"}'}, {"words": ["a"], "at": {"x": 1}}),
        ({"words": "a", "at": "null", "notebook": ""}, {"words": ["a"]}),
        ({"words": "a", "scale": ""}, {"words": ["a"]}),
        ({"words": "a", "cell": "aa"}, {"words": ["a"], "cells": ["aa"]}),
    ],
)
def test_tools_of_other_packages_get_the_same(sent: dict[str, Any], right: dict[str, Any]) -> None:
    assert other.parse(sent) == other.parse(right)


def test_an_object_names_its_unknown_field() -> None:
    assert "There is no 'at.y': 'at' takes x, label." in refused(other, at={"x": 1, "y": 2})
    assert "'at' takes an object" in refused(other, at=[1, 2])
    assert "'at' has no 'x'" in refused(other, at={})
