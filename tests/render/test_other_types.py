"""Outputs of types that are text, whatever they mean: all of them can be read, and none is lost."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import nbformat
import pytest
from nbformat.v4 import new_code_cell, new_notebook, new_output

from jmcp_lab.render.outputs import outline

from ..runtime.test_proposed_calls import calls_in
from ..support.robots import Robot

NEEDLE = "needle in it"
TYPES: dict[str, Any] = {
    "text/csv": f"name,what\n1,{NEEDLE}\n",
    "text/tab-separated-values": f"name\t{NEEDLE}\n",
    "text/vnd.mermaid": f"graph TD; A-->{NEEDLE}",
    "text/x-python": f"# {NEEDLE}",
    "application/geo+json": {"type": "Feature", "properties": {"name": NEEDLE}},
    "application/vnd.foo.v1+json": {"rows": [[NEEDLE]]},
    "application/ld+json": [{"name": NEEDLE}],
    "application/xml": f"<a>{NEEDLE}</a>",
    "text/xml": f"<a>{NEEDLE}</a>",
    "application/gml+xml": f"<a>{NEEDLE}</a>",
    "application/x-yaml": f"a: {NEEDLE}",
    "application/sql": f"select '{NEEDLE}'",
    "application/javascript": f"alert('{NEEDLE}')",
}


def write(root: Path, *bundles: dict[str, Any]) -> str:
    outputs = [new_output("display_data", data) for data in bundles]
    cell = new_code_cell("show()", outputs=outputs)
    nbformat.write(new_notebook(cells=[cell]), root / "a.ipynb")
    return str(cell["id"])


async def read_all(robot: Robot, said: str) -> str:
    """Return what a reply says, and what all calls say that it proposes."""
    return "\n".join([said, *[await robot.say(name, **given) for name, given in calls_in(said)]])


@pytest.mark.parametrize("mime_type", TYPES)
@pytest.mark.parametrize(
    "beside",
    [{}, {"text/plain": "<a.Thing object>"}, {"text/plain": "in words"}, {"text/html": "<p>x"}],
)
async def test_an_output_of_any_text_type_can_be_read_by_a_call_that_its_reply_names(
    robot: Robot, root: Path, mime_type: str, beside: dict[str, str]
) -> None:
    cell = write(root, {mime_type: TYPES[mime_type], **beside})
    said = await robot.say("read_cell", notebook="a.ipynb", cell=cell)
    assert mime_type in said
    assert NEEDLE in await read_all(robot, said)


async def test_other_types_beside_an_image_can_be_read_too(robot: Robot, root: Path) -> None:
    cell = write(root, {"image/png": "iVBORw0KGgo=", "text/html": f"<b>{NEEDLE}</b>"})
    said = await robot.say("read_cell", notebook="a.ipynb", cell=cell, images=False)
    assert NEEDLE in await read_all(robot, said)


async def test_each_of_several_types_can_be_read(robot: Robot, root: Path) -> None:
    cell = write(root, {"text/plain": "said", "text/csv": "one,1", "application/xml": "<two/>"})
    said = await read_all(robot, await robot.say("read_cell", notebook="a.ipynb", cell=cell))
    assert "one,1" in said
    assert "<two/>" in said


async def test_a_long_output_is_paged_to_its_end(robot: Robot, root: Path) -> None:
    rows = "".join(f"row {n},{n}\n" for n in range(9000))
    cell = write(root, {"text/plain": "a table", "text/csv": rows})
    said = await robot.say("read_cell", notebook="a.ipynb", cell=cell)
    found: list[str] = []
    while calls := list(calls_in(said)):
        said = await robot.say(calls[0][0], **calls[0][1])
        found += re.findall(r"row (\d+),", said)
    assert found == [str(n) for n in range(9000)]


def test_an_outline_says_which_type_it_is() -> None:
    for mime_type in ("text/csv", "application/geo+json", "text/vnd.mermaid"):
        output = {"output_type": "display_data", "data": {mime_type: "x"}, "metadata": {}}
        assert outline([output]) == mime_type


@pytest.mark.parametrize(
    "mime_type", ["application/octet-stream", "audio/wav", "video/mp4", "application/pdf", "x"]
)
async def test_a_type_that_is_not_text_is_named_and_not_shown(
    robot: Robot, root: Path, mime_type: str
) -> None:
    cell = write(root, {mime_type: f"UklGR{NEEDLE}"})
    said = await robot.say("read_cell", notebook="a.ipynb", cell=cell)
    assert "not shown" in said
    assert NEEDLE not in await read_all(robot, said)


# -- search ------------------------------------------------------------------------------------


async def test_a_search_names_what_it_did_not_search_and_the_call_that_shows_it(
    robot: Robot, root: Path
) -> None:
    long = "<p>" + "word " * 400_000 + f"</p><p>{NEEDLE}</p>"
    cell = write(root, {"text/plain": "said"}, {"text/html": long})
    said = await robot.say("search_notebook", notebook="a.ipynb", query=NEEDLE)
    assert said.startswith("No matches in the sources and outputs of a.ipynb.\nNot searched")
    assert f"- the HTML of output 2 of cell 1 (id {cell[:8]})" in said
    ((name, given),) = calls_in(said)
    assert "<p>word" in await robot.say(name, **given)


async def test_a_search_with_hits_says_so_too(robot: Robot, root: Path) -> None:
    write(root, {"text/plain": NEEDLE, "text/csv": f"a,{NEEDLE}"})
    said = await robot.say("search_notebook", notebook="a.ipynb", query=NEEDLE)
    assert "1 matching line" in said
    assert "- its text/csv of output 1" in said


async def test_the_first_of_many_unsearched_outputs_are_named(robot: Robot, root: Path) -> None:
    write(root, *({"text/plain": "said", "text/csv": "a"} for _ in range(30)))
    said = await robot.say("search_notebook", notebook="a.ipynb", query=NEEDLE)
    assert said.endswith("- and 25 more outputs")
    assert len(said) < 1500


async def test_a_complete_search_has_nothing_to_add(robot: Robot, root: Path) -> None:
    write(root, {"text/plain": "said"})
    said = await robot.say("search_notebook", notebook="a.ipynb", query=NEEDLE)
    assert said == "No matches in the sources and outputs of a.ipynb."
